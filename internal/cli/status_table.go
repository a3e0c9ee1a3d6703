// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// tableView shows many resources, a line each.
type tableView struct {
	*session
	terminal

	namespaces bool
	grid       *grid
}

func (t *tableView) all(_ context.Context, found []v1alpha1.Instance) error {
	t.layOut(found)
	return nil
}

// changed adds the line of one that changed, as kubectl get --watch does.
func (t *tableView) changed(_ context.Context, instance v1alpha1.Instance, deleted bool) error {
	if t.grid == nil {
		t.layOut([]v1alpha1.Instance{instance})
		return nil
	}
	row := t.row(instance)
	if deleted {
		row[len(row)-1] = gridCell{"was deleted", shadeFaint}
	}
	fmt.Fprint(t.Out, t.grid.line(t.trim(row)))
	return nil
}

// layOut prints the header and the first lines.
func (t *tableView) layOut(found []v1alpha1.Instance) {
	t.grid = &grid{terminal: t.terminal, columns: []column{
		{name: "NAMESPACE"}, {name: "NAME"}, {name: "KIND", spare: 6}, {name: "READY"}, {name: "SYNCED", spare: 3},
		{name: "AVAILABLE", spare: 1}, {name: "STATE", spare: 2}, {name: "INSTANCE", spare: 5}, {name: "AGE", spare: 4}, {name: "NEXT"},
	}}
	if !t.namespaces {
		t.grid.columns = t.grid.columns[1:]
	}
	var rows [][]gridCell
	for _, instance := range found {
		rows = append(rows, t.trim(t.row(instance)))
	}
	t.grid.print(t.Out, rows)
}

// trim leaves the namespace out where all have the same.
func (t *tableView) trim(row []gridCell) []gridCell {
	if t.namespaces {
		return row
	}
	return row[1:]
}

// row is the line of one resource.
func (t *tableView) row(instance v1alpha1.Instance) []gridCell {
	now := t.clock.Now()
	how := advice.Assess(instance, now)
	row := []gridCell{{text: instance.GetNamespace()}, {text: instance.GetName()}, {text: shortName(instance)}}
	for _, name := range []string{v1alpha1.ReadyCondition, v1alpha1.SyncedCondition, v1alpha1.AvailableCondition} {
		status := conditionStatus(instance, name)
		row = append(row, gridCell{cmp.Or(status, "-"), shadeOf(status)})
	}
	return append(row, gridCell{text: cmp.Or(instance.InstanceStatus().StateInstance, "-")},
		gridCell{text: numberOf(instance)},
		gridCell{text: ago(now, instance.GetCreationTimestamp().Time)}, gridCell{text: how.Brief()})
}

// numberOf is the number of a resource's instance as tables show it: - while its claim has none.
func numberOf(resource v1alpha1.Instance) string {
	if number := instance.Number(resource); number != 0 {
		return strconv.FormatInt(number, 10)
	}
	return "-"
}

// conditionStatus is the status of a condition as tables show it: empty where there is none.
func conditionStatus(instance v1alpha1.Instance, name string) string {
	if condition := apimeta.FindStatusCondition(instance.InstanceStatus().Conditions, name); condition != nil {
		return string(condition.Status)
	}
	return ""
}

// shadeOf colors the status of a condition of which True is good.
func shadeOf(status string) shade {
	switch metav1.ConditionStatus(status) {
	case metav1.ConditionTrue:
		return shadeGood
	case metav1.ConditionFalse:
		return shadeBad
	default:
		return shadeBusy
	}
}
