// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"maps"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
)

// TestPartnerAccountsOfTheChart: the rights and the flag are those of config/partner, and without the value nobody has them.
func TestPartnerAccountsOfTheChart(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	chart, kustomized := template(t, "--set", "partnerAccounts.enabled=true"), installation.Render(t, "../config/partner")
	g.Expect(chart.Deployment(t).Spec.Template.Spec.Containers[0].Args).To(Equal(kustomized.Deployment(t).Spec.Template.Spec.Containers[0].Args))
	g.Expect(chart.Deployment(t).Spec.Template.Spec.Containers[0].Env).To(Equal(kustomized.Deployment(t).Spec.Template.Spec.Containers[0].Env))
	partnerRights := func(objects installation.Objects) []string {
		var rights []string
		for _, r := range objects.Rights(t) {
			if strings.HasPrefix(r.Resource, "partneraccounts") || strings.HasPrefix(r.Resource, "instanceclaims") || r.Resource == "namespaces" || r.Resource == "secrets" && r.Namespace == "" {
				rights = append(rights, strings.TrimSuffix(r.String(), ".messaging.greenapi-operator.dev"))
			}
		}
		return rights
	}
	readsSecrets := []string{"get secrets", "list secrets", "watch secrets"}
	g.Expect(partnerRights(kustomized)).To(ConsistOf(append([]string{"get partneraccounts", "list partneraccounts", "watch partneraccounts", "update partneraccounts/status",
		"get instanceclaims", "list instanceclaims", "watch instanceclaims", "patch instanceclaims", "update instanceclaims/status",
		"get namespaces", "list namespaces", "watch namespaces", "create secrets", "update secrets"}, readsSecrets...)))
	for _, name := range []string{"partner-role", "partner-claims-role", "partner-secrets-role", "greenapi-operator-claims"} {
		find := func(objects installation.Objects) any {
			for _, object := range of(objects, "ClusterRole", "Role") {
				if strings.HasSuffix(object.GetName(), name) {
					return []any{object.Object["rules"], object.GetLabels()["rbac.authorization.k8s.io/aggregate-to-admin"], object.GetLabels()["rbac.authorization.k8s.io/aggregate-to-edit"]}
				}
			}
			return nil
		}
		g.Expect(find(chart)).NotTo(BeNil(), name)
		g.Expect(find(chart)).To(Equal(find(kustomized)), name)
		g.Expect(find(template(t))).To(BeNil(), name)
		g.Expect(find(installation.Render(t, "../config/default"))).To(BeNil(), name)
	}
	g.Expect(partnerRights(template(t))).To(ConsistOf(readsSecrets))
	g.Expect(partnerRights(installation.Render(t, "../config/default"))).To(ConsistOf(readsSecrets))
	expectRefused(t, "partnerAccounts.enabled=true,manager.shardRing=greenapi", "every shard would look after every account")
}

// TestThePartnerRolesOfOneNamespace: where the chart watches single namespaces, claims and Secrets are written there and nowhere else. What
// belongs to no namespace stays a right of the cluster.
func TestThePartnerRolesOfOneNamespace(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	namespaces := map[string]map[string]bool{}
	for _, right := range template(t, "--set", "partnerAccounts.enabled=true,scope=namespaced", "--set", "watchNamespaces={a,b}").Rights(t) {
		name := strings.TrimSuffix(right.String(), ".messaging.greenapi-operator.dev")
		if namespaces[name] == nil {
			namespaces[name] = map[string]bool{}
		}
		namespaces[name][right.Namespace] = true
	}
	watched, all := map[string]bool{"a": true, "b": true}, map[string]bool{"": true}
	for _, right := range []string{"get instanceclaims", "list instanceclaims", "watch instanceclaims", "patch instanceclaims", "update instanceclaims/status", "create secrets", "update secrets",
		"list secrets", "watch secrets"} {
		g.Expect(namespaces[right]).To(Equal(watched), right)
	}
	read := maps.Clone(watched)
	read[system] = true
	g.Expect(namespaces["get secrets"]).To(Equal(read), "the Secrets with partner tokens are in the operator's own namespace")
	for _, right := range []string{"get partneraccounts", "update partneraccounts/status", "get namespaces", "list namespaces", "watch namespaces"} {
		g.Expect(namespaces[right]).To(Equal(all), right)
	}
	for name := range namespaces {
		if namespaces[name][""] {
			g.Expect(name).NotTo(ContainSubstring("secrets"))
		}
	}
}

// TestTheRightsOfClaims has the real manager look after a claim with what is installed and no more, for the whole cluster and for one
// namespace, and with a label that Secrets must have. It adopts an instance, and buys one, for which the claim gets a finalizer. The API
// server asks who sets an owner whether they may: an owner that blocks nothing needs no right to the claims' finalizers.
func TestTheRightsOfClaims(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		install func(*cluster) installation.Objects
		labels  map[string]string
	}{
		"config/partner": {install: func(c *cluster) installation.Objects {
			c.must(kubectl, "apply", "-k", "../config/partner")
			return installation.Render(t, "../config/partner")
		}},
		"the chart, for one namespace": {install: func(c *cluster) installation.Objects {
			values := []string{"--set", "partnerAccounts.enabled=true,scope=namespaced,manager.secretLabelSelector=greenapi=yes", "--set", "watchNamespaces={shop}"}
			c.namespace("shop")
			c.install(chart, values...)
			return template(t, values...)
		}, labels: map[string]string{"greenapi": "yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, "OwnerReferencesPermissionEnforcement")
			installed := test.install(c)
			s := c.declare("shop")
			s.sellTo(test.labels)
			s.labelSecrets(test.labels)
			command, output := s.start(t, s.live(installed))
			for _, name := range []string{"there", "bought"} {
				s.Eventually(func() bool { return s.claim(name).Status.IDInstance != 0 && s.claimReady(name) }, patience).Should(BeTrue(), output.String)
				secret := &corev1.Secret{}
				s.Expect(s.admin.Get(t.Context(), client.ObjectKey{Namespace: s.ns, Name: name + "-greenapi"}, secret)).To(Succeed())
				for key, value := range test.labels {
					s.Expect(secret.Labels).To(HaveKeyWithValue(key, value))
				}
			}
			s.Expect(s.vendor.Ledger()).To(HaveLen(1), "one is bought, the other was there")
			s.Expect(s.claim("bought").Finalizers).To(ConsistOf(v1alpha1.ClaimFinalizer))
			s.Expect(s.claim("there").Finalizers).To(BeEmpty())
			s.Expect(output.String()).NotTo(ContainSubstring("forbidden"))
			_ = command.Process.Signal(syscall.SIGTERM)
			_ = command.Wait()
			s.maySetOwners(t, installed)
		})
	}
}

// sellTo makes a partner account, with an instance that is there, and two claims.
func (s *story) sellTo(labels map[string]string) {
	s.t.Helper()
	const token = "gac.token-of-the-reseller-0123456789"
	s.vendor.AddAccount(emulator.Account{Name: "reseller", Token: token})
	s.vendor.Add(emulator.Instance{ID: 710700000099, Token: "token-of-the-one-that-is-there", Name: "prod-eu/shop/there", Account: "reseller"})
	for _, object := range []client.Object{
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "reseller", Labels: labels}, StringData: map[string]string{"partnerToken": token}},
		&v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: "reseller"}, Spec: v1alpha1.PartnerAccountSpec{
			PartnerAPIURL: s.url, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: "reseller"}, Messenger: emulator.WhatsApp, OwnerKey: "prod-eu",
			AllowedNamespaces: &metav1.LabelSelector{}, Limits: v1alpha1.PartnerLimits{MaxInstances: 3, MaxCreatesPerHour: 3}, Mode: v1alpha1.ModeCreateAndDelete,
		}},
		&v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "there"}, Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: "reseller"}}},
		&v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "bought"}, Spec: v1alpha1.InstanceClaimSpec{
			AccountRef: v1alpha1.AccountReference{Name: "reseller"}, DeletionPolicy: v1alpha1.DeletionDelete,
		}},
	} {
		s.Expect(s.admin.Create(s.t.Context(), object)).To(Succeed())
	}
}

// labelSecrets puts labels on the Secrets of the namespace.
func (s *story) labelSecrets(labels map[string]string) {
	s.t.Helper()
	for key, value := range labels {
		s.must(kubectl, "label", "secrets", "--all", "--namespace", s.ns, key+"="+value)
	}
}

func (s *story) claim(name string) *v1alpha1.InstanceClaim {
	s.t.Helper()
	claim := &v1alpha1.InstanceClaim{}
	s.Expect(s.admin.Get(s.t.Context(), client.ObjectKey{Namespace: s.ns, Name: name}, claim)).To(Succeed())
	return claim
}

func (s *story) claimReady(name string) bool {
	return apimeta.IsStatusConditionTrue(s.claim(name).Status.Conditions, v1alpha1.ReadyCondition)
}

// maySetOwners: a Secret gets the claim as its owner when it is made. One that is there would need the right to delete Secrets.
func (s *story) maySetOwners(t *testing.T, installed installation.Objects) {
	t.Helper()
	manager, err := client.New(installed.Login(t, s.config, s.admin), client.Options{Scheme: s.admin.Scheme()})
	s.Expect(err).NotTo(HaveOccurred())
	claim := s.claim("there")
	owner := metav1.OwnerReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "InstanceClaim", Name: claim.Name, UID: claim.UID}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "owned", OwnerReferences: []metav1.OwnerReference{owner}}}
	s.Expect(manager.Create(t.Context(), secret)).To(Succeed())
	secret.Data = map[string][]byte{"idInstance": []byte("1")}
	s.Expect(manager.Update(t.Context(), secret)).To(Succeed())
	secret.OwnerReferences = nil
	s.Expect(apierrors.IsForbidden(manager.Update(t.Context(), secret))).To(BeTrue(), "owners change where Secrets may be deleted, and nowhere else")
	blocking := owner
	blocking.BlockOwnerDeletion = new(true)
	err = manager.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "blocking", OwnerReferences: []metav1.OwnerReference{blocking}}})
	s.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "blockOwnerDeletion would need the right to update instanceclaims/finalizers: %v", err)
	for _, forbidden := range []error{
		manager.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "owned"}}),
		manager.Delete(t.Context(), claim),
		manager.Create(t.Context(), &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "more"}, Spec: claim.Spec}),
	} {
		s.Expect(apierrors.IsForbidden(forbidden)).To(BeTrue(), "%v", forbidden)
	}
}
