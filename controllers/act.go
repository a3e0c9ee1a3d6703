// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// decide asks package plan what to do. Only a pass that read both state and settings decides about settings; about a
// reboot the state is enough.
func (r *Reconciler) decide(ctx context.Context, p *pass) error {
	if !p.looked.State {
		return nil
	}
	if p.looked.Settings || p.mismatched {
		if err := r.checkMessenger(p); err != nil {
			return err
		}
	}
	if !p.owns {
		return &retrying{message: "Several resources name this instance, and it is not known yet which of them manages it", after: r.Options.Limits.SettlePoll}
	}
	if p.looked.Settings {
		r.decideSettings(p)
		if err := r.checkLogout(ctx, p); err != nil {
			return err
		}
		if err := r.guardToken(ctx, p); err != nil {
			return err
		}
	}
	r.decideReboot(p)
	return nil
}

func (r *Reconciler) decideSettings(p *pass) {
	in := instance.DecisionInput(p.instance, &p.stored, instance.Reading{Now: p.now, State: p.state, Desired: p.desired, Observed: p.observed, TokenUnknown: p.tokenUnknown()})
	in.History, in.Own = r.history(p)
	p.window, in.ApplyNow, in.LogoutSince = in.Window, p.apply.wanted(), p.memory.logoutSince
	in.Limits, in.DriftSince, in.Requested = r.Options.Limits, p.memory.driftSince, p.newRequest()
	decision := plan.Decide(in)
	instance.ConcealPending(decision, p.conceal)
	p.decision = &decision
	p.memory.driftSince = decision.DriftSince
}

// checkLogout reads the account before a write, where this pass has not: a logout may be under way, which nothing else shows (R15).
// Reading may take a while, so it is decided anew.
func (r *Reconciler) checkLogout(ctx context.Context, p *pass) error {
	more, asked := p.memory.schedule.Permitted(p.now, schedule.Looks{Account: true}), p.looked.Account || p.accountErr != nil
	if r.Kind.AccountMethod != greenapi.MethodGetWaSettings || len(p.decision.Send) == 0 || asked || !more.Any() ||
		r.limiter.Take(p.now, p.id, r.readTimeout(&p.memory.pollMemory), r.methods(more)...) > 0 {
		return nil
	}
	if err := r.read(ctx, p, more); err != nil {
		return r.failed(ctx, p, err)
	}
	p.now = r.Clock.Now()
	r.decideSettings(p)
	return nil
}

// checkMessenger ends the pass if the instance belongs to another messenger (R27). One that the vendor does not name, or
// that is not known, is no mismatch.
func (r *Reconciler) checkMessenger(p *pass) error {
	messenger := p.settings.Messenger()
	kind, known := instance.KindOfMessenger(messenger)
	if !known && p.mismatched {
		// A reading that does not name the messenger ends no mismatch.
		messenger = p.stored.TypeInstance
		kind, known = instance.KindOfMessenger(messenger)
	}
	if kind.Name == r.Kind.Name || !known && !p.mismatched {
		return nil
	}
	p.memory.schedule.Reads.Wait(p.now, schedule.Jitter(r.waitingSettingsInterval(p.core())))
	message := "The instance belongs to another messenger. Delete this resource and create one of the right kind for it"
	if known {
		message = fmt.Sprintf("The instance belongs to another messenger, and its kind is %s. Delete this resource and create a %s for it", kind.Name, kind.Name)
	}
	return &stalled{reason: v1alpha1.ReasonMessengerMismatch, messenger: messenger, message: message}
}

// history is what the status says of the past, corrected by what this process itself did meanwhile (R10): an outcome
// that could not be stored, or a write for a resource that was deleted and created anew. own reports whether this
// process wrote the record.
func (r *Reconciler) history(p *pass) (history plan.History, own bool) {
	s := &p.stored
	history = instance.History(s)
	write, ok := r.ownWrites.get(p.id, p.now)
	if !ok {
		return history, false
	}
	known := write.record.DeepCopy()
	switch {
	case write.uid != p.instance.GetUID() && !known.Active():
		// Another resource's write that is over says nothing about this one.
		return history, false
	case s.Apply.SameCall(known):
		if s.Apply.Outcome == v1alpha1.OutcomePending {
			history.Record = known
		}
		return history, true
	case s.Apply != nil && known.StartedTime.Before(&s.Apply.StartedTime):
		return history, false
	}
	history.Record = known
	return history, true
}

// act makes the call that was decided on, if any. At most one is made: settings are asked first and let a reboot pass, and a rotation of
// the token waits for both.
func (r *Reconciler) act(ctx context.Context, p *pass) error {
	if p.memory.failedCalls.stalls(greenapi.MethodReboot) {
		// What was asked for is not tried again by itself, and who asked is to know.
		p.failing = append(p.failing, greenapi.MethodReboot)
	}
	switch d := p.decision; {
	case d != nil && len(d.Send) > 0:
		if err := r.carryOut(ctx, p, r.settingsEffect(p)); err != nil {
			return err
		}
	case d != nil && d.Synced != v1alpha1.ReasonApplyPending && d.Held.By == "":
		delete(p.memory.failedCalls, greenapi.MethodSetSettings)
	}
	if p.reboot.Reason != "" {
		if err := r.carryOut(ctx, p, r.rebootEffect(p)); err != nil {
			return err
		}
	}
	if p.looked.State {
		return r.rotate(ctx, p)
	}
	return nil
}

// settingsEffect is the setSettings that was decided on.
func (r *Reconciler) settingsEffect(p *pass) effect {
	saved := false
	return effect{
		method: greenapi.MethodSetSettings, attempt: p.decision.History.Record.Attempt, asked: p.newRequest(), hold: p.postpone,
		intend: func(ctx context.Context) error {
			p.before, _ = r.history(p)
			if err := r.saveIntent(ctx, p); err != nil {
				return err
			}
			logIntent(ctx, p.decision.Send, p.decision.History.Record)
			return nil
		},
		call: func(ctx context.Context, permit greenapi.Permit) (err error) {
			saved, err = p.vendor.SetSettings(ctx, p.wire(), permit)
			return err
		},
		conclude: func(ctx context.Context, err error) {
			r.outcome(ctx, p, saved, err)
			r.ownWrites.put(p.id, p.instance.GetUID(), *p.decision.History.Record.DeepCopy(), p.now)
		},
	}
}

// wire returns the settings to send by the vendor's names.
func (p *pass) wire() map[string]any {
	values := make(map[string]any, len(p.decision.Send))
	for _, s := range p.desired.Settings {
		if slices.Contains(p.decision.Send, s.Name) {
			values[s.Name] = plan.Wire(s, p.observed)
		}
	}
	return values
}

// postpone takes a planned call back that cannot be made yet: the history stays as it was.
func (p *pass) postpone(hold plan.Hold) {
	p.decision.Postpone(hold, plan.TakeOver(instance.History(&p.stored), p.desired))
}

// outcome notes what became of the call (R11, R14).
func (r *Reconciler) outcome(ctx context.Context, p *pass, saved bool, err error) {
	record := p.decision.History.Record
	var status *greenapi.StatusError
	switch {
	case err == nil && saved:
		record.Outcome = v1alpha1.OutcomeSettling
		p.decision.Synced = v1alpha1.ReasonSettling
	case err == nil:
		plan.Finish(record, v1alpha1.OutcomeNotPersisted, r.Clock.Now())
		p.decision.Synced = v1alpha1.ReasonSettingsNotPersisted
	case errors.As(err, &status) && status.Cause == greenapi.CauseRefused:
		plan.Finish(record, v1alpha1.OutcomeRejected, r.Clock.Now())
		p.decision.Synced, p.applyMessage = v1alpha1.ReasonSettingsRejected, status.Message
	case greenapi.TookNoEffect(err):
		plan.NotSent(&p.decision.History, p.before, r.Clock.Now())
		p.decision.ApplyHandled = false
		p.decision.LookAgain = r.callFailed(ctx, p, greenapi.MethodSetSettings, err)
		return
	default:
		p.decision.Synced = v1alpha1.ReasonSettling
		logUnknown(ctx, err)
	}
	delete(p.memory.failedCalls, greenapi.MethodSetSettings)
	p.decision.LookAgain = r.Options.Limits.SettlePoll
}

// saveIntent stores the intent before the call. If it cannot be stored, or somebody else wrote the resource
// meanwhile, there is no call.
func (r *Reconciler) saveIntent(ctx context.Context, p *pass) error {
	if err := r.save(ctx, p, r.compose(p)); err != nil {
		return err
	}
	r.ownWrites.put(p.id, p.instance.GetUID(), *p.decision.History.Record.DeepCopy(), p.now)
	return nil
}
