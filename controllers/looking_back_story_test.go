// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestR36ARowOfTheHistoryThatQuotesTheNumber: its state comes into an event and the log.
func TestR36ARowOfTheHistoryThatQuotesTheNumber(t *testing.T) {
	s := newStory(t)
	s.detailed(v1alpha1.AccountMasked)
	s.instance("line", nil)
	number := s.account()
	s.conceal(number)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(2 * time.Minute)
	came := s.clock.Now().Add(-20 * time.Second).Unix()
	s.vendor.Fault(emulator.Fault{ID: instanceID, Method: historyMethod, Status: 200, Times: -1, Body: fmt.Sprintf(
		`[{"stateInstance":"moved to %s","timestamp":%d},{"stateInstance":"authorized","timestamp":%d}]`, number, came, came+10)})
	s.forward(40 * time.Minute)
	s.Expect(s.events.count("Normal StateFlapped")).To(Equal(1))
	s.Expect(s.events.text()).To(ContainSubstring("moved to (a number, not shown) from "))
}

// TestR37AFlapIsToldThoughThePassThatWasToTellItLookedAnew: somebody edits the resource after the history was read and before the
// pass that it is handed to.
func TestR37AFlapIsToldThoughThePassThatWasToTellItLookedAnew(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(2 * time.Minute)
	s.vendor.SetStateFor(instanceID, emulator.StateNotAuthorized, 3*time.Second, emulator.StateAuthorized)
	s.clock.SetTime(s.clock.Now().Add(4 * time.Second))
	s.Expect(s.until(time.Hour, func() bool { return s.histories() == 1 })).To(BeTrue())
	s.Expect(s.events.count(flapped)).To(BeZero(), "the pass is still to come")
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.StateInterval = nil
		r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve
	})
	s.forward(2 * time.Hour)
	s.Expect(s.events.count(flapped)).To(Equal(1))
}

// TestR37TheSecondLookOfAProcessTakesNoOldRow for the change, if the history does not have it yet.
func TestR37TheSecondLookOfAProcessTakesNoOldRow(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(3 * time.Hour)
	s.restart()
	s.forward(2 * time.Second)
	old := s.clock.Now().Add(-2 * time.Hour).Unix()
	s.vendor.Fault(emulator.Fault{ID: instanceID, Method: historyMethod, Status: 200, Times: -1, Body: fmt.Sprintf(
		`[{"stateInstance":"notAuthorized","timestamp":%d},{"stateInstance":"authorized","timestamp":%d}]`, old, old+10)})
	s.vendor.SetState(instanceID, emulator.StateNotAuthorized)
	s.forward(2 * time.Minute)
	s.Expect(s.status("line").StateInstance).To(Equal(emulator.StateNotAuthorized))
	s.Expect(s.status("line").StateChangedTime.Time).To(BeTemporally("~", s.clock.Now(), 2*time.Minute))
}

// slowAccount is a vendor in which something happens while the account is read, which takes its time.
type slowAccount struct {
	controllers.Vendor
	do func()
}

func (v slowAccount) Account(ctx context.Context) (greenapi.Account, error) {
	account, err := v.Vendor.Account(ctx)
	v.do()
	return account, err
}

// TestR37TimesOfChangesNeverGoBack: the next change came while the look that saw the one before was under way still.
func TestR37TimesOfChangesNeverGoBack(t *testing.T) {
	s := newStory(t)
	slow := false
	s.wrapVendor = func(v controllers.Vendor) controllers.Vendor {
		return slowAccount{v, func() {
			if slow {
				slow = false
				s.clock.SetTime(s.clock.Now().Add(time.Second))
				s.vendor.SetState(instanceID, emulator.StateNotAuthorized)
				s.clock.SetTime(s.clock.Now().Add(20 * time.Second))
			}
		}}
	}
	s.restart()
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(3 * time.Minute)
	slow = true
	s.vendor.SetState(instanceID, emulator.StateStarting)
	s.Expect(s.until(3*time.Minute, func() bool { return s.status("line").StateInstance == emulator.StateStarting })).To(BeTrue())
	before := s.status("line").StateChangedTime.Time
	s.Expect(s.until(3*time.Minute, func() bool { return s.status("line").StateInstance == emulator.StateNotAuthorized })).To(BeTrue())
	s.Expect(s.status("line").StateChangedTime.Time).NotTo(BeTemporally("<", before))
}
