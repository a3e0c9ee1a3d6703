// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// A rotation replaces the API token by a call after which the old one is dead. How the Secret is
// written is in rotation_secret.go.

// rotation is what a pass decided and did about the API token's replacement.
type rotation struct {
	// request is the one of spec.apiTokenRotation.
	request
	// firstSight: it was there when the resource was first seen.
	firstSight bool
	// decided: this pass asked whether to rotate. lookAgain is how soon to look again.
	decided   bool
	lookAgain time.Duration
	// intended is the record that was stored before the call, outcome what became known in this pass of it or an earlier one.
	intended *v1alpha1.RotationRecord
	outcome  v1alpha1.RotationOutcome
	// shown is what condition TokenRotated says, where this pass knows more than the record.
	shown conditionState
}

// rotationMemory is what this process remembers of a resource's rotations.
type rotationMemory struct {
	// first is the request that the first pass met.
	first string
	// made tells which token this process got from the vendor last, unsaved is that token while its Secret could not be written.
	made    string
	unsaved greenapi.Secret
	// secret is as it was read last, while that cannot be written.
	secret *corev1.Secret
	// refusals are of the token that was to be replaced.
	refusals plan.Refusals
}

// readRotation reads what the spec asks for. As with the other requests, what is there at first sight, under Observe or while paused
// is only echoed.
func (p *pass) readRotation() {
	asked, m := instance.NewRotation(p.instance), &p.memory.rotation
	if !p.memory.met {
		m.first = asked
	}
	t := &p.rotation
	t.asked, t.firstSight = asked, asked != "" && len(p.original.Conditions) == 0 && p.original.APITokenRotation == nil && asked == m.first
	t.ignored = asked != "" && (t.firstSight || p.core().Paused || p.core().Policy() == v1alpha1.PolicyObserve)
}

// record is that of the status.
func (p *pass) rotationRecord() *v1alpha1.RotationRecord { return p.stored.APITokenRotation }

// rotating reports whether anything about the token is open, so that the resource is looked at by passes.
func (p *pass) rotating() bool {
	t := &p.rotation
	return t.asked != "" || t.outcome != "" || p.rotationRecord().Open() || p.memory.rotation.unsaved != (greenapi.Secret{})
}

// rotate finds out what became of a rotation, or begins one. It is the last thing that a pass does: a call of a later one would
// be made with a dead token. The vendor accepted the present token in this very pass (P16).
func (r *Reconciler) rotate(ctx context.Context, p *pass) error {
	t, key := &p.rotation, plan.TokenKey(p.secrets[0])
	d := plan.DecideRotation(plan.RotationInput{
		Now: p.now, Record: p.rotationRecord(), Requested: t.wanted(), TokenKey: key, Made: key == p.memory.rotation.made,
		State: p.state, Creating: p.beingCreated(), LastReboot: instance.LastReboot(&p.stored), Limits: r.Options.Limits,
		WriteOpen: p.stored.Apply.Active() || p.decision != nil && p.decision.History.Record.Active(),
	})
	t.decided, t.outcome, t.lookAgain = true, d.Outcome, d.LookAgain
	if d.Outcome != "" {
		p.memory.rotation.refusals = plan.Refusals{}
	}
	if d.Held.By != "" {
		t.wait(d.Held)
	}
	if !d.Rotate {
		return nil
	}
	secret, end := r.checkSecret(ctx, p)
	if end != nil {
		t.shown, t.lookAgain = *end, r.waitingStateInterval(p.core())
		if end.reason == v1alpha1.ReasonRotationPending {
			t.lookAgain = r.Options.Limits.SettlePoll
		}
		return nil
	}
	return r.carryOut(ctx, p, r.rotationEffect(ctx, p, secret))
}

// wait says that something holds the rotation.
func (t *rotation) wait(hold plan.Hold) {
	t.lookAgain = hold.For
	t.shown = conditionState{metav1.ConditionUnknown, v1alpha1.ReasonRotationPending, "The API token is replaced once nothing else is under way"}
}

// rotationEffect is one updateApiToken. It is never repeated, whatever comes of it. ctx is that of the pass.
func (r *Reconciler) rotationEffect(ctx context.Context, p *pass, secret *corev1.Secret) effect {
	t, made := &p.rotation, greenapi.Secret{}
	return effect{
		// No source says that the call restarts the instance (the vendor's page UpdateApiToken, and its SDKs), so it takes no turn.
		method: greenapi.MethodUpdateAPIToken, calm: true, hold: t.wait,
		intend: func(ctx context.Context) error {
			at := metav1.NewMicroTime(r.Clock.Now())
			t.intended = &v1alpha1.RotationRecord{Request: t.asked, ReplacedTokenKey: plan.TokenKey(p.secrets[0]), StartedTime: &at, Outcome: v1alpha1.RotationPending}
			p.memory.rotation.refusals = plan.Refusals{}
			if err := r.save(ctx, p, r.compose(p)); err != nil {
				return err
			}
			logRotation(ctx)
			return nil
		},
		call: func(call context.Context, permit greenapi.Permit) (err error) {
			if made, err = p.vendor.UpdateAPIToken(call, permit); err == nil {
				// From here on the new token is all that opens the instance.
				r.hideToken(p, made)
			}
			return err
		},
		conclude: func(_ context.Context, err error) {
			t.lookAgain = r.Options.Limits.SettlePoll
			switch {
			case err == nil:
				r.keepToken(ctx, p, secret, made)
			case greenapi.TookNoEffect(err):
				t.outcome = v1alpha1.RotationNotRotated
				t.shown = notRotated("The vendor did not take the call, and the token is what it was: " + p.conceal(err.Error()))
			default:
				logUnknown(ctx, err)
			}
		},
	}
}

// hideToken makes a token that was read from an answer one that nothing shows, and no webhook token.
func (r *Reconciler) hideToken(p *pass, token greenapi.Secret) {
	p.secrets = append(p.secrets, token.Reveal())
	r.usedTokens.add(token.Reveal())
	p.memory.rotation.made, p.memory.rotation.unsaved = plan.TokenKey(token.Reveal()), token
}

func notRotated(message string) conditionState {
	return conditionState{metav1.ConditionFalse, v1alpha1.ReasonNotRotated, message + ". Another value of spec.apiTokenRotation.requestedAt asks once more"}
}

// refuseReplaced takes down that the vendor refused a token, if that is one that a rotation was to replace and of which it is not
// known what became (P17). It returns nil if it is not.
func (r *Reconciler) refuseReplaced(ctx context.Context, p *pass, refusal *refused) error {
	record, m := p.rotationRecord(), &p.memory.rotation
	if !refusal.rotates() || !record.Open() && !record.Lost() || len(p.secrets) == 0 || plan.TokenKey(p.secrets[0]) != record.ReplacedTokenKey {
		return nil
	}
	d := m.refusals.Note(record, p.now, p.claim != nil)
	reads := &p.memory.schedule.Reads
	if d.Lost {
		if record.Open() {
			p.rotation.outcome = v1alpha1.RotationLost
		}
		reads.Wait(p.now, schedule.Jitter(r.waitingSettingsInterval(p.core())))
		return &stalled{condition: v1alpha1.CredentialsValidCondition, reason: v1alpha1.ReasonTokenLost, message: lostText(p)}
	}
	if d.AskClaim {
		if err := r.askClaim(ctx, p); err != nil {
			return err
		}
		m.refusals.Asked(p.now)
	}
	return &retrying{condition: v1alpha1.CredentialsValidCondition, reason: v1alpha1.ReasonUnauthorized, after: reads.Wait(p.now, d.LookAgain),
		message: "The API token was to be replaced, the vendor's answer was lost, and the vendor refuses the old token by now. " + lookedForText(p)}
}

func lookedForText(p *pass) string {
	if p.claim == nil {
		return "It is tried three times"
	}
	return "InstanceClaim \"" + p.claim.Name + "\" looks for the new one in the list of its account"
}

// lostText says what a person does who has lost a token.
func lostText(p *pass) string {
	ref := instance.APITokenRef(p.instance)
	text := "The API token was replaced, the vendor's answer was lost, and the old token is dead. Copy apiTokenInstance of this instance from the vendor's console into key \"" +
		ref.Key + "\" of Secret \"" + ref.Name + "\""
	if p.claim != nil {
		text += "; its claim did not find the new one within half an hour"
	}
	return text
}

// composeRotation stores the intent, the outcome, or the echo of a request, and says what there is to say. tooLate: a request
// is not kept any longer.
func (w statusWriter) composeRotation(p *pass, tooLate bool) {
	t := &p.rotation
	record := w.APITokenRotation
	if t.intended != nil {
		record = t.intended.DeepCopy()
	}
	if t.outcome != "" && record != nil {
		record = record.DeepCopy()
		record.Outcome, record.FinishedTime = t.outcome, new(metav1.NewMicroTime(w.now.Time))
		if record.FinishedTime.Before(record.StartedTime) {
			record.FinishedTime = record.StartedTime
		}
	}
	skipped := t.intended == nil && t.asked != "" && !record.Open() && (t.ignored || tooLate)
	switch {
	case skipped && record.Lost():
		// What is lost is to be found still.
		record = record.DeepCopy()
		record.Request = t.asked
	case skipped:
		record = &v1alpha1.RotationRecord{Request: t.asked}
	}
	w.APITokenRotation = record
	shown := t.says(record, w.find(v1alpha1.TokenRotatedCondition), skipped)
	if shown.reason == "" {
		w.remove(v1alpha1.TokenRotatedCondition)
		return
	}
	w.set(v1alpha1.TokenRotatedCondition, shown.status, shown.reason, shown.message)
}

// says is what condition TokenRotated shows, nothing where no rotation was asked for.
func (t *rotation) says(record *v1alpha1.RotationRecord, before *metav1.Condition, skipped bool) conditionState {
	keep := conditionState{}
	if before != nil {
		keep = conditionState{before.Status, before.Reason, before.Message}
	}
	switch {
	case skipped && t.firstSight:
		return conditionState{}
	case skipped && !record.Lost():
		return conditionState{metav1.ConditionFalse, v1alpha1.ReasonRotationSkipped,
			"The request was not carried out: the resource was paused, under Observe, in need of a person, or not reached for long. Another value of spec.apiTokenRotation.requestedAt asks once more"}
	case t.shown.reason != "":
		return t.shown
	case record.Open():
		return conditionState{metav1.ConditionUnknown, v1alpha1.ReasonRotationPending, "The vendor was asked for a new API token, and it is not known yet whether it made one"}
	case t.asked != "" && !t.decided && !skipped:
		if keep.reason == v1alpha1.ReasonSecretNotOwned || keep.reason == v1alpha1.ReasonSecretNotWritable {
			return keep
		}
		return conditionState{metav1.ConditionUnknown, v1alpha1.ReasonRotationPending, "The API token is about to be replaced"}
	}
	return endedRotation(record, keep)
}

// endedRotation is what condition TokenRotated shows of a record that is not open. keep is what it showed before.
func endedRotation(record *v1alpha1.RotationRecord, keep conditionState) conditionState {
	switch {
	case record == nil:
		return conditionState{}
	case record.Outcome == v1alpha1.RotationRotated:
		return conditionState{metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "The API token was replaced, and the Secret has the new one"}
	case record.Outcome == v1alpha1.RotationRecovered:
		return conditionState{metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "The vendor's answer was lost, and the Secret has another API token by now, which the vendor accepts"}
	case record.Outcome == v1alpha1.RotationNotRotated && keep.reason != v1alpha1.ReasonNotRotated:
		return notRotated("The vendor's answer was lost, and the vendor still accepts the old token")
	case record.Outcome == v1alpha1.RotationLost:
		return conditionState{metav1.ConditionFalse, v1alpha1.ReasonTokenLost, "The API token was replaced, and the new one was not found. The condition Stalled says what to do"}
	case record.Outcome == v1alpha1.RotationNotRotated, keep.reason == v1alpha1.ReasonRotationSkipped:
		return keep
	}
	return conditionState{}
}

// echoOf is what is left of a record where the instance is another one: which request was handled.
func echoOf(record *v1alpha1.RotationRecord) *v1alpha1.RotationRecord {
	if record == nil {
		return nil
	}
	return &v1alpha1.RotationRecord{Request: record.Request}
}

// rotationMoved reports whether a rotation began or ended.
func rotationMoved(before, after *v1alpha1.RotationRecord) bool {
	return after != nil && after.Outcome != "" && (before == nil || before.Outcome != after.Outcome || !before.StartedTime.Equal(after.StartedTime))
}

// rotationFacts: a rotation began or ended.
func rotationFacts(before, after *v1alpha1.RotationRecord) []fact {
	if !rotationMoved(before, after) {
		return nil
	}
	switch after.Outcome {
	case v1alpha1.RotationRotated, v1alpha1.RotationRecovered:
		return []fact{{logged("API token replaced", "outcome", after.Outcome), normalEvent("TokenRotated", "Rotate", "The API token was replaced, and the Secret has the new one")}}
	case v1alpha1.RotationNotRotated:
		return []fact{{logged("API token not replaced"), warningEvent(v1alpha1.ReasonNotRotated, "Rotate", "The API token was not replaced; the old one is in force")}}
	case v1alpha1.RotationLost:
		return []fact{{logged("API token lost"), warningEvent(v1alpha1.ReasonTokenLost, "Rotate", "The API token was replaced, and the new one was not found")}}
	case v1alpha1.RotationPending:
		return []fact{{line: logged("API token asked for, outcome not known")}}
	}
	return nil
}
