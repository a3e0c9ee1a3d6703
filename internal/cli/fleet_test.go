// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

func refusedToken(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
	set(s, at(time.Minute), v1alpha1.CredentialsValidCondition, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized, "The vendor refuses the API token")
	set(s, at(time.Minute), v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized, "The vendor refuses the API token")
	set(s, at(time.Minute), v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ReasonUnauthorized, "The vendor refuses the API token")
}

// TestOfAFleetTheProblemsAreShown: --problems leaves out what is fine, and the summary counts all.
func TestOfAFleetTheProblemsAreShown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, nil)
	d.craft("bad", 2, refusedToken)
	now := later(good, 10*time.Minute)
	shown := d.run(now, "status", "--problems")
	d.Expect(shown.code).To(Equal(exitDone))
	d.Expect(shown.out).To(And(ContainSubstring("bad "), Not(ContainSubstring("good "))))
	d.Expect(shown.err).To(Equal("2 instances: 1 fine, 1 with a problem\n"))
	d.Expect(d.run(now, "status").err).To(Equal("2 instances: 1 fine, 1 with a problem\n"))
	d.Expect(d.run(now, "status", "good", "--problems")).To(Equal(result{err: "1 instance: 1 fine\n"}))
	d.Expect(d.run(now, "status", "--problems", "-w").code).To(Equal(exitFailed))
}

// TestEventsOfManyOfTheLastHour: -l takes many, --since what is new.
func TestEventsOfManyOfTheLastHour(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	one, two := d.craft("one", 1, written), d.craft("two", 2, written)
	d.event(one, 90*time.Minute, "StateChanged", "The state changed from starting to authorized")
	d.event(two, 100*time.Minute, "DriftDetected", "Somebody changed it")
	// Of the two it was made last, maybe in another second.
	now := later(two, 2*time.Hour)
	shown := d.run(now, "events", "-l", "!none", "--since", "1h")
	d.Expect(shown.code).To(Equal(exitDone), shown.err)
	d.Expect(shown.out).To(MatchRegexp(`^TIME +INSTANCE +WHAT +MESSAGE\n30m +wai/one +event/StateChanged .*\n20m +wai/two +event/DriftDetected .*\n$`))
	var all []map[string]any
	d.Expect(json.Unmarshal([]byte(d.run(now, "events", "-l", "!none", "--since", "25m", "-o", "json").out), &all)).To(Succeed())
	d.Expect(all).To(HaveLen(1))
	d.Expect(all[0]).To(And(HaveKeyWithValue("namespace", d.ns), HaveKeyWithValue("instance", "wai/two")))
	d.Expect(d.run(now, "events", "one", "-A").code).To(Equal(exitFailed))
}

// TestAWarningWhoseCauseIsGoneIsOver: by the status, not by its age.
func TestAWarningWhoseCauseIsGoneIsOver(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	instance := &v1alpha1.WhatsAppInstance{}
	warning := eventsv1.Event{Type: "Warning", Reason: "CredentialsRejected"}
	refusedToken(&instance.Status, func(time.Duration) metav1.Time { return metav1.Time{} })
	g.Expect(over(instance, warning)).To(BeFalse())
	set(&instance.Status, metav1.Time{}, v1alpha1.CredentialsValidCondition, metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted, "Accepted")
	g.Expect(over(instance, warning)).To(BeTrue())
	warning.Type = "Normal"
	g.Expect(over(instance, warning)).To(BeFalse(), "only warnings end")
}

// TestManyOfNoUseAreLeftOut: one paused instance does not keep a fleet from being read.
func TestManyOfNoUseAreLeftOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("asleep", 1, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	d.line("awake", 2, nil)
	some := d.kubectl("reconcile", "-l", "!none")
	d.Expect(some.code).To(Equal(exitDone), some.err)
	d.Expect(some.out).To(Equal("WhatsAppInstance " + d.ns + "/awake: asked to be read now\n"))
	d.Expect(some.err).To(ContainSubstring("warning: left out 1 of 2"))
}

// TestAHitchIsNamed: a time-out is called one, and a refusal for its rate is waited out as long as the vendor asks.
func TestAHitchIsNamed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(hitch(&greenapi.TransportError{What: "no answer in time"})).To(ContainSubstring("did not answer in time"))
	limited := &greenapi.StatusError{Cause: greenapi.CauseRateLimited, RetryAfter: 3 * time.Second}
	g.Expect(hitch(limited)).To(ContainSubstring("The operator asked at the same moment"))
	g.Expect(roomFor(limited)).To(Equal(3 * time.Second))
	limited.RetryAfter = time.Hour
	g.Expect(roomFor(limited)).To(Equal(longestWait))
	g.Expect(roomFor(nil)).To(BeZero())
}
