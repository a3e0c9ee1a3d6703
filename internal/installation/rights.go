// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package installation

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Right is one verb on one kind of resource, in a namespace or, if that is "", in all.
type Right struct {
	Namespace, Group, Resource, Verb string
}

// String is how a test names it.
func (r Right) String() string {
	return strings.TrimSuffix(r.Verb+" "+r.Resource+"."+r.Group, ".")
}

// Rights are those of all roles that are bound to the manager's ServiceAccount.
func (i Objects) Rights(t *testing.T) []Right {
	t.Helper()
	var rights []Right
	for _, role := range i {
		if !i.bound(t, role) {
			continue
		}
		rules := Decode[rbacv1.ClusterRole](t, role).Rules
		for _, rule := range rules {
			if len(rule.NonResourceURLs)+len(rule.ResourceNames) > 0 {
				t.Fatalf("%s: a rule with URLs or names, which this test does not know: %v", role.GetName(), rule)
			}
			rights = append(rights, single(rule, role.GetNamespace())...)
		}
	}
	return rights
}

// single splits a rule into its rights.
func single(rule rbacv1.PolicyRule, namespace string) []Right {
	var rights []Right
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				rights = append(rights, Right{Namespace: namespace, Group: group, Resource: resource, Verb: verb})
			}
		}
	}
	return rights
}

// bound reports whether an object is a role that is bound to the manager's ServiceAccount.
func (i Objects) bound(t *testing.T, role *unstructured.Unstructured) bool {
	t.Helper()
	account := Find[corev1.ServiceAccount](t, i, "ServiceAccount", "manager")
	for _, object := range i {
		if object.GetKind() != "RoleBinding" && object.GetKind() != "ClusterRoleBinding" {
			continue
		}
		binding := Decode[rbacv1.RoleBinding](t, object)
		if binding.Namespace == role.GetNamespace() && binding.RoleRef.Kind == role.GetKind() && binding.RoleRef.Name == role.GetName() &&
			slices.Contains(binding.Subjects, rbacv1.Subject{Kind: "ServiceAccount", Name: account.Name, Namespace: account.Namespace}) {
			return true
		}
	}
	return false
}

// Without is the installation with one right less.
func (i Objects) Without(t *testing.T, missing Right) Objects {
	t.Helper()
	var less Objects
	for _, object := range i {
		less = append(less, object.DeepCopy())
		if !i.bound(t, object) || object.GetNamespace() != missing.Namespace {
			continue
		}
		var rules []any
		for _, rule := range Decode[rbacv1.ClusterRole](t, object).Rules {
			for _, r := range single(rule, object.GetNamespace()) {
				if r != missing {
					rules = append(rules, map[string]any{"apiGroups": []any{r.Group}, "resources": []any{r.Resource}, "verbs": []any{r.Verb}})
				}
			}
		}
		less[len(less)-1].Object["rules"] = rules
	}
	return less
}
