// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// request is what a person asks for by an annotation, to be done once.
type request struct {
	// asked is a value that was not acted on; ignored if it is only to be echoed.
	asked   string
	ignored bool
}

// wanted reports whether it is to be carried out.
func (q request) wanted() bool { return q.asked != "" && !q.ignored }

// readRequests reads the annotations that ask for a call. A value that is there at first sight, under Observe or while paused is
// only echoed, so that one that is kept in Git does not restart a fleet after a restore.
func (p *pass) readRequests() {
	m := p.memory
	reboot := instance.NewRequest(p.instance, v1alpha1.RebootRequestedAtAnnotation, p.stored.LastHandledRebootAt)
	apply := instance.NewRequest(p.instance, v1alpha1.ApplyRequestedAtAnnotation, p.stored.LastHandledApplyAt)
	p.readRotation()
	if !m.met {
		m.met, m.firstReboot, m.firstApply = true, reboot, apply
	}
	read := func(at, first string) request {
		// The first status may come some passes later than the first sight.
		firstSight := len(p.original.Conditions) == 0 && first == at
		return request{asked: at, ignored: at != "" && (firstSight || p.core().Paused || p.core().Policy() == v1alpha1.PolicyObserve)}
	}
	p.reboot.request, p.apply = read(reboot, m.firstReboot), read(apply, m.firstApply)
	if reboot != "" && m.rebootAsked != reboot {
		m.rebootAsked = reboot
		if failed := m.failedCalls[greenapi.MethodReboot]; failed != nil {
			failed.mended()
		}
	}
}

// composeApply echoes a request for a setSettings once it is done with: it went out, or nothing is to be written, or nothing is before
// somebody acted, as the status says (R29). tooLate: a request is not kept any longer.
func (w statusWriter) composeApply(p *pass, tooLate bool) {
	stalls := p.tried && w.find(v1alpha1.StalledCondition) != nil
	switch {
	case p.apply.asked == "":
	case p.apply.ignored || stalls || tooLate || p.decision != nil && p.decision.ApplyHandled:
		w.LastHandledApplyAt = p.apply.asked
	default:
		// A call that took no effect is not done with.
		w.LastHandledApplyAt = p.original.LastHandledApplyAt
	}
}

// needsSomebody reports whether nothing can be carried out before somebody acted, a person or whoever makes the claim. A request is for
// now, and is not kept for the day on which that happens.
func (p *pass) needsSomebody() bool {
	switch p.end.(type) {
	case *stalled, *unclaimed:
		return true
	default:
		return false
	}
}

// requests are values of the annotations that ask for a look, "" for none.
type requests struct{ reconcile, apply string }

// openRequests are those that were not acted on yet.
func (p *pass) openRequests() requests {
	open := requests{reconcile: p.requested}
	if p.apply.wanted() {
		open.apply = p.apply.asked
	}
	return open
}

// asksForALook reports whether a person asks for everything to be read, whatever failed before (R45). Once that was tried, the request
// may be open still: the look failed, or something holds the call. Then what follows comes when it would come without it.
func (p *pass) asksForALook() bool {
	open, known := p.openRequests(), p.memory.lookedFor
	return open.reconcile != "" && open.reconcile != known.reconcile || open.apply != "" && open.apply != known.apply
}
