// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// claimed makes an instance at the vendor, its claim, the Secret of that, and a resource that names the claim and was not looked at.
func (d *desk) claimed(name string, number int) *v1alpha1.InstanceClaim {
	d.t.Helper()
	token := fmt.Sprintf("canary-%s-%d-0123456789abcdef", d.ns, number)
	d.secrets.Add(token)
	d.vendor.Add(emulator.Instance{ID: firstID + int64(number), Token: token})
	d.secret("token-of-"+name, map[string]string{"apiTokenInstance": token})
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name}, Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: "reseller"}, SecretName: "token-of-" + name}}
	d.Expect(admin.Create(d.ctx, claim)).To(Succeed())
	line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name}}
	line.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: name}
	line.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}}
	d.Expect(admin.Create(d.ctx, line)).To(Succeed())
	return claim
}

// says is what a claim's condition Created shows.
func (d *desk) says(claim *v1alpha1.InstanceClaim, number int, status metav1.ConditionStatus, reason string) {
	d.t.Helper()
	claim.Status.IDInstance, claim.Status.APIURL = firstID+int64(number), d.url
	apimeta.SetStatusCondition(&claim.Status.Conditions, metav1.Condition{Type: v1alpha1.CreatedCondition, Status: status, Reason: reason, Message: "It is said"})
	d.Expect(admin.Status().Update(d.ctx, claim)).To(Succeed())
}

func TestDiffAsksTheClaimForNumberAndToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	claim := d.claimed("support-line", 1)
	waits := d.diff("support-line")
	d.Expect(waits.code).To(Equal(exitFailed))
	d.Expect(waits.err).To(ContainSubstring(`InstanceClaim "support-line" was not looked at yet` + "\n  See what it waits for: kubectl greenapi status claim/support-line -n " + d.ns))
	d.says(claim, 1, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	shown := d.diff("support-line")
	d.Expect(shown.code).To(Equal(exitNo), shown.err)
	d.Expect(shown.out).To(ContainSubstring("(instance 7107000001, authorized)"))
	d.Expect(shown.out).To(ContainSubstring("incomingWebhook"))

	// A manifest that is not applied yet, and two for one claim.
	manifest := func(name string) string {
		return fmt.Sprintf("apiVersion: messaging.greenapi-operator.dev/v1alpha1\nkind: WhatsAppInstance\nmetadata: {name: %s}\nspec: {claimRef: {name: support-line}, settings: {incomingWebhook: yes}}\n", name)
	}
	file := d.withInput(manifest("support-line"), append([]string{"diff", "-f", "-"}, toTheEmulator...)...)
	d.Expect(file.code).To(Equal(exitNo), file.err)
	d.Expect(file.out).To(ContainSubstring("(instance 7107000001, authorized)"))
	two := d.withInput(manifest("support-line")+"---\n"+manifest("another"), append([]string{"diff", "-f", "-"}, toTheEmulator...)...)
	d.Expect(two.code).To(Equal(exitFailed))
	d.Expect(two.err).To(ContainSubstring("names InstanceClaim support-line, which WhatsAppInstance " + d.ns + "/support-line"))

	d.vendor.Fault(emulator.Fault{Status: 401, Times: -1})
	d.Expect(d.diff("support-line").err).To(ContainSubstring(`into key "apiTokenInstance" of Secret "token-of-support-line"`))
	d.vendor.ClearFaults()
	d.vendor.Fault(emulator.Fault{Status: 404, Times: -1})
	d.Expect(d.diff("support-line").err).To(ContainSubstring("Compare status.idInstance of InstanceClaim support-line and spec.apiUrl"))
}

func TestStatusShowsTheNumberOfAClaim(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.claimed("support-line", 1)
	d.Expect(d.run(clock.RealClock{}, "status").out).To(MatchRegexp(`support-line +wai .* - +\S+ `))
	page := d.run(clock.RealClock{}, "status", "support-line").out
	d.Expect(page).To(And(ContainSubstring("Instance:   not known yet: its claim has none\n"), ContainSubstring("Claim:      support-line (waiting: the operator has not looked at it yet)\n")))

	line := d.get("support-line")
	line.Status.IDInstance, line.Status.APIURL = firstID+1, d.url
	for _, condition := range []metav1.Condition{
		{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonClaimNotReady, Message: "The claim waits"},
		{Type: v1alpha1.ReconcilingCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonClaimNotReady, Message: "The claim waits"},
		{Type: v1alpha1.SyncedCondition, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonApplyPending, Message: "Differs"},
	} {
		apimeta.SetStatusCondition(&line.Status.Conditions, condition)
	}
	d.Expect(admin.Status().Update(d.ctx, line)).To(Succeed())
	d.Expect(d.run(clock.RealClock{}, "status").out).To(ContainSubstring(" 7107000001 "))
	page = d.run(clock.RealClock{}, "status", "support-line").out
	d.Expect(page).To(ContainSubstring("Instance:   7107000001 at " + d.url))
	d.Expect(page).To(ContainSubstring("See what the claim waits for: kubectl greenapi status claim/support-line -n " + d.ns))
	who, _ := standOf(line)
	d.Expect(who).To(Equal(standUnseen), "what waits for a claim waits for no turn")
}

// get reads a WhatsAppInstance.
func (d *desk) get(name string) *v1alpha1.WhatsAppInstance {
	d.t.Helper()
	line := &v1alpha1.WhatsAppInstance{}
	d.Expect(admin.Get(d.ctx, client.ObjectKey{Namespace: d.ns, Name: name}, line)).To(Succeed())
	return line
}

func TestDoctorSeesWhatClaimsName(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	claim := d.claimed("support-line", 1)
	now := clock.RealClock{}
	d.Expect(d.run(now, "doctor").out).NotTo(ContainSubstring("Secret support-line-greenapi"), "a claim without an instance has no Secret yet")
	d.says(claim, 1, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	d.Expect(d.run(now, "doctor").out).To(And(ContainSubstring("no two resources are about one instance"), ContainSubstring("all 1 values that instances refer to are there")))
	rival := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "rival"}}
	rival.Spec.IDInstance, rival.Spec.APIURL, rival.Spec.APITokenSecretRef.Name = firstID+1, d.url, "token-of-support-line"
	d.Expect(admin.Create(d.ctx, rival)).To(Succeed())
	d.Expect(d.run(now, "doctor").out).To(ContainSubstring("7107000001: wai " + d.ns + "/rival, wai " + d.ns + "/support-line"))
	d.Expect(admin.Delete(d.ctx, rival)).To(Succeed())
	d.Expect(admin.Delete(d.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "token-of-support-line"}})).To(Succeed())
	d.Expect(d.run(now, "doctor").out).To(ContainSubstring("Secret token-of-support-line is not there. InstanceClaim support-line makes it: see its conditions"))
}
