// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"cmp"
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// tokenlessLists is after how many lists without a token that is needed no list is read for it alone.
const tokenlessLists = 3

// storeWait is how long after a Secret could not be written that is tried again.
const storeWait = 10 * time.Second

// own takes down an instance that was created or adopted: its Secret first, then, with the status, its number.
func (r *Reconciler) own(ctx context.Context, p *pass, line greenapi.Created) (found, error) {
	p.handled = true
	p.status.IDInstance, p.wants.ID = line.ID, line.ID
	if problem := p.mismatch(line.Messenger); problem != nothing {
		return problem, nil
	}
	if problem := r.locate(ctx, p, line); problem != nothing {
		// The next list is to say it again, so that it ends once the address may be called.
		p.wants.Token = true
		return problem, nil
	}
	if line.Token == (greenapi.Secret{}) {
		p.again = 0
		return p.waitForToken(), nil
	}
	problem, err := r.writeSecret(ctx, p, line.Token)
	if err != nil {
		// The number is stored all the same, so that nothing more is bought; the token stands in the next list, if not in this one.
		p.wants.Token, p.again = true, storeWait
		if p.list == nil || p.list.Begun.Before(p.memory.since) {
			p.wants.ListAt = p.now
		}
		return waits(v1alpha1.ReasonCreatePending, "The instance is there, and the API server did not take its Secret %q yet (%s)", p.claim.SecretName(), cmp.Or(string(apierrors.ReasonForError(err)), "no answer")), nil
	}
	if problem != nothing {
		return problem, nil
	}
	p.again = 0
	if p.status.APIURL == "" {
		return p.waitForToken(), nil
	}
	return settled, nil
}

// mismatch says that the vendor made another messenger's instance; "" says nothing.
func (p *pass) mismatch(messenger string) found {
	if messenger == "" || messenger == p.account.Spec.Messenger {
		return nothing
	}
	return stalls(v1alpha1.ReasonMessengerMismatch, "Instance %d is one of %q, and PartnerAccount %q has messenger %q. Compare spec.messenger and spec.partnerApiUrl of the account with the vendor's console; the instance stays, and is paid for until somebody deletes it",
		p.id(), shown(p, messenger), p.account.Name, p.account.Spec.Messenger)
}

// keep looks after a claim that has its instance: the row in the list, and the Secret. It never buys (P5).
func (r *Reconciler) keep(ctx context.Context, p *pass) (found, error) {
	p.again = 0
	written, problem, err := r.secretWritten(ctx, p)
	if err != nil || problem != nothing {
		return problem, err
	}
	p.noteLoss(written)
	if p.latest == nil || p.list == nil && !p.created() {
		return p.keepUnseen(written), nil
	}
	row, there := p.latest.ByID(p.id())
	if !there || row.Deleted {
		// Somebody asks, and the list may be from before the instance was bought.
		asked := p.request != "" && p.latest.Begun.Before(p.memory.askedAt)
		switch {
		case !written || asked:
			p.wantToken()
		case p.status.APIURL == "":
			p.wantAddress()
		}
		return r.missing(p), nil
	}
	p.memory.missing = partner.Lacking{}
	return r.keepRow(ctx, p, row, written)
}

// keepUnseen is for while the list of the account is not known: whatever the account says, an instance is there until its list says
// otherwise.
func (p *pass) keepUnseen(written bool) found {
	if p.created() && written {
		return unchanged
	}
	p.wants.ListAt, p.wants.Token = p.memory.since, true
	if p.created() || p.stalled() {
		return unchanged
	}
	if problem := p.accountProblem(); problem != nothing {
		return problem
	}
	return waits(v1alpha1.ReasonCreatePending, "The instance is there; the list of instances is read for its token and address")
}

// stalled reports whether a person has to act by what was found of this spec and this instance.
func (p *pass) stalled() bool {
	status := &p.claim.Status
	return status.IDInstance == p.id() && status.ObservedGeneration == p.claim.Generation && apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.StalledCondition)
}

// wantToken has the next list keep the token of the instance, and has it read at once; once some did not have it, that waits for when
// the list is read anyway. It reports whether lists may have it still.
func (p *pass) wantToken() bool {
	m := p.memory
	if p.latest != nil && !m.tokenAt.IsZero() && !p.latest.Begun.Before(m.tokenAt) {
		m.tokenless++
	}
	p.wants.Token, m.tokenAt = true, p.now
	if m.tokenless >= tokenlessLists {
		return false
	}
	p.wants.ListAt = p.now
	return true
}

// wantAddress has a list be read each minute for where the instance is served, for as long as one that was bought may be late to show.
func (p *pass) wantAddress() {
	p.wants.Token = true
	if record := p.status.Create; record != nil && p.now.Sub(timeOf(record.FinishedTime)) < soonFor {
		p.wants.ListAt = p.now.Add(time.Minute)
	}
}

// noteLoss takes down when the Secret of an instance that is there was first missed.
func (p *pass) noteLoss(written bool) {
	switch {
	case written || !p.created():
		p.memory.lostAt = time.Time{}
	case p.memory.lostAt.IsZero():
		p.memory.lostAt = p.now
	}
}

// tokenIsOld reports whether the list is from before somebody asked for the token, or before the Secret was missed: the token may have
// been replaced since.
func (p *pass) tokenIsOld() bool {
	after := p.memory.lostAt
	if p.request != "" && p.memory.askedAt.After(after) {
		after = p.memory.askedAt
	}
	return !after.IsZero() && (p.list == nil || p.list.Begun.Before(after))
}

// waitForToken says that the token of an instance which is there is waited for.
func (p *pass) waitForToken() found {
	if p.wantToken() {
		return waits(v1alpha1.ReasonCreatePending, "The instance is there; the list of instances is read for its token and address")
	}
	return waits(v1alpha1.ReasonCreatePending, "The instance is there, and the list of instances does not have its token. It is looked for whenever the list is read; ask the vendor if that lasts")
}

// keepRow looks after a claim whose instance is in the list.
func (r *Reconciler) keepRow(ctx context.Context, p *pass, row greenapi.Row, written bool) (found, error) {
	if row.Name != p.name && !p.acquired() {
		// The number is from a Secret, which whoever may write Secrets in the namespace may have made.
		p.status.IDInstance = 0
		return stalls(v1alpha1.ReasonSecretConflict, "Secret %q holds instance %d, which has another name at the vendor than %q. Delete the Secret, or choose another spec.secretName in a new claim", p.claim.SecretName(), row.ID, p.name), nil
	}
	if problem := p.mismatch(row.Messenger); problem != nothing {
		return problem, nil
	}
	if written && p.status.APIURL != "" && p.request == "" && p.created() {
		return settled, nil
	}
	if row.Token == (greenapi.Secret{}) || p.tokenIsOld() {
		waiting := p.waitForToken()
		if p.created() || p.stalled() {
			return unchanged, nil
		}
		return waiting, nil
	}
	p.memory.tokenless, p.memory.tokenAt = 0, time.Time{}
	if !p.acquired() {
		if added, err := r.putFinalizer(ctx, p); added || err != nil {
			return waits(v1alpha1.ReasonCreatePending, "The claim is made ready"), err
		}
	}
	p.noteAdopted()
	return r.own(ctx, p, greenapi.Created{ID: row.ID, Token: row.Token, Messenger: row.Messenger, APIURL: row.APIURL})
}

// acquired reports whether the record says that the instance was created or adopted, so that its number is known to be the claim's.
func (p *pass) acquired() bool {
	record := p.status.Create
	return record != nil && (record.Outcome == v1alpha1.ClaimCreated || record.Outcome == v1alpha1.ClaimAdopted)
}

// noteAdopted ends a record of which nothing was known, since the instance is there.
func (p *pass) noteAdopted() {
	if p.status.Create == nil {
		p.status.Create = &v1alpha1.CreateRecord{Name: p.name, Outcome: v1alpha1.ClaimPending}
	}
	if !p.acquired() {
		p.status.Create.Outcome, p.status.Create.FinishedTime = v1alpha1.ClaimAdopted, timeNow(p)
	}
}

// missing counts a list that lacks the instance of a claim, of which three, an hour apart, say that it is gone.
func (r *Reconciler) missing(p *pass) found {
	p.memory.missing.Note(p.latest.Begun, partner.MissingApart)
	if p.memory.missing.Missing() {
		return stalls(v1alpha1.ReasonInstanceMissing, "Instance %d is no longer among the living ones of PartnerAccount %q. Nothing is bought in its place: to have another one delete this claim and Secret %q, which has the number, and create the claim anew", p.id(), p.account.Name, p.claim.SecretName())
	}
	if p.created() || p.stalled() {
		return unchanged
	}
	return waits(v1alpha1.ReasonCreatePending, "Instance %d is not among the living ones of PartnerAccount %q, or not yet; once three lists, an hour apart, say so, it is a person's turn", p.id(), p.account.Name)
}

func shown(p *pass, text string) string {
	if p.seller == nil {
		return "another messenger"
	}
	return p.seller.Shown(text)
}
