// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// installation is what a folder of config/ renders to.
type installation []*unstructured.Unstructured

// render renders a folder of config/ as `kubectl apply -k` does. With lines of a kustomization the folder is the base of
// one that has these.
func render(t *testing.T, folder string, overlay ...string) installation {
	t.Helper()
	path := filepath.Join("..", "..", "config", folder)
	if len(overlay) > 0 {
		base, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		path = t.TempDir()
		if base, err = filepath.Rel(path, base); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(append(overlay, "resources: ["+base+"]", ""), "\n")
		if err := os.WriteFile(filepath.Join(path, "kustomization.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options := krusty.MakeDefaultOptions()
	// As the command does: namespaces first.
	options.Reorder = krusty.ReorderOptionLegacy
	rendered, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), path)
	if err != nil {
		t.Fatal(err)
	}
	var objects installation
	for _, resource := range rendered.Resources() {
		object := &unstructured.Unstructured{}
		text, err := resource.MarshalJSON()
		if err == nil {
			err = object.UnmarshalJSON(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}

// find decodes the only object of a kind whose name ends so.
func find[T any](t *testing.T, objects installation, kind, suffix string) *T {
	t.Helper()
	var found []*T
	for _, object := range objects {
		if object.GetKind() == kind && strings.HasSuffix(object.GetName(), suffix) {
			found = append(found, decode[T](t, object))
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of the kind %s end in %q, want 1", len(found), kind, suffix)
	}
	return found[0]
}

func decode[T any](t *testing.T, object *unstructured.Unstructured) *T {
	t.Helper()
	decoded := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, decoded, true); err != nil {
		t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
	return decoded
}

// apply creates everything but the CRDs, which the control plane has already.
func (i installation) apply(t *testing.T) {
	t.Helper()
	for _, object := range i {
		if object.GetKind() == "CustomResourceDefinition" {
			continue
		}
		if err := admin.Create(t.Context(), object.DeepCopy(), client.FieldValidation("Strict")); err != nil {
			t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
}

// right is one verb on one kind of resource, in a namespace or, if that is "", in all.
type right struct {
	namespace, group, resource, verb string
}

func (r right) String() string {
	return strings.TrimSuffix(r.verb+" "+r.resource+"."+r.group, ".")
}

// rights are those of all roles that are bound to the manager's ServiceAccount.
func (i installation) rights(t *testing.T) []right {
	t.Helper()
	var rights []right
	for _, role := range i {
		if !i.bound(t, role) {
			continue
		}
		rules := decode[rbacv1.ClusterRole](t, role).Rules
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
func single(rule rbacv1.PolicyRule, namespace string) []right {
	var rights []right
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				rights = append(rights, right{namespace, group, resource, verb})
			}
		}
	}
	return rights
}

// bound reports whether an object is a role that is bound to the manager's ServiceAccount.
func (i installation) bound(t *testing.T, role *unstructured.Unstructured) bool {
	t.Helper()
	account := find[corev1.ServiceAccount](t, i, "ServiceAccount", "manager")
	for _, object := range i {
		if object.GetKind() != "RoleBinding" && object.GetKind() != "ClusterRoleBinding" {
			continue
		}
		binding := decode[rbacv1.RoleBinding](t, object)
		if binding.Namespace == role.GetNamespace() && binding.RoleRef.Kind == role.GetKind() && binding.RoleRef.Name == role.GetName() &&
			slices.Contains(binding.Subjects, rbacv1.Subject{Kind: "ServiceAccount", Name: account.Name, Namespace: account.Namespace}) {
			return true
		}
	}
	return false
}

// without is the installation with one right less.
func (i installation) without(t *testing.T, missing right) installation {
	t.Helper()
	var less installation
	for _, object := range i {
		less = append(less, object.DeepCopy())
		if !i.bound(t, object) || object.GetNamespace() != missing.namespace {
			continue
		}
		var rules []any
		for _, rule := range decode[rbacv1.ClusterRole](t, object).Rules {
			for _, r := range single(rule, object.GetNamespace()) {
				if r != missing {
					rules = append(rules, map[string]any{"apiGroups": []any{r.group}, "resources": []any{r.resource}, "verbs": []any{r.verb}})
				}
			}
		}
		less[len(less)-1].Object["rules"] = rules
	}
	return less
}

// may asks the API server whether a user has a right.
func may(t *testing.T, user string, groups []string, r right) bool {
	t.Helper()
	resource, subresource, _ := strings.Cut(r.resource, "/")
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: groups,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: r.namespace, Verb: r.verb, Group: r.group, Resource: resource, Subresource: subresource,
		}}}
	if err := admin.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

// login returns how the manager's ServiceAccount connects, once the API server knows of its rights.
func (i installation) login(t *testing.T) *rest.Config {
	t.Helper()
	account := find[corev1.ServiceAccount](t, i, "ServiceAccount", "manager")
	user := fmt.Sprintf("system:serviceaccount:%s:%s", account.Namespace, account.Name)
	for _, r := range i.rights(t) {
		NewWithT(t).Eventually(func() bool { return may(t, user, nil, r) }, patience).Should(BeTrue(), "%s", r)
	}
	return &rest.Config{
		Host: environment.Config.Host, BearerToken: tokenOf(t, account),
		TLSClientConfig: rest.TLSClientConfig{CAData: environment.Config.CAData},
	}
}

// tokenOf makes a token of a ServiceAccount.
func tokenOf(t *testing.T, account *corev1.ServiceAccount) string {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	account = &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: account.Namespace, Name: account.Name}}
	if err := admin.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// deployment is the manager's.
func (i installation) deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	return find[appsv1.Deployment](t, i, "Deployment", "controller-manager")
}
