// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// runAll shows what happened to many.
func (v *eventsVerb) runAll(ctx context.Context) error {
	if err := structured(v.output); err != nil {
		return err
	}
	cluster, err := v.client()
	if err != nil {
		return err
	}
	found, err := v.find(ctx, cluster, nil, v.by)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return failf("List what there is: kubectl get greenapi -A --show-labels", "No instances were found")
	}
	namespace := ""
	if !v.by.allNamespaces {
		namespace = found[0].GetNamespace()
	}
	events, err := eventsOfMany(ctx, cluster, namespace)
	if err := v.excuse(err, "The list of events"); err != nil {
		return err
	}
	if events == nil {
		events = eventsByUID{} // they may not be read, of claims neither
	}
	all := []happening{}
	for _, instance := range found {
		for _, h := range v.recent(historyOf(instance, events[instance.GetUID()])) {
			h.Namespace, h.Instance = instance.GetNamespace(), shortName(instance)+"/"+instance.GetName()
			all = append(all, h)
		}
	}
	all = append(all, v.ofClaims(ctx, cluster, found, events)...)
	slices.SortStableFunc(all, func(a, b happening) int { return a.Time.Compare(b.Time.Time) })
	if v.output != "" {
		return printStructured(v.Out, v.output, indentFour, all)
	}
	if len(all) == 0 {
		fmt.Fprintf(v.ErrOut, "Nothing happened to %d instances within %s\n", len(found), v.since)
		return nil
	}
	v.print(all, true)
	return nil
}

// recent leaves what happened within the time that is asked for.
func (v *eventsVerb) recent(all []happening) []happening {
	if v.since == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(h happening) bool { return v.clock.Since(h.Time.Time) > v.since })
}

// eventsByUID are events by the UIDs of what they are about.
type eventsByUID map[types.UID][]eventsv1.Event

// eventsOfMany reads the events about all instances and claims of a namespace, or of all if it is "", in chunks.
func eventsOfMany(ctx context.Context, cluster client.Reader, namespace string) (eventsByUID, error) {
	events, kinds := eventsByUID{}, []string{claimKind.name}
	for _, kind := range instance.Kinds {
		kinds = append(kinds, kind.Name)
	}
	for _, kind := range kinds {
		for next := ""; ; {
			list := &eventsv1.EventList{}
			err := cluster.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"regarding.kind": kind}, client.Limit(chunk), client.Continue(next))
			if err != nil {
				return nil, err
			}
			for _, event := range list.Items {
				events[event.Regarding.UID] = append(events[event.Regarding.UID], event)
			}
			if next = list.Continue; next == "" {
				break
			}
		}
	}
	return events, nil
}

// over reports whether an event warned of something that is no longer so, as far as the status tells.
func over(instance v1alpha1.Instance, event eventsv1.Event) bool {
	if event.Type != corev1.EventTypeWarning {
		return false
	}
	status := instance.InstanceStatus()
	is := func(condition string) bool { return apimeta.IsStatusConditionTrue(status.Conditions, condition) }
	switch event.Reason {
	case "CredentialsRejected":
		return is(v1alpha1.CredentialsValidCondition)
	case "StateChanged":
		return is(v1alpha1.AvailableCondition)
	case v1alpha1.ReasonStuckStarting:
		return status.StateInstance != states.Starting
	case v1alpha1.ReasonSettingsNotPersisted, v1alpha1.ReasonSettingsRejected, v1alpha1.ReasonDriftFlapping:
		return is(v1alpha1.SyncedCondition)
	case v1alpha1.ReasonEndpointNotAllowed, v1alpha1.ReasonDuplicateInstance:
		return len(status.Conditions) > 0 && conditionOf(instance, v1alpha1.StalledCondition) == nil
	default:
		return false
	}
}
