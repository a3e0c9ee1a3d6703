// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// atNight has restarts begin between 23:00 and 4:00 in Moscow only, which is 20:00 to 1:00 UTC.
func atNight(subjects ...v1alpha1.MaintenanceSubject) func(*v1alpha1.WhatsAppInstance) {
	return func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.Maintenance = &v1alpha1.Maintenance{TimeZone: "Europe/Moscow", AppliesTo: subjects, Windows: []v1alpha1.MaintenanceWindow{
			{Start: "23:00", Duration: metav1.Duration{Duration: 5 * time.Hour}}}}
	}
}

// withWindow is a line that is in order and has a window. The story begins at 3:04 UTC, outside of it.
func withWindow(t *testing.T, subjects ...v1alpha1.MaintenanceSubject) *story {
	t.Helper()
	s := newStory(t)
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); atNight(subjects...)(r) })
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "yes"})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(BeEmpty())
	return s
}

// requests sets an annotation that asks for something.
func (s *story) requests(name, annotation, value string) {
	s.t.Helper()
	s.edit(name, func(r *v1alpha1.WhatsAppInstance) {
		if r.Annotations == nil {
			r.Annotations = map[string]string{}
		}
		r.Annotations[annotation] = value
	})
}

// TestR32AChangeWaitsForItsWindow, and costs nothing meanwhile; then it goes out, once.
func TestR32AChangeWaitsForItsWindow(t *testing.T) {
	s := withWindow(t)
	s.edit("line", incoming(false))
	s.forward(3 * time.Second)
	synced := s.condition("line", v1alpha1.SyncedCondition)
	s.Expect(synced.Status).To(Equal(metav1.ConditionFalse))
	s.Expect(synced.Reason).To(Equal(v1alpha1.ReasonOutsideWindow))
	s.Expect(synced.Message).To(MatchRegexp(`^These settings differ and wait for the maintenance window, which opens for this instance on Fri 2026-01-02 at 23:\d\d \(Europe/Moscow\): incomingWebhook$`))
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue), "the spec itself asks to wait")
	s.Expect(s.condition("line", v1alpha1.ReconcilingCondition).Status).To(BeEmpty())
	status := s.status("line")
	s.Expect(status.ObservedGeneration).To(Equal(s.get("line").Generation))
	s.Expect(status.PendingChanges).To(HaveLen(1))
	s.Expect(status.Apply).To(BeNil(), "the history is as it was")
	opens := time.Date(2026, 1, 2, 20, 0, 0, 0, time.UTC)
	s.Expect(status.NextWindowTime.Time).To(And(BeTemporally(">=", opens), BeTemporally("<", opens.Add(30*time.Minute))))

	version, fetched := s.get("line").ResourceVersion, s.fetching()
	s.forward(3 * time.Second)
	*fetched = 0
	before := len(s.calls())
	s.forward(10 * time.Hour)
	s.Expect(*fetched).To(BeZero(), "it is polled as one that is in order")
	s.Expect(len(s.calls()) - before).To(And(BeNumerically("<=", 13*60), BeNumerically(">=", 10*60)))
	s.Expect(s.get("line").ResourceVersion).To(Equal(version), "nothing is written")
	s.Expect(s.sets()).To(BeEmpty())

	next := status.NextWindowTime.Time
	s.forward(next.Sub(s.clock.Now()) - 2*time.Second)
	s.Expect(s.sets()).To(BeEmpty())
	s.forward(3 * time.Second)
	s.Expect(s.sets()).To(HaveLen(1), "a look is due at the opening")
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.status("line").NextWindowTime).To(BeNil())
	s.forward(24 * time.Hour)
	s.Expect(s.sets()).To(HaveLen(1))
	s.Expect(s.failures).To(BeEmpty())
}

// TestR32NothingShowsWhenAWindowOpensForNobody: neither while paused nor while something has to be mended first.
func TestR32NothingShowsWhenAWindowOpensForNobody(t *testing.T) {
	for name, c := range map[string]struct {
		stop, goOn func(*v1alpha1.WhatsAppInstance)
	}{
		"paused":  {func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true }, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = false }},
		"stalled": {func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = "https://elsewhere.example" }, func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			s := withWindow(t)
			s.edit("line", incoming(false))
			s.forward(3 * time.Second)
			s.Expect(s.status("line").NextWindowTime).NotTo(BeNil())
			s.edit("line", c.stop)
			s.forward(3 * time.Second)
			s.Expect(s.status("line").NextWindowTime).To(BeNil())
			s.edit("line", c.goOn)
			s.forward(3 * time.Minute)
			s.Expect(s.status("line").NextWindowTime).NotTo(BeNil())
			s.Expect(s.sets()).To(BeEmpty())
		})
	}
}

// TestR29WhatHealsMeanwhileIsNeverSent.
func TestR29WhatHealsMeanwhileIsNeverSent(t *testing.T) {
	s := withWindow(t)
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.forward(30 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonOutsideWindow))
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "yes"})
	s.forward(30 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonUpToDate))
	s.Expect(s.status("line").NextWindowTime).To(BeNil())
	s.forward(24 * time.Hour)
	s.Expect(s.sets()).To(BeEmpty())
}

// TestR30WhatWaitsIsTheOwnersToSay: changes or corrections alone.
func TestR30WhatWaitsIsTheOwnersToSay(t *testing.T) {
	t.Run("changes", func(t *testing.T) {
		s := withWindow(t, v1alpha1.MaintenanceChanges)
		s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
		s.forward(30 * time.Minute)
		s.Expect(s.sets()).To(HaveLen(1), "a correction")
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.edit("line", incoming(false))
		s.forward(time.Hour)
		s.Expect(s.sets()).To(HaveLen(1))
	})
	t.Run("corrections", func(t *testing.T) {
		s := withWindow(t, v1alpha1.MaintenanceCorrections)
		s.edit("line", incoming(false))
		s.forward(time.Minute)
		s.Expect(s.sets()).To(HaveLen(1), "a change")
		s.settledAgain("line")
		s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "yes"})
		s.forward(time.Hour)
		s.Expect(s.sets()).To(HaveLen(1))
		s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonOutsideWindow))
	})
}

// TestR30ARetryWaitsAsWell.
func TestR30ARetryWaitsAsWell(t *testing.T) {
	s := newStory(t)
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); atNight()(r) })
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{emulator.Everything} })
	s.forward(22*time.Hour - 10*time.Minute)
	tried := len(s.sets())
	s.Expect(tried).To(BeNumerically(">=", 1))
	s.Expect(s.status("line").Apply.StartedTime.Time).To(BeTemporally("<", time.Date(2026, 1, 3, 0, 50, 0, 0, time.UTC)))
	for s.clock.Now().Before(time.Date(2026, 1, 3, 19, 59, 0, 0, time.UTC)) {
		s.forward(10 * time.Minute)
	}
	s.Expect(s.status("line").Apply.StartedTime.Time).To(BeTemporally("<", time.Date(2026, 1, 3, 0, 50, 0, 0, time.UTC)), "nothing began outside")
}

// TestR30WhoIsNotAtWorkDoesNotWait: nobody is interrupted.
func TestR30WhoIsNotAtWorkDoesNotWait(t *testing.T) {
	s := withWindow(t)
	s.vendor.SetState(instanceID, emulator.StateNotAuthorized)
	s.edit("line", incoming(false))
	s.forward(time.Minute)
	s.Expect(s.sets()).To(HaveLen(1))
}

// TestR30WhoIsLoggedOutMeanwhileWaitsNoLonger.
func TestR30WhoIsLoggedOutMeanwhileWaitsNoLonger(t *testing.T) {
	s := withWindow(t)
	s.edit("line", incoming(false))
	s.forward(5 * time.Minute)
	s.Expect(s.sets()).To(BeEmpty())
	s.vendor.SetState(instanceID, emulator.StateNotAuthorized)
	s.forward(2 * time.Minute)
	s.Expect(s.sets()).To(HaveLen(1))
}

// TestR31ANewProcessKnowsWhenTheWindowOpens, of drift that was seen before it.
func TestR31ANewProcessKnowsWhenTheWindowOpens(t *testing.T) {
	s := withWindow(t)
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.forward(30 * time.Minute)
	next := s.status("line").NextWindowTime.Time
	s.forward(next.Sub(s.clock.Now()) - 2*time.Minute)
	s.restart()
	s.forward(2*time.Minute - time.Second)
	s.Expect(s.sets()).To(BeEmpty())
	s.forward(3 * time.Second)
	s.Expect(s.sets()).To(HaveLen(1))
}

// TestR30ARebootThatIsAskedForDoesNotWait.
func TestR30ARebootThatIsAskedForDoesNotWait(t *testing.T) {
	s := withWindow(t)
	s.edit("line", incoming(false))
	s.forward(3 * time.Second)
	s.requests("line", v1alpha1.RebootRequestedAtAnnotation, "now")
	s.forward(time.Minute)
	s.Expect(s.reboots()).To(Equal(1))
	s.forward(time.Hour)
	s.Expect(s.sets()).To(BeEmpty())
}

// TestR29AWindowThatShutsAfterTheIntentChangesNothing: what was begun is settled and verified.
func TestR29AWindowThatShutsAfterTheIntentChangesNothing(t *testing.T) {
	s := withWindow(t)
	s.edit("line", incoming(false))
	s.requests("line", v1alpha1.ApplyRequestedAtAnnotation, "now")
	s.forward(3 * time.Second)
	s.Expect(s.sets()).To(HaveLen(1))
	s.Expect(s.status("line").LastHandledApplyAt).To(Equal("now"))
	s.settledAgain("line")
	s.Expect(s.status("line").Apply.Outcome).To(Equal(v1alpha1.OutcomeConfirmed))
	s.edit("line", incoming(true))
	s.forward(time.Hour)
	s.Expect(s.sets()).To(HaveLen(1), "one apply for one request")
}

// TestR29AChangeDuringACallWaitsUntilThatIsVerified, and then for its window.
func TestR29AChangeDuringACallWaitsUntilThatIsVerified(t *testing.T) {
	s := withWindow(t)
	s.edit("line", incoming(false))
	s.requests("line", v1alpha1.ApplyRequestedAtAnnotation, "now")
	s.forward(3 * time.Second)
	s.edit("line", incoming(true))
	s.forward(3 * time.Second)
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonInstanceStarting))
	s.Expect(s.until(3*time.Minute, func() bool { return s.condition("line", v1alpha1.SyncedCondition).Reason == v1alpha1.ReasonSettling })).To(BeTrue())
	s.forward(20 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonOutsideWindow))
	s.Expect(s.sets()).To(HaveLen(1))
	s.Expect(s.status("line").Apply.Active()).To(BeFalse())
}

// TestR29ARequestToApplyIsOnlyEchoedWhereNothingMayBeDone: at first sight, under Observe and while paused, and where nothing differs.
func TestR29ARequestToApplyIsOnlyEchoedWhereNothingMayBeDone(t *testing.T) {
	asking := func(r *v1alpha1.WhatsAppInstance) {
		r.Annotations = map[string]string{v1alpha1.ApplyRequestedAtAnnotation: "from Git"}
	}
	for name, change := range map[string]func(*v1alpha1.WhatsAppInstance){
		"first sight": func(*v1alpha1.WhatsAppInstance) {},
		"observe":     func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve },
		"paused":      func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); atNight()(r); asking(r); change(r) })
			s.forward(time.Hour)
			s.Expect(s.sets()).To(BeEmpty())
			s.Expect(s.status("line").LastHandledApplyAt).To(Equal("from Git"))
		})
	}
	t.Run("in order", func(t *testing.T) {
		s := withWindow(t)
		s.requests("line", v1alpha1.ApplyRequestedAtAnnotation, "now")
		s.forward(3 * time.Second)
		s.Expect(s.status("line").LastHandledApplyAt).To(Equal("now"))
		s.edit("line", incoming(false))
		s.forward(time.Hour)
		s.Expect(s.sets()).To(BeEmpty(), "it was for then")
	})
}

// TestR29ARequestForAReconcileIsDoneWithWhileACallWaits for its window: everything was looked at.
func TestR29ARequestForAReconcileIsDoneWithWhileACallWaits(t *testing.T) {
	s := withWindow(t)
	s.edit("line", incoming(false))
	s.requests("line", v1alpha1.ReconcileRequestedAtAnnotation, "now")
	s.forward(3 * time.Second)
	s.Expect(s.status("line").LastHandledReconcileAt).To(Equal("now"))
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonOutsideWindow))
}

// TestR31AnUnknownZoneIsStalled: nothing is written, at any time, and looking goes on.
func TestR31AnUnknownZoneIsStalled(t *testing.T) {
	s := newStory(t)
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		atNight()(r)
		r.Spec.Maintenance.TimeZone = "Europe/Atlantis"
	})
	s.forward(3 * time.Second)
	s.Expect(s.condition("line", v1alpha1.StalledCondition)).To(And(HaveField("Reason", v1alpha1.ReasonMaintenanceInvalid),
		HaveField("Message", `Nothing is written until spec.maintenance is put right: the time zone "Europe/Atlantis" is not known: write an IANA name such as Europe/Moscow or America/New_York`)))
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonMaintenanceInvalid))
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Status).To(Equal(metav1.ConditionTrue))
	s.forward(24 * time.Hour)
	s.Expect(s.sets()).To(BeEmpty())
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "yes"})
	s.forward(20 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonUpToDate))
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonMaintenanceInvalid), "it is wrong still")
	s.edit("line", atNight())
	s.forward(3 * time.Second)
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
}

// TestR30TheSchemaSaysWhatToWrite.
func TestR30TheSchemaSaysWhatToWrite(t *testing.T) {
	s := newStory(t)
	window := func(days []v1alpha1.Weekday, start string, length time.Duration) func(*v1alpha1.Maintenance) {
		return func(m *v1alpha1.Maintenance) {
			m.Windows = append(m.Windows, v1alpha1.MaintenanceWindow{Days: days, Start: start, Duration: metav1.Duration{Duration: length}})
		}
	}
	zone := func(name string) func(*v1alpha1.Maintenance) {
		return func(m *v1alpha1.Maintenance) { m.TimeZone = name; window(nil, "23:00", time.Hour)(m) }
	}
	for want, change := range map[string]func(*v1alpha1.Maintenance){
		"Local is none, because every machine has another one": zone("Local"),
		"must be the IANA name of a time zone":                 zone("moscow"),
		"should be at least 1 chars long":                      zone(""),
		"spec.maintenance.windows: Required value":             func(*v1alpha1.Maintenance) {},
		`such as "09:30" or "23:00"`:                           window(nil, "9:30", time.Hour),
		`must be a time from "00:00" to "23:59"`:               window(nil, "24:00", time.Hour),
		"must be 30m to 24h":                                   window(nil, "23:00", 29*time.Minute),
		"nothing begins in the last third":                     window(nil, "23:00", 24*time.Hour+time.Second),
		"must name each day once":                              window([]v1alpha1.Weekday{"Mon", "Tue", "Mon"}, "23:00", time.Hour),
		`supported values: "Mon", "Tue"`:                       window([]v1alpha1.Weekday{"Monday"}, "23:00", time.Hour),
	} {
		r := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "refused"}}
		r.Spec.IDInstance, r.Spec.APITokenSecretRef.Name = instanceID, "token"
		r.Spec.Maintenance = &v1alpha1.Maintenance{TimeZone: "UTC"}
		change(r.Spec.Maintenance)
		s.Expect(admin.Create(s.ctx, r)).To(MatchError(ContainSubstring(want)))
	}
}
