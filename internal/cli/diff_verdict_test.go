// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// wishIncoming is a spec that differs from a new instance in one setting.
func wishIncoming(i *v1alpha1.WhatsAppInstance) {
	i.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}}
}

func (d *desk) items(arguments ...string) (map[string]difference, result) {
	d.t.Helper()
	r := d.diff(append([]string{"-o", "json"}, arguments...)...)
	var list struct{ Items []difference }
	d.Expect(json.Unmarshal([]byte(r.out), &list)).To(Succeed(), r.out+r.err)
	found := map[string]difference{}
	for _, item := range list.Items {
		found[item.Name] = item
	}
	return found, r
}

func TestDiffSaysWhetherTheOperatorWouldWrite(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	now := metav1.NewMicroTime(time.Now())
	hash := plan.Wishes(&v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}}).Hash
	record := func(outcome v1alpha1.ApplyOutcome, attempt int32) func(*v1alpha1.InstanceStatus) {
		return func(s *v1alpha1.InstanceStatus) {
			s.Apply = &v1alpha1.ApplyRecord{SettingsHash: hash, Attempt: attempt, Reason: v1alpha1.ApplySpecChange, StartedTime: now, FinishedTime: &now,
				Outcome: outcome, Settings: []v1alpha1.AppliedSetting{{Setting: "incomingWebhook", Wish: "8a798890"}}}
		}
	}
	synced := func(s *v1alpha1.InstanceStatus) { s.SyncedSettingsHash = hash }
	cases := []struct {
		name, write, why string
		spec             func(*v1alpha1.WhatsAppInstance)
		status           func(*v1alpha1.InstanceStatus)
		state            string
	}{
		{name: "new", write: writeNow, why: "restarts the instance"},
		{name: "drift", write: writeNow, why: "restarts the instance", status: synced},
		{name: "observe", write: writeNot, why: "Observe never writes", spec: func(i *v1alpha1.WhatsAppInstance) { i.Spec.ReconcilePolicy = v1alpha1.PolicyObserve }},
		{name: "paused", write: writeNot, why: "spec.paused", spec: func(i *v1alpha1.WhatsAppInstance) { i.Spec.Paused = true }},
		{name: "onspecchange-drift", write: writeNot, why: "only reported", status: synced, spec: func(i *v1alpha1.WhatsAppInstance) { i.Spec.ReconcilePolicy = v1alpha1.PolicyOnSpecChange }},
		{name: "onspecchange-new", write: writeNow, why: "restarts", spec: func(i *v1alpha1.WhatsAppInstance) { i.Spec.ReconcilePolicy = v1alpha1.PolicyOnSpecChange }},
		{name: "starting", write: writeLater, why: "once the instance has started", state: emulator.StateStarting},
		{name: "pending-code", write: writeLater, why: "login", state: emulator.StatePendingCode},
		{name: "settling", write: writeLater, why: "may not show yet", status: record(v1alpha1.OutcomeSettling, 1)},
		{name: "not-kept", write: writeLater, why: "tries again later", status: record(v1alpha1.OutcomeNotPersisted, 1)},
		{name: "rejected", write: writeNot, why: "refused these values", status: record(v1alpha1.OutcomeRejected, 1)},
		{name: "given-up", write: writeNot, why: "gave these settings up", status: func(s *v1alpha1.InstanceStatus) {
			record(v1alpha1.OutcomeNotPersisted, 3)(s)
			s.Abandoned = []v1alpha1.AbandonedSetting{{Setting: "incomingWebhook", Reason: v1alpha1.AbandonNotPersisted, Time: metav1.Now(), Count: 1}}
		}},
		{name: "duplicate", write: writeNot, why: "Delete one of the two", status: func(s *v1alpha1.InstanceStatus) {
			s.Conditions = []metav1.Condition{{Type: v1alpha1.StalledCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonDuplicateInstance,
				Message: "Another resource already manages this instance. Delete one of the two", LastTransitionTime: metav1.Now()}}
		}},
		{name: "no-webhook-token", write: writeNot, why: "nothing is written without it", spec: func(i *v1alpha1.WhatsAppInstance) {
			i.Spec.Settings.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "no-such-secret"}
		}},
	}
	for number, c := range cases {
		line := d.line(c.name, number, func(i *v1alpha1.WhatsAppInstance) {
			wishIncoming(i)
			if c.spec != nil {
				c.spec(i)
			}
		})
		if c.status != nil {
			c.status(&line.Status)
			d.Expect(admin.Status().Update(d.ctx, line)).To(Succeed())
		}
		if c.state != "" {
			d.vendor.SetState(line.Spec.IDInstance, c.state)
		}
	}
	found, r := d.items()
	d.Expect(r.code).To(Equal(exitNo), r.err)
	d.Expect(found).To(HaveLen(len(cases)))
	for _, c := range cases {
		d.Expect(found[c.name].Differs).To(BeTrue(), c.name)
		d.Expect(found[c.name].Write).To(Equal(c.write), c.name)
		d.Expect(found[c.name].Why).To(ContainSubstring(c.why), c.name)
	}
	d.Expect(found["given-up"].Notes).To(ConsistOf(ContainSubstring("incomingWebhook is not written any more (SettingsNotPersisted)")))
	d.Expect(found["no-webhook-token"].Notes).To(ConsistOf(Equal(`webhookUrlToken is not compared: Secret "no-such-secret" is not there`)))
}

func TestDiffFindsTheChangeThatTheOperatorThenMakes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support-line", 1, func(i *v1alpha1.WhatsAppInstance) {
		wishIncoming(i)
		i.Spec.Settings.OutgoingWebhook = new(false)
		i.Spec.ReconcilePolicy = v1alpha1.PolicyObserve
		// The vendor takes one call a second, and two look at the instance here.
		i.Spec.StateInterval, i.Spec.SettingsInterval = &metav1.Duration{Duration: 5 * time.Second}, &metav1.Duration{Duration: 10 * time.Second}
	})
	d.operate()
	pending := d.ready("support-line").Status.PendingChanges
	found, _ := d.items("support-line")
	d.Expect(found["support-line"].Changes).To(Equal(pending))
	d.Expect(pending).NotTo(BeEmpty())
	d.Expect(admin.Get(d.ctx, keyOf(line), line)).To(Succeed())
	line.Spec.ReconcilePolicy = ""
	d.Expect(admin.Update(d.ctx, line)).To(Succeed())
	// Only once the operator is done: each diff asks the vendor, who refuses a second call in a second, and must not get in the operator's way.
	d.Expect(d.ready("support-line").Status.PendingChanges).To(BeEmpty())
	d.Eventually(func() int { return d.diff("support-line").code }, patience, 3*time.Second).Should(Equal(exitDone))
	d.Expect(d.vendor.Restarts(line.Spec.IDInstance)).To(Equal(1))
}
