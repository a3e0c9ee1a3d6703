// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap/zapcore"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// verbose is beyond every level that the operator and its libraries log at.
const verbose = zapcore.Level(-12)

// documentedReasons are the constants Reason… of the API package, read from its source so that none is forgotten.
var documentedReasons = sync.OnceValue(func() map[string]bool {
	reasons := map[string]bool{}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "api", "v1alpha1", "conditions.go"), nil, 0)
	if err != nil {
		panic(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			value, _ := strconv.Unquote(literal.Value)
			reasons[value] = true
		}
		return true
	})
	return reasons
})

// checkConformance holds a stored resource against the rules of kstatus and of the contract (R26).
func checkConformance(t *testing.T, instance v1alpha1.Instance) {
	t.Helper()
	status := instance.InstanceStatus()
	for _, always := range []string{v1alpha1.ReadyCondition, v1alpha1.SyncedCondition, v1alpha1.AvailableCondition, v1alpha1.CredentialsValidCondition} {
		if apimeta.FindStatusCondition(status.Conditions, always) == nil {
			t.Errorf("R26: condition %s is missing", always)
		}
	}
	abnormal := 0
	for _, condition := range status.Conditions {
		switch condition.Type {
		case v1alpha1.ReconcilingCondition, v1alpha1.StalledCondition:
			abnormal++
			fallthrough
		case v1alpha1.PausedCondition:
			if condition.Status != metav1.ConditionTrue {
				t.Errorf("R26: condition %s is there and not True", condition.Type)
			}
		}
		if !documentedReasons()[condition.Reason] {
			t.Errorf("condition %s has the reason %q, which is not documented", condition.Type, condition.Reason)
		}
		if condition.ObservedGeneration > instance.GetGeneration() || condition.ObservedGeneration == 0 {
			t.Errorf("condition %s speaks of generation %d of %d", condition.Type, condition.ObservedGeneration, instance.GetGeneration())
		}
		if condition.Message == "" {
			t.Errorf("condition %s has no message", condition.Type)
		}
	}
	if abnormal > 1 {
		t.Error("R26: Reconciling and Stalled are there together")
	}
	if status.ObservedGeneration > instance.GetGeneration() {
		t.Errorf("observedGeneration %d is ahead of %d", status.ObservedGeneration, instance.GetGeneration())
	}
	ready := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ReadyCondition)
	paused := apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.PausedCondition)
	if ready != nil && ready.Status == metav1.ConditionTrue && !paused && ready.ObservedGeneration != status.ObservedGeneration {
		t.Errorf("R26: Ready is True for generation %d, and generation %d was compared", ready.ObservedGeneration, status.ObservedGeneration)
	}
	checkVerdicts(t, instance)
	if ready != nil && ready.Status == metav1.ConditionTrue && status.Apply.Active() {
		t.Error("R26: Ready is True while a write is open")
	}
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	most := 8 << 10
	if len(status.ManagedSettings) > 20 {
		most = 512 << 10
	}
	if len(text) > most {
		t.Errorf("the status has %d bytes", len(text))
	}
}
