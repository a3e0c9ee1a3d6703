// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// reboot is what a pass decided and did about a reboot.
type reboot struct {
	plan.RebootDecision
	// request is the one by the annotation reboot-requested-at.
	request
	// held is what holds the reboot.
	held plan.Hold
	// intended is the time that was stored before the call. undone: the call certainly took no effect.
	intended *metav1.Time
	undone   bool
	// counted is the reboot that was added to status.restarts in this pass.
	counted *countedReboot
	// news: the instance is stuck, and nobody was told yet.
	news bool
}

// countedReboot is a reboot that took place, by the vendor's word.
type countedReboot struct {
	at     metav1.Time
	reason plan.RebootReason
}

// watchState remembers since when this process has seen the present state at every look. A change and a request count as
// a new beginning.
func (p *pass) watchState() {
	m := p.memory
	if m.watched == p.state && m.watchedGeneration == p.generation() && m.watchedRequest == p.requested && !m.watchedSince.IsZero() {
		return
	}
	if m.watched != p.state {
		m.stuckTold = false
	}
	m.watched, m.watchedGeneration, m.watchedRequest, m.watchedSince = p.state, p.generation(), p.requested, p.now
}

// decideReboot asks package plan whether to reboot the instance (R20).
func (r *Reconciler) decideReboot(p *pass) {
	p.watchState()
	synced := apimeta.FindStatusCondition(p.stored.Conditions, v1alpha1.SyncedCondition)
	waits := synced != nil && synced.Reason == v1alpha1.ReasonInstanceStarting
	if p.decision != nil {
		waits = p.decision.Synced == v1alpha1.ReasonInstanceStarting
	}
	stateSince := p.now
	if p.stored.StateChangedTime != nil && p.stored.StateInstance == p.state {
		stateSince = p.stored.StateChangedTime.Time
	}
	p.reboot.RebootDecision = plan.DecideReboot(plan.RebootInput{
		Now: p.now, State: p.state, Policy: p.core().Policy(), Rules: plan.RulesOf(p.instance.Reboots()),
		StateSince: stateSince, WatchedSince: p.memory.watchedSince,
		LastRestart: instance.LastRestart(&p.stored), Recent: instance.RebootTimes(&p.stored),
		Requested: p.reboot.wanted(), ChangeWaits: waits,
	})
	p.reboot.news = p.reboot.Stuck && !p.memory.stuckTold
}

// rebootEffect is the reboot that was decided on. An unknown outcome is not repeated.
func (r *Reconciler) rebootEffect(p *pass) effect {
	at, yes := metav1.NewTime(p.now).Rfc3339Copy(), false
	return effect{
		method: greenapi.MethodReboot, reboot: true,
		hold: func(hold plan.Hold) {
			p.reboot.LookAgain, p.reboot.held = hold.For, hold
			if p.decision != nil && p.decision.Held.By == plan.HeldByReboot {
				// What follows the reboot waits for what that waits for.
				p.postpone(hold)
			}
		},
		intend: func(ctx context.Context) error {
			p.reboot.intended = &at
			if err := r.save(ctx, p, r.compose(p)); err != nil {
				return err
			}
			logReboot(ctx, p.reboot.Reason)
			p.reboot.LookAgain = r.Options.Limits.SettlePoll
			return nil
		},
		call: func(ctx context.Context, permit greenapi.Permit) (err error) {
			yes, err = p.vendor.Reboot(ctx, permit)
			return err
		},
		conclude: func(ctx context.Context, err error) {
			if yes {
				p.memory.uncounted = &countedReboot{at: at, reason: p.reboot.Reason}
			}
			if err == nil || !greenapi.TookNoEffect(err) {
				delete(p.memory.failedCalls, greenapi.MethodReboot)
				return
			}
			p.reboot.undone = true
			p.reboot.LookAgain = r.callFailed(ctx, p, greenapi.MethodReboot, err)
		},
	}
}

// keptReboots is how many times of reboots the schema of status.restarts.recentReboots allows.
const keptReboots = 32

// composeReboot stores the intent, the echo of a request, and the restart. tooLate: a request is not kept any longer.
func (w statusWriter) composeReboot(p *pass, tooLate bool) {
	b := &p.reboot
	if b.asked != "" && (b.ignored || b.intended != nil || tooLate) {
		// A request is for now: what a person has to mend first, or an outage, does not keep it for a day that nobody knows.
		w.LastHandledRebootAt = b.asked
	}
	if counted := p.memory.uncounted; counted != nil && !w.hasCounted(counted) {
		// It may be of an earlier pass, whose status could not be stored.
		w.addRestart(counted.at, string(counted.reason))
	}
	if b.intended == nil {
		return
	}
	if w.Restarts == nil {
		w.Restarts = &v1alpha1.Restarts{}
	}
	list := slices.DeleteFunc(slices.Clone(w.Restarts.RecentReboots), func(at metav1.Time) bool {
		return at.Equal(b.intended) || p.now.Sub(at.Time) >= 24*time.Hour
	})
	if b.undone {
		if !p.memory.failedCalls.stalls(greenapi.MethodReboot) {
			w.LastHandledRebootAt = p.original.LastHandledRebootAt
		}
	} else {
		list = append(list, *b.intended)
	}
	// A person may ask for any number; what spec.recovery counts is far less than what is kept.
	w.Restarts.RecentReboots = list[max(len(list)-keptReboots, 0):]
}

// hasCounted reports whether a reboot is counted already: the status was stored, and only the answer to that was lost.
func (w statusWriter) hasCounted(reboot *countedReboot) bool {
	return w.Restarts != nil && w.Restarts.LastTime.Equal(&reboot.at) && w.Restarts.LastReason == string(reboot.reason)
}

// stuckText says what to do about an instance that is stuck.
func stuckText(p *pass) string {
	if plan.RulesOf(p.instance.Reboots()).StuckStarting {
		return "The instance has been starting for too long, and as many reboots as spec.recovery allows in 24 hours did not help. Ask the vendor's support"
	}
	return "The instance has been starting for too long, and settings wait for it. Reboot it (annotation reboot-requested-at, or the vendor's console), or allow it by spec.recovery.stuckStarting; if that does not help, ask the vendor's support"
}
