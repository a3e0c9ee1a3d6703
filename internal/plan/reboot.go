// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// RebootReason says what a reboot is for.
type RebootReason string

// The reasons for a reboot; they are shown in status.restarts.lastReason.
const (
	RebootStuckStarting RebootReason = "StuckStarting"
	RebootYellowCard    RebootReason = "YellowCard"
	RebootRequested     RebootReason = "RebootRequested"
)

const (
	// rebootWindow is the time in which reboots count against maxRebootsPerDay.
	rebootWindow = 24 * time.Hour
	// yellowCardApart is how far two looks at a yellow card are apart before it is believed.
	yellowCardApart = time.Minute
)

// Defaults of spec.recovery.
const (
	defaultStuckAfter       = 10 * time.Minute
	defaultMaxRebootsPerDay = 2
)

// RecoveryRules say when an instance may be rebooted.
type RecoveryRules struct {
	// StuckStarting and YellowCard allow a reboot.
	StuckStarting, YellowCard bool
	// StuckAfter is how long in the state starting counts as stuck.
	StuckAfter time.Duration
	// MaxRebootsPerDay bounds the reboots within 24 hours.
	MaxRebootsPerDay int
}

// RulesOf returns the rules in force; nothing is allowed where there is no recovery.
func RulesOf(recovery *v1alpha1.WhatsAppRecovery) RecoveryRules {
	rules := RecoveryRules{StuckAfter: defaultStuckAfter, MaxRebootsPerDay: defaultMaxRebootsPerDay}
	if recovery == nil {
		return rules
	}
	rules.StuckStarting = recovery.StuckStarting == v1alpha1.RecoveryReboot
	rules.YellowCard = recovery.YellowCard == v1alpha1.RecoveryReboot
	if recovery.StuckAfter != nil {
		rules.StuckAfter = recovery.StuckAfter.Duration
	}
	if recovery.MaxRebootsPerDay != nil {
		rules.MaxRebootsPerDay = int(*recovery.MaxRebootsPerDay)
	}
	return rules
}

// RebootInput is all that the decision about a reboot depends on. Unlike Input it needs no settings.
type RebootInput struct {
	Now    time.Time
	State  string
	Policy v1alpha1.ReconcilePolicy
	Rules  RecoveryRules
	// StateSince is when the state was first seen; WatchedSince is since when this process has seen it at every look, a
	// change or a request counting as a new beginning.
	StateSince, WatchedSince time.Time
	// LastRestart is when this operator caused the latest restart, zero if never.
	LastRestart time.Time
	// Recent are the times of reboots that this operator made or was about to make.
	Recent []time.Time
	// Requested reports whether a person asked for a reboot.
	Requested bool
	// ChangeWaits reports whether settings wait for the instance to have started.
	ChangeWaits bool
}

// RebootDecision is what to do about a reboot.
type RebootDecision struct {
	// Reason to reboot now, "" for none.
	Reason RebootReason
	// Stuck reports whether the instance has been starting for too long, Stalled whether a person has to act on it.
	Stuck, Stalled bool
	// LookAgain is how soon to look again; 0 means at the ordinary interval.
	LookAgain time.Duration
}

// DecideReboot says whether to reboot an instance (R20).
func DecideReboot(in RebootInput) RebootDecision {
	if in.Policy == v1alpha1.PolicyObserve {
		return RebootDecision{}
	}
	if in.Requested {
		return RebootDecision{Reason: RebootRequested}
	}
	capped := len(recentReboots(in.Recent, in.Now)) >= in.Rules.MaxRebootsPerDay
	switch in.State {
	case states.Starting:
		return in.decideStarting(capped)
	case states.YellowCard:
		if !in.Rules.YellowCard || capped {
			return RebootDecision{}
		}
		if rest := yellowCardApart - in.elapsed(in.WatchedSince, in.LastRestart); rest > 0 {
			return RebootDecision{LookAgain: rest}
		}
		return RebootDecision{Reason: RebootYellowCard}
	}
	return RebootDecision{}
}

func (in RebootInput) decideStarting(capped bool) RebootDecision {
	rest := in.Rules.StuckAfter - in.elapsed(in.StateSince, in.WatchedSince, in.LastRestart)
	if rest > 0 {
		// Looks are at most a minute apart while something follows from them.
		return RebootDecision{LookAgain: min(rest, time.Minute)}
	}
	switch {
	case in.Rules.StuckStarting && !capped:
		return RebootDecision{Reason: RebootStuckStarting, Stuck: true}
	case in.Rules.StuckStarting || in.ChangeWaits:
		return RebootDecision{Stuck: true, Stalled: true}
	default:
		return RebootDecision{Stuck: true}
	}
}

// elapsed is the time since the latest of these; a time in the future counts as now (R16).
func (in RebootInput) elapsed(since ...time.Time) time.Duration {
	return max(in.Now.Sub(latest(since...)), 0)
}

// recentReboots are those that count against the cap.
func recentReboots(times []time.Time, now time.Time) []time.Time {
	var recent []time.Time
	for _, at := range times {
		if now.Sub(at) < rebootWindow {
			recent = append(recent, at)
		}
	}
	return recent
}

func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, at := range times {
		if at.After(last) {
			last = at
		}
	}
	return last
}
