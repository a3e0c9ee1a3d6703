// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

const (
	aggregateTo = "rbac.authorization.k8s.io/aggregate-to-"
	claimPlural = "instanceclaims"
)

// TestRolesForPeople: whoever has the cluster's role view, edit or admin has the matching rights to instances, and none to
// their status. Claims, which spend money, are written by admin alone, and partner accounts by none of them. The controller that
// aggregates roles is not part of the API server, so the test does it.
func TestRolesForPeople(t *testing.T) {
	t.Parallel()
	g, objects := NewWithT(t), render(t, "partner")
	var plurals []string
	for _, object := range objects {
		if object.GetKind() == "CustomResourceDefinition" {
			plural, _, err := unstructured.NestedString(object.Object, "spec", "names", "plural")
			g.Expect(err).NotTo(HaveOccurred())
			if scope, _, _ := unstructured.NestedString(object.Object, "spec", "scope"); scope == "Namespaced" && plural != claimPlural {
				plurals = append(plurals, plural)
			}
		}
	}
	g.Expect(plurals).To(HaveLen(len(instance.Kinds)))
	read, write := []string{"get", "list", "watch"}, []string{"create", "update", "patch", "delete", "deletecollection"}
	inside, outside := newNamespace(t), newNamespace(t)
	mayClaim := map[string][]string{"view": read, "edit": read, "admin": slices.Concat(read, write)}
	for person, may := range map[string][]string{"view": read, "edit": slices.Concat(read, write), "admin": slices.Concat(read, write)} {
		aggregated := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: inside + "-" + person}}
		for _, object := range objects {
			if object.GetLabels()[aggregateTo+person] == "true" {
				aggregated.Rules = append(aggregated.Rules, installation.Decode[rbacv1.ClusterRole](t, object).Rules...)
			}
		}
		g.Expect(admin.Create(t.Context(), aggregated)).To(Succeed())
		g.Expect(admin.Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: inside, Name: person},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: aggregated.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: aggregated.Name}},
		})).To(Succeed())
		expectRights(t, aggregated.Name, inside, outside, plurals, may)
		expectRights(t, aggregated.Name, inside, outside, []string{claimPlural}, mayClaim[person])
		for _, rule := range aggregated.Rules {
			if slices.Contains(rule.Resources, "partneraccounts") {
				g.Expect(rule.Verbs).To(ConsistOf(read), person)
			}
		}
		for _, kind := range instance.Kinds {
			tryAs(t, aggregated.Name, inside, kind, len(may) > len(read))
		}
	}
}

func on(namespace, group, resource, verb string) installation.Right {
	return installation.Right{Namespace: namespace, Group: group, Resource: resource, Verb: verb}
}

// expectRights asks the API server for all verbs on instances, their status and Secrets.
func expectRights(t *testing.T, user, inside, outside string, plurals, verbs []string) {
	t.Helper()
	g, group := NewWithT(t), v1alpha1.GroupVersion.Group
	for _, plural := range plurals {
		for _, verb := range verbs {
			g.Eventually(func() bool { return installation.May(t, admin, user, on(inside, group, plural, verb)) }, patience).Should(BeTrue(), "%s: %s %s", user, verb, plural)
		}
		for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} {
			g.Expect(installation.May(t, admin, user, on(inside, group, plural, verb))).To(Equal(slices.Contains(verbs, verb)), "%s: %s %s", user, verb, plural)
			for _, r := range []installation.Right{on(inside, group, plural+"/status", verb), on(outside, group, plural, verb), on("", group, plural, verb), on(inside, "", "secrets", verb)} {
				g.Expect(installation.May(t, admin, user, r)).To(BeFalse(), "%s: %s in %q", user, r, r.Namespace)
			}
		}
	}
}

// tryAs does as a user what a person does with an instance.
func tryAs(t *testing.T, user, ns string, kind instance.Kind, writes bool) {
	t.Helper()
	g := NewWithT(t)
	config := rest.CopyConfig(environment.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	person, err := newAdmin(config)
	g.Expect(err).NotTo(HaveOccurred())
	name := strings.TrimPrefix(user, ns+"-")
	instance := func() client.Object {
		object := instanceOf(kind, ns, 1)
		object.SetName(name)
		return object
	}
	attempt := func(doing string, allowed bool, do func(context.Context, client.Object) error) {
		t.Helper()
		object := instance()
		if doing != "create" {
			g.Expect(admin.Get(t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed())
		}
		if err := do(t.Context(), object); allowed {
			g.Expect(err).NotTo(HaveOccurred(), "%s: %s %s", user, doing, kind.Name)
		} else {
			g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%s: %s %s: %v", user, doing, kind.Name, err)
		}
	}
	attempt("create", writes, func(ctx context.Context, o client.Object) error { return person.Create(ctx, o) })
	if !writes {
		g.Expect(admin.Create(t.Context(), instance())).To(Succeed())
	}
	attempt("list", true, func(ctx context.Context, _ client.Object) error {
		return person.List(ctx, kind.NewList(), client.InNamespace(ns))
	})
	attempt("get", true, func(ctx context.Context, o client.Object) error {
		return person.Get(ctx, client.ObjectKeyFromObject(o), o)
	})
	attempt("update", writes, func(ctx context.Context, o client.Object) error { return person.Update(ctx, o) })
	attempt("write the status of", false, func(ctx context.Context, o client.Object) error { return person.Status().Update(ctx, o) })
	attempt("patch the status of", false, func(ctx context.Context, o client.Object) error {
		return person.Status().Patch(ctx, o, client.RawPatch(types.MergePatchType, []byte(`{"status":{"stateInstance":"authorized"}}`)))
	})
	attempt("delete", writes, func(ctx context.Context, o client.Object) error { return person.Delete(ctx, o) })
}

// TestThePodPassesPodSecurityRestricted: the API server itself takes the manager's pod in the namespace of the
// installation, and would refuse one that asks for more.
func TestThePodPassesPodSecurityRestricted(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"default", "namespaced"} {
		g, objects := NewWithT(t), render(t, folder)
		namespace := installation.Find[corev1.Namespace](t, objects, "Namespace", "-system")
		namespace.Name = newNamespace(t) + "-restricted"
		g.Expect(admin.Create(t.Context(), namespace)).To(Succeed())
		template := objects.Deployment(t).Spec.Template
		create := func(change func(*corev1.PodSpec, *corev1.SecurityContext)) error {
			pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
			pod.Namespace, pod.Name = namespace.Name, "manager"
			change(&pod.Spec, pod.Spec.Containers[0].SecurityContext)
			return admin.Create(t.Context(), pod, client.DryRunAll)
		}
		g.Expect(create(func(*corev1.PodSpec, *corev1.SecurityContext) {})).To(Succeed())
		for want, change := range map[string]func(*corev1.PodSpec, *corev1.SecurityContext){
			"runAsNonRoot != true":              func(p *corev1.PodSpec, _ *corev1.SecurityContext) { p.SecurityContext.RunAsNonRoot = nil },
			"runAsUser=0":                       func(p *corev1.PodSpec, _ *corev1.SecurityContext) { p.SecurityContext.RunAsUser = new(int64(0)) },
			"seccompProfile":                    func(p *corev1.PodSpec, _ *corev1.SecurityContext) { p.SecurityContext.SeccompProfile = nil },
			"allowPrivilegeEscalation != false": func(_ *corev1.PodSpec, c *corev1.SecurityContext) { c.AllowPrivilegeEscalation = nil },
			"unrestricted capabilities":         func(_ *corev1.PodSpec, c *corev1.SecurityContext) { c.Capabilities.Drop = nil },
			"host namespaces":                   func(p *corev1.PodSpec, _ *corev1.SecurityContext) { p.HostNetwork = true },
		} {
			g.Expect(create(change)).To(MatchError(And(ContainSubstring(`violates PodSecurity "restricted`), ContainSubstring(want))))
		}

		// What that level does not ask for.
		g.Expect(template.Spec.Containers).To(HaveLen(1))
		g.Expect(template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem).To(HaveValue(BeTrue()))
		g.Expect(template.Spec.Volumes).To(BeEmpty())
		account := installation.Find[corev1.ServiceAccount](t, objects, "ServiceAccount", "manager")
		g.Expect(template.Spec.ServiceAccountName).To(Equal(account.Name))
		g.Expect(template.Spec.AutomountServiceAccountToken).To(HaveValue(BeTrue()), "this pod needs a token")
		g.Expect(account.AutomountServiceAccountToken).To(HaveValue(BeFalse()), "no other does")
	}
}

// TestTheNetworkPolicy: the API server takes it, it is about the manager's pod, and it lets through what is needed only.
func TestTheNetworkPolicy(t *testing.T) {
	t.Parallel()
	g, deployment := NewWithT(t), render(t, "default").Deployment(t)
	policy := installation.Find[networkingv1.NetworkPolicy](t, render(t, "network-policy"), "NetworkPolicy", "")
	g.Expect(policy.Namespace).To(Equal(deployment.Namespace))
	selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(selector.Matches(labels.Set(deployment.Spec.Template.Labels))).To(BeTrue())
	g.Expect(policy.Spec.PolicyTypes).To(ConsistOf(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress))

	number := func(name string) int32 {
		for _, port := range deployment.Spec.Template.Spec.Containers[0].Ports {
			if port.Name == name {
				return port.ContainerPort
			}
		}
		t.Fatalf("the container has no port %s", name)
		return 0
	}
	// passes evaluates one rule as the API's reference defines it, for peers that are namespaces.
	passes := func(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, from labels.Set, protocol corev1.Protocol, port int32) bool {
		known := len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
			selector, err := metav1.LabelSelectorAsSelector(p.NamespaceSelector)
			g.Expect(err).NotTo(HaveOccurred())
			return p.IPBlock == nil && p.PodSelector == nil && selector.Matches(from)
		})
		return known && slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
			wanted := p.Port.IntVal
			if p.Port.Type == intstr.String {
				wanted = number(p.Port.StrVal)
			}
			return *p.Protocol == protocol && wanted == port && p.EndPort == nil
		})
	}
	in := func(from labels.Set, port int32) bool {
		return slices.ContainsFunc(policy.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
			return passes(r.From, r.Ports, from, corev1.ProtocolTCP, port)
		})
	}
	out := func(protocol corev1.Protocol, port int32) bool {
		return slices.ContainsFunc(policy.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
			return passes(r.To, r.Ports, labels.Set{}, protocol, port)
		})
	}
	g.Expect(in(labels.Set{"metrics": "enabled"}, number("metrics"))).To(BeTrue())
	g.Expect(in(labels.Set{}, number("metrics"))).To(BeFalse())
	g.Expect(in(labels.Set{}, number("probes"))).To(BeTrue(), "the kubelet's")
	g.Expect(in(labels.Set{"metrics": "enabled"}, 9999)).To(BeFalse())
	for _, port := range []int32{53, 443, 6443} {
		g.Expect(out(corev1.ProtocolTCP, port)).To(BeTrue(), "TCP %d", port)
	}
	g.Expect(out(corev1.ProtocolUDP, 53)).To(BeTrue())
	g.Expect(out(corev1.ProtocolUDP, 443)).To(BeFalse())
	g.Expect(out(corev1.ProtocolTCP, 80)).To(BeFalse())

	policy.Namespace = newNamespace(t)
	g.Expect(admin.Create(t.Context(), policy, client.FieldValidation("Strict"))).To(Succeed())
}
