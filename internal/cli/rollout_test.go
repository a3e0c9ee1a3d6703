// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

type change = func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time)

// waitsFor is a status that waits for something.
func waitsFor(reason, message string) change {
	return func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		set(s, at(time.Minute), v1alpha1.SyncedCondition, metav1.ConditionFalse, reason, message)
		s.PendingChanges = []v1alpha1.PendingChange{{Setting: "incomingWebhook", Desired: "yes", Observed: "no"}}
		if reason == v1alpha1.ReasonOutsideWindow {
			s.NextWindowTime = new(at(3 * time.Hour))
			return
		}
		set(s, at(time.Minute), v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, message)
		set(s, at(time.Minute), v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ReasonProgressing, message)
	}
}

// wrote is a status with a record of a write.
func wrote(outcome v1alpha1.ApplyOutcome) change {
	return func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		s.Apply = &v1alpha1.ApplyRecord{Generation: 1, Attempt: 1, Reason: v1alpha1.ApplySpecChange, StartedTime: metav1.NewMicroTime(at(time.Minute).Time),
			StateBefore: states.Authorized, Outcome: outcome, Settings: []v1alpha1.AppliedSetting{{Setting: "incomingWebhook", Wish: "8a798890"}}}
	}
}

// lostAccount is a status of one that was written well and is no longer authorized.
func lostAccount(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
	wrote(v1alpha1.OutcomeConfirmed)(s, at)
	s.StateInstance = "notAuthorized"
	set(s, at(3*time.Minute), v1alpha1.AvailableCondition, metav1.ConditionFalse, v1alpha1.ReasonNotAuthorized, "No account is authorized")
	s.Rollout = &v1alpha1.RolloutRecord{LastFailedTime: new(at(3 * time.Minute)), LastFailure: v1alpha1.ReasonNotAuthorized}
}

// notKept is a status of one whose settings the vendor did not keep.
func notKept(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
	waitsFor(v1alpha1.ReasonSettingsNotPersisted, "The vendor kept other values than were written; the next attempt follows later: incomingWebhook")(s, at)
	wrote(v1alpha1.OutcomeNotPersisted)(s, at)
	s.Rollout = &v1alpha1.RolloutRecord{LastFailedTime: new(at(2 * time.Minute)), LastFailure: v1alpha1.ReasonSettingsNotPersisted}
}

// numbers reads what -o json prints.
func (d *desk) numbers(arguments ...string) (progressOfAll, result) {
	d.t.Helper()
	r := d.kubectl(append([]string{"rollout", "-o", "json"}, arguments...)...)
	var p progressOfAll
	d.Expect(json.Unmarshal([]byte(r.out), &p)).To(Succeed(), r.out+r.err)
	return p, r
}

// TestR35ARolloutIsSeenAsOneThing: every instance counts once, and who failed is named with the reason.
func TestR35ARolloutIsSeenAsOneThing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.craft("good-1", 1, wrote(v1alpha1.OutcomeConfirmed))
	d.craft("good-2", 2, nil)
	d.craft("restarts", 3, wrote(v1alpha1.OutcomeSettling))
	d.craft("turn", 4, waitsFor(v1alpha1.ReasonApplyPending, "These settings differ and are about to be written: incomingWebhook"))
	d.craft("lost", 5, lostAccount)
	d.craft("not-kept", 6, notKept)
	d.craft("halted", 7, waitsFor(v1alpha1.ReasonRolloutHalted, "These settings differ and wait, because the latest restarts of the fleet ended badly (desk-1/lost: NotAuthorized): incomingWebhook"))
	d.craft("paused", 8, nil)
	d.Expect(d.kubectl("pause", "paused").code).To(Equal(exitDone))
	now := later(first, 20*time.Minute+30*time.Second) // The others are born up to seconds after it; an age in minutes must not tell.
	shown := d.run(now, "rollout", "status")
	d.Expect(shown.code).To(Equal(exitFailed), shown.err)
	golden(t, "rollout", d.named(shown.out))
	d.Expect(shown.err).To(BeEmpty())

	p, r := d.numbers()
	d.Expect(r.code).To(Equal(exitFailed))
	d.Expect(p.Outcome).To(Equal(rolloutHalted))
	d.Expect([]int{p.Total, p.InEffect, p.Restarting, p.WaitingForTurn, p.Failed, p.Halted, p.LeftAsItIs}).To(Equal([]int{8, 2, 1, 1, 2, 1, 1}))
	d.Expect(p.Failures).To(HaveExactElements(
		And(HaveField("Name", "lost"), HaveField("Reason", v1alpha1.ReasonNotAuthorized), HaveField("Message", "No account is authorized")),
		And(HaveField("Name", "not-kept"), HaveField("Reason", v1alpha1.ReasonSettingsNotPersisted)),
	))
}

// TestR35ExitCodesOfARollout: 0 complete, 1 under way, 2 halted or failed, which wins.
func TestR35ExitCodesOfARollout(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	none := d.kubectl("rollout")
	d.Expect(none.code).To(Equal(exitDone))
	d.Expect(none.err).To(Equal("No instances found in namespace " + d.ns + ".\n"))
	d.craft("good", 1, nil)
	d.Expect(d.kubectl("rollout").code).To(Equal(exitDone))
	waiting := d.craft("waiting", 2, waitsFor(v1alpha1.ReasonOutsideWindow, "These settings differ and wait for the maintenance window: incomingWebhook"))
	under := d.run(later(waiting, time.Hour), "rollout")
	d.Expect(under.code).To(Equal(exitNo), under.err)
	d.Expect(under.out).To(MatchRegexp(`^Under way: 1 of 2 in effect\n\n  1  in effect\n  1  waiting for a window: it opens on \w+ \S+ at \S+ \(UTC\), in 120m\n$`))
	d.craft("bad", 3, notKept)
	p, r := d.numbers()
	d.Expect(r.code).To(Equal(exitFailed))
	d.Expect(p.Outcome).To(Equal(rolloutFailed))
	d.Expect(p.NextWindow).NotTo(BeNil())
	for _, arguments := range [][]string{{"rollout", "good"}, {"rollout", "status", "good"}, {"rollout", "-o", "wide"}, {"rollout", "--fleet-label", "x"}} {
		r := d.kubectl(arguments...)
		d.Expect(r.code).To(Equal(exitFailed))
		d.Expect(r.err).To(MatchRegexp("^error: .+\n  .+\n$"), "%s", arguments)
	}
}

// TestR35AFailureThatIsOver: what a later change or a login put right is no failure, and what is tried again restarts.
func TestR35AFailureThatIsOver(t *testing.T) {
	t.Parallel()
	at := func(after time.Duration) metav1.Time { return metav1.NewTime(time.Unix(1800000000, 0).Add(after)) }
	for name, c := range map[string]struct {
		status change
		want   stand
	}{
		"a login put it right": {func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			lostAccount(s, at)
			set(s, at(time.Hour), v1alpha1.AvailableCondition, metav1.ConditionTrue, v1alpha1.ReasonAuthorized, "")
		}, standInEffect},
		"the change was taken back, and nothing differs": {func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			notKept(s, at)
			set(s, at(time.Hour), v1alpha1.SyncedCondition, metav1.ConditionTrue, v1alpha1.ReasonUpToDate, "")
		}, standInEffect},
		"it waits with another change": {func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			notKept(s, at)
			s.Apply.Generation = 0
			set(s, at(time.Hour), v1alpha1.SyncedCondition, metav1.ConditionFalse, v1alpha1.ReasonRolloutHalted, "")
		}, standHalted},
		"its retry is held": {func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			notKept(s, at)
			set(s, at(time.Hour), v1alpha1.SyncedCondition, metav1.ConditionFalse, v1alpha1.ReasonRolloutHalted, "")
		}, standFailed},
		"it is tried again": {func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			notKept(s, at)
			s.Apply.Outcome = v1alpha1.OutcomePending
		}, standRestarting},
		"nobody was logged in before": {func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			lostAccount(s, at)
			s.Rollout, s.Apply.StateBefore = nil, "notAuthorized"
		}, standInEffect},
		"the edit was not compared yet": {func(s *v1alpha1.InstanceStatus, _ func(time.Duration) metav1.Time) { s.ObservedGeneration = 0 }, standUnseen},
		"a person has to act": {func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			set(s, at(time.Hour), v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ReasonMaintenanceInvalid, "")
		}, standFailed},
		"it is only reported": {waitsFor(v1alpha1.ReasonDriftDetected, ""), standLeft},
		"it starts still": {func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			wrote(v1alpha1.OutcomeConfirmed)(s, at)
			s.StateInstance, s.StateChangedTime = states.Starting, new(at(2*time.Minute))
		}, standRestarting},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			i := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Generation: 1}}
			i.Status.ObservedGeneration, i.Status.StateInstance = 1, states.Authorized
			set(&i.Status, at(0), v1alpha1.AvailableCondition, metav1.ConditionTrue, v1alpha1.ReasonAuthorized, "")
			set(&i.Status, at(0), v1alpha1.SyncedCondition, metav1.ConditionTrue, v1alpha1.ReasonUpToDate, "")
			c.status(&i.Status, at)
			got, failure := standOf(i)
			g.Expect(got).To(Equal(c.want))
			g.Expect(failure != nil).To(Equal(c.want == standFailed))
		})
	}
}

// TestR35AFleetIsChosenByItsLabel, across namespaces unless one is given.
func TestR35AFleetIsChosenByItsLabel(t *testing.T) {
	t.Parallel()
	d, other := newDesk(t), newDesk(t)
	shops := "shops-" + d.ns
	for n, at := range []*desk{d, other} {
		line := at.craft("line", 10+n, nil)
		line.Labels = map[string]string{"example.com/fleet": shops}
		d.Expect(admin.Update(d.ctx, line)).To(Succeed())
		at.craft("elsewhere", 12+n, nil)
	}
	unknown := d.kubectl("rollout", "--fleet", shops)
	d.Expect(unknown.code).To(Equal(exitFailed))
	d.Expect(unknown.err).To(ContainSubstring("It is not known which label names the fleet"))
	d.Expect(unknown.err).To(ContainSubstring("\n  Give it by --fleet-label NAME, or choose by -l NAME=VALUE\n"))
	all := d.plainly("rollout", "--fleet", shops, "--fleet-label", "example.com/fleet")
	d.Expect(all.out).To(HavePrefix("Complete: 2 of 2 in effect\n"), all.err)
	one := d.kubectl("rollout", "--fleet", shops, "--fleet-label", "example.com/fleet")
	d.Expect(one.out).To(HavePrefix("Complete: 1 of 1 in effect\n"), one.err)
	for _, wrong := range [][]string{{"--fleet", "a b", "--fleet-label", "fleet"}, {"--fleet", "a", "--fleet-label", "a b"}} {
		r := d.kubectl(append([]string{"rollout"}, wrong...)...)
		d.Expect(r.code).To(Equal(exitFailed))
		d.Expect(r.err).To(MatchRegexp("^error: .+\n  .+\n$"))
	}
}

// TestR35AWatchEndsWithTheRollout: a line when the numbers change, and the end once it is complete.
func TestR35AWatchEndsWithTheRollout(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	one := d.craft("one", 1, waitsFor(v1alpha1.ReasonApplyPending, "These settings differ and are about to be written: incomingWebhook"))
	command := d.command("rollout", "--watch")
	out := &lockedBuffer{}
	command.Stdout, command.Stderr = out, out
	d.Expect(command.Start()).To(Succeed())
	d.Eventually(out.String, patience).Should(Equal("Under way: 0 of 1 in effect\n\n  1  waiting for a turn\n"))
	store := func(changed change) {
		d.reread(one)
		changed(&one.Status, func(after time.Duration) metav1.Time { return metav1.NewTime(one.CreationTimestamp.Add(after)) })
		d.Expect(admin.Status().Update(d.ctx, one)).To(Succeed())
	}
	store(wrote(v1alpha1.OutcomePending))
	d.Eventually(out.String, patience).Should(MatchRegexp(`\n\d\d:\d\d:\d\d  1 restarting\n$`))
	store(func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		wrote(v1alpha1.OutcomeConfirmed)(s, at)
		set(s, at(time.Minute), v1alpha1.SyncedCondition, metav1.ConditionTrue, v1alpha1.ReasonUpToDate, "")
	})
	d.Expect(command.Wait()).To(Succeed(), out.String())
	d.Expect(out.String()).To(HaveSuffix("\n---\n\nComplete: 1 of 1 in effect\n\n  1  in effect\n"))
}

// TestR35ManyFailuresAreNamedUpToANumber, with the kind where there are several.
func TestR35ManyFailuresAreNamedUpToANumber(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	at := func(after time.Duration) metav1.Time { return metav1.NewTime(time.Unix(1800000000, 0).Add(after)) }
	found := []v1alpha1.Instance{&v1alpha1.TelegramInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "fan"}}}
	for n := range 12 {
		i := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("line-%02d", n), Generation: 1}}
		i.Status.ObservedGeneration = 1
		notKept(&i.Status, at)
		found = append(found, i)
	}
	text := progressOver(found, at(time.Hour).Time).block(terminal{}, at(time.Hour).Time)
	g.Expect(text).To(HavePrefix("Failed: 0 of 13 in effect\n\n   1  not compared yet\n  12  failed\n"))
	g.Expect(text).To(ContainSubstring("  wai shop/line-09, 59m ago: SettingsNotPersisted: The vendor kept other values"))
	g.Expect(text).NotTo(ContainSubstring("line-10,"))
	g.Expect(text).To(ContainSubstring("and 2 more, which -o json names\n"))
	g.Expect(bytes.Count([]byte(text), []byte("ago:"))).To(Equal(shownFailures))
}

// TestR35HowLongATurnTakes is told from what ended well in the last ten minutes, and not where nothing did.
func TestR35HowLongATurnTakes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	at := func(after time.Duration) metav1.Time { return metav1.NewTime(time.Unix(1800000000, 0).Add(after)) }
	var found []v1alpha1.Instance
	add := func(n int, changed change) {
		for range n {
			i := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("line-%02d", len(found)), Generation: 1}}
			i.Status.ObservedGeneration = 1
			changed(&i.Status, at)
			found = append(found, i)
		}
	}
	add(8, waitsFor(v1alpha1.ReasonApplyPending, ""))
	add(4, func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		wrote(v1alpha1.OutcomeConfirmed)(s, at)
		s.Apply.FinishedTime = new(metav1.NewMicroTime(at(2 * time.Minute).Time))
		set(s, at(time.Minute), v1alpha1.SyncedCondition, metav1.ConditionTrue, v1alpha1.ReasonUpToDate, "")
	})
	now := at(3 * time.Minute).Time
	p := progressOver(found, now)
	g.Expect(p.AboutSeconds).To(Equal(20 * 60))
	g.Expect(p.block(terminal{}, now)).To(ContainSubstring("   8  waiting for a turn: about 20m at the pace of the last ten minutes\n"))
	p = progressOver(found, now.Add(10*time.Minute))
	g.Expect(p.AboutSeconds).To(BeZero())
	g.Expect(p.block(terminal{}, now)).To(ContainSubstring("   8  waiting for a turn\n"))
}

// lockedBuffer is one that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
