// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// Holder names what holds a call.
type Holder string

// What may hold a call, in the order in which it is asked.
const (
	// HeldByWrite: another process was about to make a call, which may still leave (R12); of a rotation of the token: a setSettings is
	// under way (P16).
	HeldByWrite Holder = "Write"
	// HeldByStart: the instance has not started, and takes no settings (R15).
	HeldByStart Holder = "Start"
	// HeldByLogin: a person is logging in, or the vendor logs the account out (R15).
	HeldByLogin Holder = "Login"
	// HeldByInvalidWindow: it is not known when the maintenance windows are (R31).
	HeldByInvalidWindow Holder = "InvalidWindow"
	// HeldByWindow: the maintenance window is shut (R30).
	HeldByWindow Holder = "Window"
	// HeldByReboot: settings follow a reboot, which goes first (R20).
	HeldByReboot Holder = "Reboot"
	// HeldByFailures: the vendor did not take the latest calls of this method.
	HeldByFailures Holder = "Failures"
	// HeldByBrake: the latest restarts of the fleet ended badly (R34).
	HeldByBrake Holder = "Brake"
	// HeldByAllowance: the fleet restarts as many as it may at present (R33).
	HeldByAllowance Holder = "Allowance"
	// HeldByTurn: other instances restart first (R28).
	HeldByTurn Holder = "Turn"
	// HeldByStop: the process ends.
	HeldByStop Holder = "Stop"
	// HeldBySpacing: the latest call of this method was less than a second ago (R3).
	HeldBySpacing Holder = "Spacing"
)

// Hold says that a call is not made yet. Its zero value holds nothing.
type Hold struct {
	// By is what holds it.
	By Holder
	// For is how soon to look again.
	For time.Duration
}

// Reason is what condition Synced shows meanwhile.
func (h Hold) Reason() string {
	switch h.By {
	case HeldByWrite:
		return v1alpha1.ReasonSettling
	case HeldByStart:
		return v1alpha1.ReasonInstanceStarting
	case HeldByWindow:
		return v1alpha1.ReasonOutsideWindow
	case HeldByInvalidWindow:
		return v1alpha1.ReasonMaintenanceInvalid
	case HeldByBrake:
		return v1alpha1.ReasonRolloutHalted
	default:
		return v1alpha1.ReasonApplyPending
	}
}

// Long reports whether it lasts until a time that is known, or until its fleet wakes it: nothing that is read meanwhile ends it,
// so waiting costs no more than being in order (R29).
func (h Hold) Long() bool {
	switch h.By {
	case HeldByWindow, HeldByInvalidWindow, HeldByBrake, HeldByAllowance:
		return true
	default:
		return false
	}
}

// HoldFor holds by something for as long as it lasts, if it lasts.
func HoldFor(by Holder, rest time.Duration) Hold {
	if rest <= 0 {
		return Hold{}
	}
	return Hold{By: by, For: rest}
}

// writeGate says whether it holds a setSettings that is planned. correction: what is wished was in effect once.
type writeGate func(in *Input, correction bool) Hold

// writeGates are those that need to know no more than a decision does, in the order in which they are asked. The others are the
// caller's.
var writeGates = []writeGate{foreignCallGate, startGate, loginGate, windowGate}

// held is the first gate that holds a setSettings.
func held(in *Input, correction bool) Hold {
	for _, asks := range writeGates {
		if hold := asks(in, correction); hold.By != "" {
			return hold
		}
	}
	return Hold{}
}

// foreignCallGate holds a new wish until the call that another process wrote down can no longer leave (R12).
func foreignCallGate(in *Input, _ bool) Hold {
	record := in.History.Record
	if in.Own || record == nil || record.Outcome != v1alpha1.OutcomePending {
		return Hold{}
	}
	return HoldFor(HeldByWrite, min(in.withMargin(in.Limits.CallWindow)-in.elapsed(record.StartedTime.Time), in.Limits.SettlePoll))
}

func startGate(in *Input, _ bool) Hold {
	if !states.Of(in.State).Restarting {
		return Hold{}
	}
	return Hold{By: HeldByStart, For: in.Limits.SettlePoll}
}

// loginGrace is how long settings wait for a person who is logging in, and for a logout (R15).
const loginGrace = 10 * time.Minute

func loginGate(in *Input, _ bool) Hold {
	var rest time.Duration
	if states.Of(in.State).Login == states.LoginEnter {
		rest = loginGrace - in.elapsed(in.StateSince)
	}
	if !in.LogoutSince.IsZero() {
		rest = max(rest, loginGrace-in.elapsed(in.LogoutSince))
	}
	return HoldFor(HeldByLogin, min(rest, in.Limits.SettlePoll))
}

// Window says when maintenance windows let a restart begin. The zero value does so at any time.
type Window struct {
	// Opens is when one may begin, zero for now.
	Opens time.Time
	// Changes and Corrections say what waits for it.
	Changes, Corrections bool
	// Problem says why it is not known when, empty if it is.
	Problem string
}

// windowGate holds what waits for a window (R30). Nobody waits whom a restart would not interrupt.
func windowGate(in *Input, correction bool) Hold {
	w := &in.Window
	switch {
	case w.Problem != "":
		return Hold{By: HeldByInvalidWindow}
	case in.ApplyNow, !states.Of(in.State).Interrupts, correction && !w.Corrections, !correction && !w.Changes, w.Opens.IsZero():
		return Hold{}
	default:
		return HoldFor(HeldByWindow, w.Opens.Sub(in.Now))
	}
}

// hold plans nothing until something lets it.
func (d *decider) hold(hold Hold, names []string) {
	d.say(hold.Reason(), names)
	d.out.LookAgain, d.out.Held = hold.For, hold
	// Everything was looked at, which is what a request asks for, unless it lifts what was given up.
	d.out.Handled = d.out.Handled && (hold.Long() || hold.By == HeldByWrite) && !d.lifted
}

// willWrite reports whether a write is under way or follows by itself.
func (d *decider) willWrite() bool {
	switch d.out.Synced {
	case v1alpha1.ReasonApplyPending, v1alpha1.ReasonInstanceStarting, v1alpha1.ReasonSettling:
		return true
	case v1alpha1.ReasonSettingsNotPersisted:
		return d.out.Retries
	default:
		return false
	}
}

// Postpone takes a planned call back that something holds: the history stays as it was, and a request for a reconcile is done with
// where nothing is gained by looking again.
func (d *Decision) Postpone(hold Hold, before History) {
	d.Send, d.ApplyHandled, d.Held, d.LookAgain = nil, false, hold, hold.For
	d.Handled = d.Handled && (hold.By == HeldByBrake || hold.By == HeldByAllowance) && !d.Lifts
	d.Synced = hold.Reason()
	d.History = before
}
