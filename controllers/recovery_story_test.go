// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// reboots are the calls of reboot that the vendor saw.
func (s *story) reboots() int { return len(s.vendor.Calls(instanceID, "reboot")) }

func recovering(change func(*v1alpha1.WhatsAppRecovery)) func(*v1alpha1.WhatsAppInstance) {
	return func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		r.Spec.Recovery = &v1alpha1.WhatsAppRecovery{}
		change(r.Spec.Recovery)
	}
}

func TestR20AnInstanceThatNeverComesBackGetsSoManyRebootsADay(t *testing.T) {
	s := newStory(t)
	s.instance("line", recovering(func(r *v1alpha1.WhatsAppRecovery) {
		r.StuckStarting, r.MaxRebootsPerDay = v1alpha1.RecoveryReboot, new(int32(3))
	}))
	s.vendor.Update(instanceID, func(in *emulator.Instance) {
		in.State, in.Behavior.StateAfterReboot = emulator.StateStarting, emulator.StateStarting
	})
	s.forward(9 * time.Minute)
	s.Expect(s.reboots()).To(Equal(0))
	s.forward(2 * time.Minute)
	s.Expect(s.reboots()).To(Equal(1))
	s.forward(22 * time.Hour)
	s.Expect(s.reboots()).To(Equal(3), "exactly as many as spec.recovery allows")
	stalled := s.condition("line", v1alpha1.StalledCondition)
	s.Expect(stalled.Reason).To(Equal(v1alpha1.ReasonStuckStarting))
	s.Expect(stalled.Message).To(ContainSubstring("support"), "what to do next")
	s.Expect(s.status("line").Restarts.Total).To(BeEquivalentTo(3))
	s.Expect(s.status("line").Restarts.LastReason).To(Equal("StuckStarting"))
	s.Expect(s.sets()).To(BeEmpty())
	s.Expect(s.events.count("Normal RebootRequested")).To(Equal(3))
	s.Expect(s.events.count("Warning StuckStarting")).To(Equal(1))

	s.vendor.SetState(instanceID, emulator.StateAuthorized)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(HaveLen(1))
}

func TestR20WithoutRecoveryNothingIsRebooted(t *testing.T) {
	t.Run("a change waits", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", incoming(true))
		s.vendor.SetState(instanceID, emulator.StateStarting)
		s.forward(9 * time.Minute)
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(BeEmpty())
		s.forward(3 * time.Hour)
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonStuckStarting))
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Message).To(ContainSubstring("reboot-requested-at"))
		s.Expect(s.reboots()).To(Equal(0))
		s.vendor.SetState(instanceID, emulator.StateAuthorized)
		s.settled("line", v1alpha1.ReasonSucceeded)
	})
	t.Run("nothing waits", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", nil)
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.vendor.SetState(instanceID, emulator.StateStarting)
		s.forward(3 * time.Hour)
		s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
		s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonStarting))
		s.Expect(s.events.count("Warning StuckStarting")).To(Equal(1))
		s.Expect(s.reboots()).To(Equal(0))
	})
}

func TestR20ARebootLeadsOutOfAYellowCard(t *testing.T) {
	s := newStory(t)
	s.instance("line", recovering(func(r *v1alpha1.WhatsAppRecovery) { r.YellowCard = v1alpha1.RecoveryReboot }))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.SetState(instanceID, emulator.StateYellowCard)
	s.Expect(s.until(time.Hour, func() bool {
		return s.condition("line", v1alpha1.AvailableCondition).Reason == v1alpha1.ReasonYellowCard
	})).To(BeTrue())
	seen := s.clock.Now()
	s.Expect(s.until(time.Hour, func() bool { return s.reboots() > 0 })).To(BeTrue())
	s.Expect(s.clock.Now().Sub(seen)).To(BeNumerically(">=", time.Minute), "seen twice, a minute apart")
	s.forward(time.Hour)
	s.Expect(s.reboots()).To(Equal(1))
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonAuthorized))
}

func TestR20ARequestedReboot(t *testing.T) {
	ask := func(value string) func(*v1alpha1.WhatsAppInstance) {
		return func(r *v1alpha1.WhatsAppInstance) {
			r.Annotations = map[string]string{v1alpha1.RebootRequestedAtAnnotation: value}
		}
	}
	t.Run("is one reboot, and echoed", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", incoming(true))
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.edit("line", ask("first"))
		s.forward(time.Hour)
		s.Expect(s.reboots()).To(Equal(1))
		s.Expect(s.status("line").LastHandledRebootAt).To(Equal("first"))
		s.Expect(s.status("line").Restarts.LastReason).To(Equal("RebootRequested"))
		s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
		s.restart()
		s.edit("line", ask("second"))
		s.forward(time.Hour)
		s.Expect(s.reboots()).To(Equal(2))
		s.Expect(s.sets()).To(HaveLen(1))
	})
	t.Run("at first sight, under Observe or while paused is only echoed", func(t *testing.T) {
		for name, change := range map[string]func(*v1alpha1.WhatsAppInstance){
			"first sight": func(*v1alpha1.WhatsAppInstance) {},
			"Observe":     func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve },
			"paused":      func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true },
		} {
			t.Run(name, func(t *testing.T) {
				s := newStory(t)
				s.instance("line", func(r *v1alpha1.WhatsAppInstance) { ask("kept in Git")(r); change(r) })
				s.forward(time.Hour)
				s.Expect(s.status("line").LastHandledRebootAt).To(Equal("kept in Git"))
				s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused, r.Spec.ReconcilePolicy = false, "" })
				s.forward(time.Hour)
				s.Expect(s.reboots()).To(Equal(0))
			})
		}
	})
	t.Run("whose answer is lost is not repeated", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", nil)
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.vendor.Fault(emulator.Fault{Method: "reboot", Drop: true, AfterEffect: true})
		s.edit("line", ask("now"))
		s.forward(24 * time.Hour)
		s.Expect(s.reboots()).To(Equal(1))
		s.Expect(s.status("line").Restarts.RecentReboots).To(HaveLen(1))
	})
	t.Run("may be asked for any number of times", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", nil)
		s.settled("line", v1alpha1.ReasonSucceeded)
		for i := range 40 {
			s.edit("line", ask(fmt.Sprint(i)))
			s.forward(2 * time.Minute)
			s.Expect(s.reboots()).To(Equal(i + 1))
		}
		s.Expect(s.status("line").Restarts.Total).To(BeEquivalentTo(40))
		s.Expect(s.status("line").Restarts.RecentReboots).To(HaveLen(32))
	})
	t.Run("is counted though its status could not be stored at first", func(t *testing.T) {
		s := newStory(t)
		s.wrapClient = func(c client.Client) client.Client {
			failures := 0
			return failingStatus(c, func(*v1alpha1.InstanceStatus) error {
				if s.reboots() > 0 && failures < 3 {
					failures++
					return apierrors.NewInternalError(errors.New("etcd is away"))
				}
				return nil
			})
		}
		s.restart()
		s.instance("line", nil)
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.edit("line", ask("now"))
		s.forward(time.Hour)
		s.Expect(s.reboots()).To(Equal(1))
		s.Expect(s.status("line").Restarts.Total).To(BeEquivalentTo(1))
		s.Expect(s.events.count("Normal RebootRequested")).To(Equal(1))
	})
	t.Run("is counted once though the answer to its status was lost", func(t *testing.T) {
		s := newStory(t)
		s.wrapClient = func(c client.Client) client.Client {
			lost := false
			return losingAnswers(c, func(status *v1alpha1.InstanceStatus) bool {
				counted := status.Restarts != nil && status.Restarts.Total > 0
				lose := counted && !lost
				lost = lost || counted
				return lose
			})
		}
		s.restart()
		s.instance("line", nil)
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.edit("line", ask("now"))
		s.forward(time.Hour)
		s.Expect(s.reboots()).To(Equal(1))
		s.Expect(s.status("line").Restarts.Total).To(BeEquivalentTo(1))
	})
	t.Run("that took no effect is repeated", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", nil)
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.vendor.Fault(emulator.Fault{Method: "reboot", Status: 429})
		s.edit("line", ask("now"))
		s.forward(time.Hour)
		s.Expect(s.reboots()).To(Equal(2))
		s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
	})
}

func TestR20OldValuesAfterOurRebootAreNoDrift(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.edit("line", askForReboot)
	s.Expect(s.until(time.Hour, func() bool { return s.reboots() > 0 })).To(BeTrue())
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.forward(5 * time.Minute)
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "yes"})
	s.forward(2 * time.Hour)
	s.Expect(s.sets()).To(HaveLen(1))
}

func TestSchemaOfRecoveryAndStatuses(t *testing.T) {
	for spec, want := range map[string]string{
		"recovery: {stuckStarting: Reboot, yellowCard: Reboot, stuckAfter: 5m, maxRebootsPerDay: 24}": "",
		"recovery: {stuckAfter: 4m}":                     "must be at least 5m",
		`recovery: {stuckAfter: "0"}`:                    "must be a duration such as 10m or 1h",
		"recovery: {maxRebootsPerDay: 25}":               "less than or equal to 24",
		"recovery: {stuckStarting: Restart}":             `supported values: "None", "Reboot"`,
		"incomingStatuses: {}":                           "",
		"incomingStatuses: {window: 720h, interval: 1m}": "",
		"incomingStatuses: {window: 721h}":               "must be 1m to 720h",
		"incomingStatuses: {window: 59s}":                "must be 1m to 720h",
		"incomingStatuses: {interval: 59s}":              "must be at least 1m",
	} {
		_, err := applied(t, manifest(spec))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
	for _, spec := range []string{"recovery: {yellowCard: Reboot}", "incomingStatuses: {}"} {
		text := strings.Replace(manifest(spec), "kind: WhatsAppInstance", "kind: MaxInstance", 1)
		if _, err := applied(t, text); err == nil || !strings.Contains(err.Error(), "unknown field") {
			t.Errorf("MaxInstance with %s: %v, want a refusal", spec, err)
		}
	}
}

// TestR20SettingsFollowAReboot: of a change and a request for a reboot at once, the reboot is made, and the settings once the instance
// has started, so that no call is lost and none interrupts the other.
func TestR20SettingsFollowAReboot(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	writes := len(s.sets())
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
		incoming(false)(r)
		r.Annotations = map[string]string{v1alpha1.RebootRequestedAtAnnotation: "now"}
	})
	s.forward(10 * time.Second)
	s.Expect(s.reboots()).To(Equal(1))
	s.Expect(s.sets()).To(HaveLen(writes), "the settings wait for the reboot")
	s.Expect(s.status("line").Apply.Generation).To(BeNumerically("<", s.get("line").Generation), "nothing is noted of a call that is not made")
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(HaveLen(writes + 1))
	s.Expect(s.reboots()).To(Equal(1))
	s.Expect(s.failures).To(BeEmpty())
}
