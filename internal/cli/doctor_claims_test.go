// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// partnerRoles gives the manager of the desk the roles of config/partner.
func (d *desk) partnerRoles() {
	d.t.Helper()
	manager := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: d.ns, Name: "default"}}
	for _, file := range []string{"partner_role", "partner_claims_role", "partner_secrets_role"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "config", "rbac", "partner", file+".yaml"))
		d.Expect(err).NotTo(HaveOccurred())
		name := d.ns + "-" + file
		var role, binding client.Object
		if bytes.Contains(text, []byte("kind: ClusterRole\n")) {
			bound := &rbacv1.ClusterRole{}
			d.Expect(yaml.Unmarshal(text, bound)).To(Succeed())
			bound.Name, role = name, bound
			binding = &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: manager, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}}
		} else {
			bound := &rbacv1.Role{}
			d.Expect(yaml.Unmarshal(text, bound)).To(Succeed())
			bound.Name, bound.Namespace, role = name, d.ns, bound
			binding = &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name}, Subjects: manager, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name}}
		}
		for _, object := range []client.Object{role, binding} {
			d.Expect(admin.Create(d.ctx, object)).To(Succeed())
			d.t.Cleanup(func() { _ = admin.Delete(context.WithoutCancel(d.ctx), object) })
		}
	}
}

// TestDoctorLooksAtClaims runs alone: what it makes is for a whole cluster.
//
//nolint:paralleltest // see above
func TestDoctorLooksAtClaims(t *testing.T) {
	d := newDesk(t)
	account := d.account(nil)
	claim := d.claim("bought", has(1, v1alpha1.ClaimCreated))
	d.secret("bought-greenapi", map[string]string{"apiTokenInstance": "0123456789abcdef0123456789abcdef"})
	d.Expect(admin.Patch(d.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: d.ns}}, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"greenapi-claims":"allowed"}}}`)))).To(Succeed())
	now := afterBirth(claim, 2*time.Hour)
	manager, lease := d.manager(1), d.lease(now.Now())
	printed := func() string { return d.run(now, "doctor").out }
	d.Expect(printed()).To(ContainSubstring("\nPROBLEM  Partner: no manager that was found has --partner-accounts, so nobody looks after claims and partner accounts\n           Switch it on, with its roles: by Helm partnerAccounts.enabled=true, by kustomize config/partner in place of config/default (docs/partneraccount.md)\n"))

	d.tidy(manager)
	manager = d.manager(1, "--partner-accounts")
	d.Expect(printed()).To(ContainSubstring("\nPROBLEM  Partner: the manager may not do what --partner-accounts needs\n           Deployment " + d.ns + "/controller-manager may not get partneraccounts\n           Install its roles: "))
	d.Expect(printed()).To(ContainSubstring("\nPROBLEM  Accounts: of 1, 1 cannot be used\n           PartnerAccount " + d.ns + ": Secret " + d.ns + "/reseller-partner is not there. Create it: kubectl -n " + d.ns +
		" create secret generic reseller-partner --from-file=partnerToken=token.txt\n"))
	d.partnerRoles()
	const token = "gac.canary0partner0token0123456789"
	d.secrets.Add(token)
	d.secret("reseller-partner", map[string]string{"partnerToken": token})
	d.Eventually(printed, patience).Should(ContainSubstring("\nok       Partner: Deployment "+d.ns+"/controller-manager looks after claims and partner accounts, and has its roles\n"), "the roles take a moment")
	fine := d.run(now, "doctor")
	d.Expect(fine.code).To(Equal(exitDone), fine.out)
	d.Expect(fine.out).To(ContainSubstring("\nok       Accounts: nothing is wrong with any (1)\nok       Claims: 1 of 1 have their instance\n\nAll 12 checks are fine.\n"))

	account.Status.Instances.Unclaimed = 3
	d.Expect(admin.Status().Update(d.ctx, account)).To(Succeed())
	d.claim("limited", lacks(v1alpha1.ReconcilingCondition, v1alpha1.ReasonLimitReached, "PartnerAccount buys no more than limits.maxCreatesPerHour, 10, within an hour"))
	warned := d.run(now, "doctor")
	d.Expect(warned.code).To(Equal(exitDone), warned.out)
	golden(t, "doctor-claims-warned", d.named(warned.out))

	d.claim("lost", lost)
	d.claim("unseen", nil)
	d.claim("stray", lacks(v1alpha1.ReconcilingCondition, v1alpha1.ReasonAccountNotReady, "It is not there"), func(c *v1alpha1.InstanceClaim) { c.Spec.AccountRef.Name = d.ns + "-other" })
	line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "dangling"}}
	line.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: "nowhere"}
	d.Expect(admin.Create(d.ctx, line)).To(Succeed())
	d.Expect(admin.Patch(d.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: d.ns}}, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"greenapi-claims":null}}}`)))).To(Succeed())
	account.Status.Conditions = []metav1.Condition{
		condition(metav1.Now(), v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.ReasonAccountMismatch, "The list has none of the instances that this account had before"),
		condition(metav1.Now(), v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ReasonAccountMismatch, "The list has none of the instances that this account had before"),
	}
	d.Expect(admin.Status().Update(d.ctx, account)).To(Succeed())
	bad := d.run(now, "doctor")
	d.Expect(bad.code).To(Equal(exitNo))
	golden(t, "doctor-claims-bad", d.named(bad.out))

	// Who sees claims alone is told what was not looked at.
	d.asUser("viewer", viewer)
	few := d.run(now, "doctor")
	d.Expect(few.out).To(ContainSubstring("\n-        Partner: not looked at: you may not list deployments in all namespaces, so whether a manager has --partner-accounts is not known\n"))
	d.Expect(few.out).To(ContainSubstring("\n-        Accounts: not looked at: you may not read partneraccounts\n"))
	d.Expect(few.out).To(ContainSubstring("\nPROBLEM  Claims: 1 of 5 have their instance, and somebody has to act\n"))
	d.tidy(manager, lease)
}
