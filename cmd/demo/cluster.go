// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	eventsv1 "k8s.io/api/events/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// resource reads an instance from the API server.
func (s *stage) resource(ctx context.Context, name string) (v1alpha1.Instance, error) {
	found := copyOf(s.samples[name].instance)
	return found, s.admin.Get(ctx, client.ObjectKeyFromObject(found), found)
}

func copyOf(i v1alpha1.Instance) v1alpha1.Instance {
	if duplicate, ok := i.DeepCopyObject().(v1alpha1.Instance); ok {
		return duplicate
	}
	panic("demo: a copy of an instance is of another type")
}

// change edits an instance as somebody with kubectl does.
func (s *stage) change(ctx context.Context, name string, edit func(v1alpha1.Instance)) error {
	found, err := s.resource(ctx, name)
	if err != nil {
		return err
	}
	before := copyOf(found)
	edit(found)
	return s.admin.Patch(ctx, found, client.MergeFrom(before))
}

// events returns the events of an instance with a reason.
func (s *stage) events(ctx context.Context, name, reason string) ([]eventsv1.Event, error) {
	var list eventsv1.EventList
	if err := s.admin.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	var found []eventsv1.Event
	for _, event := range list.Items {
		if event.Regarding.Name == name && event.Reason == reason {
			found = append(found, event)
		}
	}
	return found, nil
}

// shows reports whether a condition has a status and, unless it is "", a reason, and is about the present generation.
func shows(i v1alpha1.Instance, condition string, status metav1.ConditionStatus, reason string) bool {
	found := apimeta.FindStatusCondition(i.InstanceStatus().Conditions, condition)
	return found != nil && found.Status == status && (reason == "" || found.Reason == reason) && found.ObservedGeneration == i.GetGeneration()
}

// ready reports whether the operator's job is done for the present generation.
func ready(i v1alpha1.Instance) bool {
	return shows(i, v1alpha1.ReadyCondition, metav1.ConditionTrue, "") && shows(i, v1alpha1.SyncedCondition, metav1.ConditionTrue, "") &&
		i.InstanceStatus().ObservedGeneration == i.GetGeneration()
}

// summary says in one line what a status shows.
func summary(i v1alpha1.Instance) string {
	status := i.InstanceStatus()
	if len(status.Conditions) == 0 {
		return "no condition at all"
	}
	var parts []string
	for _, condition := range status.Conditions {
		part := fmt.Sprintf("%s %s (%s)", condition.Type, condition.Status, condition.Reason)
		if condition.ObservedGeneration != i.GetGeneration() {
			part += " for an earlier generation"
		}
		parts = append(parts, part)
	}
	if status.StateInstance != "" {
		parts = append(parts, "state "+status.StateInstance)
	}
	return strings.Join(parts, ", ")
}
