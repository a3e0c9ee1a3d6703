// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// TestP16WhatAsksForARotation: any new value, but of two times only a later one.
func TestP16WhatAsksForARotation(t *testing.T) {
	for _, test := range []struct {
		handled, value string
		asks           bool
	}{
		{"-", "x", true}, {"", "x", true}, {"x", "x", false}, {"x", "y", true}, {"x", "", false},
		{"2026-11-28", "2026-11-29", true}, {"2026-11-28", "2026-11-27", false},
		{"2026-11-28T10:00:00Z", "2026-11-28", false}, {"2026-11-28", "2026-11-28T10:00:00Z", true},
		{"2026-11-28T10:00:00Z", "2026-11-28T11:00:00+01:00", false}, {"2026-11-28T10:00:00Z", "x", true},
	} {
		line := &v1alpha1.WhatsAppInstance{}
		if test.value != "" {
			line.Spec.APITokenRotation = &v1alpha1.APITokenRotation{RequestedAt: test.value}
		}
		if test.handled != "-" {
			line.Status.APITokenRotation = &v1alpha1.RotationRecord{Request: test.handled}
		}
		if got := instance.NewRotation(line); (got != "") != test.asks || got != "" && got != test.value {
			t.Errorf("after %q %q asks for %q", test.handled, test.value, got)
		}
	}
}

// TestP15WhoOwnsTheKey: a manager of the key, of all keys, or of what cannot be read, whose name is neither ours nor kubectl's.
func TestP15WhoOwnsTheKey(t *testing.T) {
	for _, test := range []struct {
		manager, fields string
		free            bool
	}{
		{"kubectl-create", `{"f:data":{".":{},"f:token":{}}}`, true},
		{"kubectl", `{"f:data":{"f:token":{}}}`, true},
		{instance.FieldOwner, `{"f:data":{"f:token":{}}}`, true},
		{instance.FieldOwner + "-2", `{"f:data":{"f:token":{}}}`, false},
		{"my-kubectl", `{"f:data":{"f:token":{}}}`, false},
		{"external-secrets", `{"f:data":{"f:token":{}}}`, false},
		{"external-secrets", `{"f:data":{"f:other":{}},"f:metadata":{"f:labels":{}}}`, true},
		{"external-secrets", `{"f:data":{}}`, false},
		{"external-secrets", `{"f:data":{".":{}}}`, true},
		{"argocd-controller", `{"f:stringData":{"f:token":{}}}`, false},
		{"argocd-controller", `not JSON`, false},
		{"argocd-controller", ``, true},
		{"", `{"f:data":{"f:token":{}}}`, false},
	} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "line", Namespace: "shop", Labels: map[string]string{v1alpha1.RotateLabel: "true"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: test.manager, FieldsV1: metav1.NewFieldsV1(test.fields)}}}}
		problem := instance.NotOwned(secret, "token", strings.ToUpper)
		if (problem == "") != test.free {
			t.Errorf("%s with %s: %q", test.manager, test.fields, problem)
		}
		if problem != "" && !strings.Contains(problem, strings.ToUpper(test.manager)) {
			t.Errorf("%q does not name the manager as it may be shown", problem)
		}
		secret.Labels[v1alpha1.RotateLabel] = "yes"
		if problem := instance.NotOwned(secret, "token", strings.ToUpper); !strings.Contains(problem, "kubectl -n shop label secret line") {
			t.Errorf("without the label: %q", problem)
		}
	}
}
