// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// FieldOwner is the field manager of what the operator writes into Secrets.
const FieldOwner = "greenapi-operator"

// NewRotation returns the request of a spec for a rotation of the API token, "" if there is none that was not handled. Of two times
// only a later one asks, also of days: a tool that puts back what stands in Git asks for nothing.
func NewRotation(resource v1alpha1.Instance) string {
	wanted, record := resource.Core().APITokenRotation, resource.InstanceStatus().APITokenRotation
	if wanted == nil || wanted.RequestedAt == "" {
		return ""
	}
	if record == nil {
		return wanted.RequestedAt
	}
	asked, isTime := requestTime(wanted.RequestedAt)
	handled, wasTime := requestTime(record.Request)
	if wanted.RequestedAt == record.Request || isTime && wasTime && !asked.After(handled) {
		return ""
	}
	return wanted.RequestedAt
}

// NextRotation returns a value of spec.apiTokenRotation.requestedAt that asks for one more rotation: the time, or a moment after what was
// asked for last if that is a later one, as the clock of another machine, or a date, may be.
func NextRotation(resource v1alpha1.Instance, now time.Time) string {
	var before []string
	if wanted := resource.Core().APITokenRotation; wanted != nil {
		before = append(before, wanted.RequestedAt)
	}
	if record := resource.InstanceStatus().APITokenRotation; record != nil {
		before = append(before, record.Request)
	}
	for _, text := range before {
		if at, ok := requestTime(text); ok && !now.After(at) {
			now = at.Add(time.Nanosecond)
		}
	}
	return now.UTC().Format(time.RFC3339Nano)
}

// RotationByTime reports whether a value of requestedAt is a time, so that putting it back later asks for nothing.
func RotationByTime(requestedAt string) bool {
	_, ok := requestTime(requestedAt)
	return ok
}

func requestTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// NotOwned says why the operator may not replace a key of a Secret, and what to do; "" if it may (P15). shown makes a text of the
// cluster's fit to be shown.
func NotOwned(secret *corev1.Secret, key string, shown func(string) string) string {
	if secret.Labels[v1alpha1.RotateLabel] != "true" {
		return fmt.Sprintf("Secret %q lacks the label %s: \"true\", so nothing is called. If no other tool writes the token into it, put the label on: kubectl -n %s label secret %s %s=true",
			secret.Name, v1alpha1.RotateLabel, secret.Namespace, secret.Name, v1alpha1.RotateLabel)
	}
	if owner := metav1.GetControllerOf(secret); owner != nil {
		return fmt.Sprintf("Secret %q belongs to %s %q, which would put the old token back, so nothing is called. Replace the token where that has it from", secret.Name, shown(owner.Kind), shown(owner.Name))
	}
	for _, entry := range secret.ManagedFields {
		if entry.Manager != FieldOwner && !strings.HasPrefix(entry.Manager, "kubectl") && ownsKey(entry.FieldsV1, key) {
			return fmt.Sprintf("Key %q of Secret %q is written by %q, which would put the old token back, so nothing is called. Replace the token where that has it from, or write the key once by kubectl if that writes it no more",
				key, secret.Name, shown(entry.Manager))
		}
	}
	return ""
}

// ownsKey reports whether a field manager owns a key of a Secret, or all of them. What cannot be read may own it.
func ownsKey(fields *metav1.FieldsV1, key string) bool {
	if fields == nil || len(fields.GetRawBytes()) == 0 {
		return false
	}
	var owned map[string]json.RawMessage
	if err := json.Unmarshal(fields.GetRawBytes(), &owned); err != nil {
		return true
	}
	return slices.ContainsFunc([]string{"f:data", "f:stringData"}, func(name string) bool {
		part, ok := owned[name]
		if !ok {
			return false
		}
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(part, &keys); err != nil || len(keys) == 0 {
			return true
		}
		_, ok = keys["f:"+key]
		return ok
	})
}

// HoldsToken reports whether a key of a Secret holds a token, white space around it aside.
func HoldsToken(secret *corev1.Secret, key, token string) bool {
	return string(bytes.TrimSpace(secret.Data[key])) == token
}
