// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// instanceManifest is a resource of a kind whose spec has the given lines and no other.
func instanceManifest(kind, spec string) string {
	return fmt.Sprintf("apiVersion: messaging.greenapi-operator.dev/v1alpha1\nkind: %s\nmetadata: {generateName: validation-, namespace: default}\nspec: {%s}\n", kind, spec)
}

// What names an instance.
const (
	byNumber = "idInstance: 710700000001, apiTokenSecretRef: {name: token}"
	byClaim  = "claimRef: {name: support-line}"
)

// refusedWith fails unless an error says something.
func refusedWith(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want a refusal that says %q", err, want)
	}
}

func TestAnInstanceIsNamedByItsNumberOrByAClaim(t *testing.T) {
	const both = "claimRef stands in place of idInstance and apiTokenSecretRef, since the claim knows both: write claimRef alone, or leave it out and write the other two"
	for _, kind := range instance.Kinds {
		for name, spec := range map[string]string{"a number and a Secret": byNumber, "a claim": byClaim, "a claim and an address": byClaim + ", apiUrl: https://7107.api.greenapi.com"} {
			if _, err := applied(t, instanceManifest(kind.Name, spec)); err != nil {
				t.Errorf("%s with %s: refused: %v", kind.Name, name, err)
			}
		}
		for spec, want := range map[string]string{
			"":                                     "idInstance is missing: write the number that the vendor's console shows, together with apiTokenSecretRef, or else claimRef with the name of an InstanceClaim",
			"apiTokenSecretRef: {name: token}":     "idInstance is missing",
			"idInstance: 710700000001":             "apiTokenSecretRef is missing: name the Secret with the instance's apiTokenInstance, together with idInstance, or else write claimRef with the name of an InstanceClaim",
			byClaim + ", " + byNumber:              both,
			byClaim + ", idInstance: 710700000001": both,
			byClaim + ", apiTokenSecretRef: {name: token}":         both,
			`claimRef: {name: ""}`:                                 "at least 1 chars long",
			"claimRef: {}":                                         "Required value",
			"claimRef: {name: " + strings.Repeat("a", 64) + "}":    "may not be more than 63",
			"claimRef: {name: support-line, namespace: elsewhere}": "unknown field",
		} {
			_, err := applied(t, instanceManifest(kind.Name, spec))
			refusedWith(t, err, want)
		}
	}
}

func TestAnInstanceStaysWithWhatNamesIt(t *testing.T) {
	const other = "a resource cannot change between claimRef and idInstance: delete this one (which calls nothing at GREEN-API) and create a new one"
	number := map[string]any{"idInstance": int64(710700000001), "apiTokenSecretRef": map[string]any{"name": "token"}}
	claim := func(name string) map[string]any { return map[string]any{"claimRef": map[string]any{"name": name}} }
	for _, kind := range instance.Kinds {
		for _, test := range []struct {
			from string
			to   map[string]any
			want string
		}{
			{byNumber, claim("support-line"), other},
			{byClaim, number, other},
			{byClaim, claim("another"), "is immutable: the instance of another claim is another resource, so delete this one (which calls nothing at GREEN-API) and create a new one"},
			{byNumber, map[string]any{"apiTokenSecretRef": map[string]any{"name": "token"}}, "idInstance is missing"},
		} {
			object, err := applied(t, instanceManifest(kind.Name, test.from))
			if err != nil {
				t.Fatal(err)
			}
			if err := unstructured.SetNestedMap(object.Object, test.to, "spec"); err != nil {
				t.Fatal(err)
			}
			refusedWith(t, admin.Update(t.Context(), object), test.want)
		}
	}
}

// TestAResourceIsFoundByTheNumberOfItsStatus: one with a claim has no number in its spec.
func TestAResourceIsFoundByTheNumberOfItsStatus(t *testing.T) {
	for _, kind := range instance.Kinds {
		object, err := applied(t, instanceManifest(kind.Name, byClaim))
		if err != nil {
			t.Fatal(err)
		}
		if err := unstructured.SetNestedField(object.Object, int64(710700000005), "status", "idInstance"); err != nil {
			t.Fatal(err)
		}
		if err := admin.Status().Update(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		list := kind.NewList()
		if err := admin.List(t.Context(), list, client.InNamespace("default"), client.MatchingFields{"status.idInstance": "710700000005"}); err != nil {
			t.Fatal(err)
		}
		if names := namesIn(list); len(names) != 1 || names[0] != object.GetName() {
			t.Errorf("kubectl get %s --field-selector status.idInstance finds %q, want %q", kind.Plural, names, object.GetName())
		}
	}
}

// namesIn are the names of a list's resources.
func namesIn(list instance.List) (names []string) {
	instance.Each(list, func(resource v1alpha1.Instance) { names = append(names, resource.GetName()) })
	return names
}
