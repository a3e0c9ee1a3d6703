// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// shutWindow is one that opens some hours after now, by the clock of a zone.
func shutWindow(i *v1alpha1.WhatsAppInstance) {
	location, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		panic(err)
	}
	opens := time.Now().In(location).Add(6 * time.Hour)
	i.Spec.Maintenance = &v1alpha1.Maintenance{TimeZone: "Asia/Almaty",
		Windows: []v1alpha1.MaintenanceWindow{{Start: opens.Format("15:04"), Duration: metav1.Duration{Duration: time.Hour}}}}
}

// TestStatusShowsTheNextWindow by the clock of the zone, and only while something waits for it.
func TestStatusShowsTheNextWindow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.craft("waits", 1, func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		waitsFor(v1alpha1.ReasonOutsideWindow, "These settings differ and wait for the maintenance window, which opens for this instance on Mon 2026-11-30 at 01:07 (Asia/Almaty): incomingWebhook")(s, at)
		set(s, at(time.Minute), v1alpha1.SyncedCondition, metav1.ConditionFalse, v1alpha1.ReasonOutsideWindow,
			"These settings differ and wait for the maintenance window, which opens for this instance on Mon 2026-11-30 at 01:07 (Asia/Almaty): incomingWebhook")
	})
	d.reread(line)
	shutWindow(line)
	d.Expect(admin.Update(d.ctx, line)).To(Succeed())
	line.Status.ObservedGeneration = line.Generation
	d.Expect(admin.Status().Update(d.ctx, line)).To(Succeed())
	page := d.run(later(line, time.Hour), "status", "waits")
	opens := line.Status.NextWindowTime.In(time.FixedZone("", 5*60*60)).Format("Mon 2006-01-02 at 15:04")
	d.Expect(page.out).To(ContainSubstring("\nWaiting: the messenger works. These settings differ and wait for the maintenance window"))
	d.Expect(page.out).To(ContainSubstring("\nNext window: " + opens + " (Asia/Almaty), in 120m\n"))
	d.Expect(page.out).To(ContainSubstring("To have it written now: kubectl greenapi apply-now wai/waits -n " + d.ns + "\n"))
	d.craft("good", 2, nil)
	d.Expect(d.kubectl("status", "good").out).NotTo(ContainSubstring("Next window"))
}

// TestDiffSaysWhatAChangeWaitsFor: the window of the spec, or a fleet that is halted.
func TestDiffSaysWhatAChangeWaitsFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("shut", 1, func(i *v1alpha1.WhatsAppInstance) { wishIncoming(i); shutWindow(i) })
	d.line("no-zone", 2, func(i *v1alpha1.WhatsAppInstance) {
		wishIncoming(i)
		shutWindow(i)
		i.Spec.Maintenance.TimeZone = "Europe/Nowhere"
	})
	halted := d.line("halted", 3, wishIncoming)
	halted.Status.ObservedGeneration = halted.Generation
	set(&halted.Status, metav1.Now(), v1alpha1.SyncedCondition, metav1.ConditionFalse, v1alpha1.ReasonRolloutHalted, "These settings differ and wait")
	d.Expect(admin.Status().Update(d.ctx, halted)).To(Succeed())
	found, r := d.items()
	d.Expect(r.code).To(Equal(exitNo), r.err)
	d.Expect(found["shut"].Write).To(Equal(writeLater))
	d.Expect(found["shut"].Why).To(MatchRegexp(`^once the maintenance window has opened for this instance on \w+ \S+ at \S+ \(Asia/Almaty\), in \S+; this restarts the instance$`))
	d.Expect(found["no-zone"].Write).To(Equal(writeNot))
	d.Expect(found["no-zone"].Why).To(ContainSubstring("Europe/Moscow"))
	d.Expect(found["halted"].Write).To(Equal(writeLater))
	d.Expect(found["halted"].Why).To(ContainSubstring("the latest restarts of its fleet ended badly"))
	d.Expect(d.kubectl("apply-now", "halted", "--yes").code).To(Equal(exitDone))
	found, _ = d.items("halted")
	d.Expect(found["halted"].Write).To(Equal(writeNow), "a person asked for it")
}

// TestApplyNowWritesBeforeTheWindow: it asks with the number of restarts, and --wait follows until the settings are in effect.
func TestApplyNowWritesBeforeTheWindow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support", 1, func(i *v1alpha1.WhatsAppInstance) { wishIncoming(i); shutWindow(i) })
	early := d.kubectl("apply-now", "support", "--yes")
	d.Expect(early.code).To(Equal(exitFailed))
	d.Expect(early.err).To(ContainSubstring("was not looked at yet"))
	d.operate()
	d.Expect(d.ready("support").Status.NextWindowTime).NotTo(BeNil())
	d.Expect(d.kubectl("rollout").code).To(Equal(exitNo))

	silent := d.kubectl("apply-now", "support")
	d.Expect(silent.code).To(Equal(exitFailed))
	d.Expect(silent.err).To(HavePrefix("Apply now to WhatsAppInstance " + d.ns + "/support? This may cause 1 restart, and the messenger is down meanwhile, for up to five minutes. [y/N] "))
	command := d.command("apply-now", "support")
	command.Stdin = strings.NewReader("n\n")
	_ = command.Run()
	d.Expect(command.ProcessState.ExitCode()).To(Equal(exitNo))
	d.Expect(d.vendor.Restarts(line.Spec.IDInstance)).To(BeZero(), "no is no")

	done := d.kubectl("apply-now", "support", "--yes", "--wait", "--timeout=50s")
	d.Expect(done.code).To(Equal(exitDone), done.err+done.out)
	d.Expect(done.out).To(HavePrefix("WhatsAppInstance " + d.ns + "/support: asked to be written now\n"))
	d.Expect(d.vendor.Restarts(line.Spec.IDInstance)).To(Equal(1))
	d.reread(line)
	d.Expect(line.Status.LastHandledApplyAt).To(Equal(line.Annotations[v1alpha1.ApplyRequestedAtAnnotation]))
	complete := d.kubectl("rollout")
	d.Expect(complete.code).To(Equal(exitDone), complete.out)
	again := d.kubectl("apply-now", "support")
	d.Expect(again.err).To(ContainSubstring("No settings wait there at present, so this may cause 0 restarts."))
}

// TestApplyNowIsRefusedWhereItWouldBeIgnored, and of many such ones are left out.
func TestApplyNowIsRefusedWhereItWouldBeIgnored(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("watched", 1, func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve })
	d.line("asleep", 2, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	d.Expect(d.kubectl("apply-now", "watched", "--yes").err).To(ContainSubstring(
		"has the policy Observe, under which nothing is ever written\n  Remove spec.reconcilePolicy first: the operator would only echo the request"))
	d.Expect(d.kubectl("apply-now", "asleep", "--yes").err).To(ContainSubstring("is paused, so nobody reads it\n  Resume it first: kubectl greenapi resume wai/asleep -n " + d.ns))
	for n, name := range []string{"one", "two"} {
		line := d.craft(name, 3+n, waitsFor(v1alpha1.ReasonRolloutHalted, "These settings differ and wait: incomingWebhook"))
		line.Labels = map[string]string{"team": "shop"}
		d.Expect(admin.Update(d.ctx, line)).To(Succeed())
	}
	d.Expect(d.kubectl("apply-now", "-l", "team=shop").err).To(HavePrefix("Apply now to 2 instances? This may cause 2 restarts, and each messenger is down meanwhile"))
	all := d.kubectl("apply-now", "-l", "team", "--yes")
	d.Expect(all.code).To(Equal(exitDone), all.err)
	d.Expect(strings.Count(all.out, "asked to be written now")).To(Equal(2))
}
