// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

const (
	// freshFor is how old a list may be before something is bought by it.
	freshFor = time.Minute
	// reserveAttempts bounds how often a record is put onto a fresh copy of the account.
	reserveAttempts = 5
)

// acquire finds the instance of a claim, or buys it.
func (r *Reconciler) acquire(ctx context.Context, p *pass) (found, error) {
	if problem := p.accountProblem(); problem != nothing {
		p.wants.ListAt, p.wants.Token = p.memory.since, true
		if p.toldAlready() && !p.accountStalled() {
			return unchanged, nil
		}
		return problem, nil
	}
	q := r.request(p)
	if p.list != nil && q.Outcome == partner.Open && len(p.list.Living(p.name)) == 0 {
		p.memory.absent.Note(p.list.Begun, 0)
	}
	verdict := q.Decide(p.list, &p.memory.absent)
	switch verdict.Action {
	case partner.Adopt:
		return r.adopt(ctx, p, verdict.Row)
	case partner.Buy:
		return r.buy(ctx, p, q)
	case partner.GiveUp:
		return p.givesUp(verdict), nil
	case partner.ReadList:
	}
	p.wants.ListAt, p.wants.Token = p.memory.since, true
	if p.list != nil {
		p.wants.ListAt = q.NextList(p.memory.absent.Last())
	}
	p.again = 0
	if verdict.Why == partner.Unknown {
		return waits(v1alpha1.ReasonOutcomeUnknown, "The call that buys the instance was sent, and no answer says what became of it. The list is looked at for half an hour; nothing is bought meanwhile"), nil
	}
	if p.list == nil && p.toldAlready() {
		return unchanged, nil
	}
	return waits(v1alpha1.ReasonCreatePending, "The list of instances is read before anything is bought"), nil
}

// request is what the claim asks for, and what is known of its calls: by its own record, and by that of the account, which outlives a
// claim that is deleted and made anew.
func (r *Reconciler) request(p *pass) partner.Request {
	q := partner.Request{Name: p.name, AdoptNever: p.claim.Spec.Adopt == v1alpha1.AdoptNever, OneMore: p.request != ""}
	if record := p.status.Create; record != nil && record.Attempt > 0 {
		q.Attempts = int(record.Attempt)
		switch {
		case record.Outcome == v1alpha1.ClaimRejected:
			q.Outcome, q.Ended = partner.Refused, timeOf(record.FinishedTime)
		case record.FinishedTime != nil:
			q.Outcome, q.Ended = partner.Open, record.FinishedTime.Time
		default:
			q.Outcome, q.Ended = partner.Open, r.endOf(timeOf(record.StartedTime))
		}
	}
	for _, create := range p.theirs(p.account) {
		q.Attempts, q.Outcome = max(q.Attempts, int(create.Attempt)), partner.Open
		if ended := r.endOf(create.Time.Time); ended.After(q.Ended) {
			q.Ended = ended
		}
	}
	if q.Ended.After(p.memory.since) && q.Ended.Before(p.now.Add(2*r.Options.CallTimeout)) {
		p.memory.since = q.Ended
		r.takeList(p)
	}
	return q
}

// endOf is when a call whose intent was stored at a time had ended for certain, whoever made it: it goes out within one call's time of
// the intent, and takes no longer than another.
func (r *Reconciler) endOf(intent time.Time) time.Time { return intent.Add(2 * r.Options.CallTimeout) }

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// givesUp says why a person has to act.
func (p *pass) givesUp(v partner.Verdict) found {
	switch v.Why {
	case partner.Ambiguous:
		return stalls(v1alpha1.ReasonAmbiguousName, "%d living instances have the name %q: %s. Rename or delete all but one in the vendor's console; the list is looked at every ten minutes", len(v.IDs), p.name, numbers(v.IDs))
	case partner.Taken:
		return stalls(v1alpha1.ReasonNameTaken, "Instance %s has the name %q already, and spec.adopt is Never. Set it to ByName to take the instance, or use another name", numbers(v.IDs), p.name)
	case partner.Denied:
		return stalls(v1alpha1.ReasonCreateRejected, "The vendor refused %d times to create an instance. See its console and the PartnerAccount; the annotation %s lets it be tried once more", p.status.Create.Attempt, v1alpha1.ReconcileRequestedAtAnnotation)
	default:
		return stalls(v1alpha1.ReasonOutcomeUnknown, "An instance may have been bought, and does not show in the list. Look for %q in the vendor's console; the annotation %s lets one more be bought", p.name, v1alpha1.ReconcileRequestedAtAnnotation)
	}
}

func numbers(ids []int64) string {
	const most = 8
	var texts []string
	for _, id := range ids[:min(len(ids), most)] {
		texts = append(texts, fmt.Sprint(id))
	}
	if len(ids) > most {
		texts = append(texts, fmt.Sprintf("and %d more", len(ids)-most))
	}
	return strings.Join(texts, ", ")
}

// adopt takes an instance that is there.
func (r *Reconciler) adopt(ctx context.Context, p *pass, row greenapi.Row) (found, error) {
	if added, err := r.putFinalizer(ctx, p); added || err != nil {
		return waits(v1alpha1.ReasonCreatePending, "The claim is made ready"), err
	}
	if row.Token == (greenapi.Secret{}) {
		// The list was read before it was known that this token is needed.
		return p.waitForToken(), nil
	}
	if p.status.Create == nil {
		p.status.Create = &v1alpha1.CreateRecord{Name: p.name, StartedTime: &metav1.Time{Time: p.now}}
	}
	p.status.Create.Outcome, p.status.Create.FinishedTime = v1alpha1.ClaimAdopted, &metav1.Time{Time: p.now}
	r.event(p, "InstanceAdopted", "Create", fmt.Sprintf("Instance %d has the name of the claim", row.ID))
	return r.own(ctx, p, greenapi.Created{ID: row.ID, Token: row.Token, Messenger: row.Messenger, APIURL: row.APIURL})
}

// buy buys an instance: it looks at what is allowed, stores that it may have bought one, and only then calls.
func (r *Reconciler) buy(ctx context.Context, p *pass, q partner.Request) (found, error) {
	if problem := p.mayBuy(); problem != nothing {
		return problem, nil
	}
	if problem, err := r.twin(ctx, r.Client, p.account); problem != nothing || err != nil {
		return problem, err
	}
	if problem, err := r.secretFree(ctx, p); problem != nothing || err != nil {
		return problem, err
	}
	if p.now.Sub(p.list.Begun) > freshFor {
		p.wants.ListAt, p.wants.Token, p.again = p.now, true, 0
		return waits(v1alpha1.ReasonCreatePending, "The list of instances is read before anything is bought"), nil
	}
	if added, err := r.putFinalizer(ctx, p); added || err != nil {
		return waits(v1alpha1.ReasonCreatePending, "The claim is made ready"), err
	}
	attempt := int32(q.Attempts) + 1
	if problem, err := r.reserve(ctx, p, attempt); problem != nothing || err != nil {
		return problem, err
	}
	p.handled = true
	permit := greenapi.NewPermit(r.Options.CallTimeout)
	p.status.Create = &v1alpha1.CreateRecord{Name: p.name, Attempt: attempt, StartedTime: &metav1.Time{Time: r.Clock.Now()}, Outcome: v1alpha1.ClaimPending}
	p.memory.absent = partner.Lacking{}
	p.show(waits(v1alpha1.ReasonCreatePending, "The instance is being bought"))
	if err := r.intend(ctx, p); err != nil {
		return nothing, err
	}
	if ctx.Err() != nil {
		return nothing, ctx.Err()
	}
	created, err := p.seller.Create(ctx, p.name, permit)
	p.now = r.Clock.Now()
	p.memory.since = p.now
	return r.bought(context.WithoutCancel(ctx), p, created, err)
}

// bought takes down what became of the call.
func (r *Reconciler) bought(ctx context.Context, p *pass, created greenapi.Created, err error) (found, error) {
	record := p.status.Create
	record.FinishedTime = &metav1.Time{Time: p.now}
	r.Metrics.created(p.account.Name, err)
	p.wants.Token = true
	switch {
	case err == nil:
		record.Outcome = v1alpha1.ClaimCreated
		r.recognize(ctx, p, created.ID)
		r.event(p, "InstanceCreated", "Create", fmt.Sprintf("The vendor created instance %d", created.ID))
		return r.own(ctx, p, created)
	case greenapi.TookNoEffect(err):
		record.Outcome = v1alpha1.ClaimRejected
		p.wants.ListAt, p.again = p.now.Add(partner.RefusedWait), 0
		return waits(v1alpha1.ReasonCreateRejected, "The vendor created no instance: %v", err), nil
	default:
		record.Outcome = v1alpha1.ClaimUnknown
		p.wants.ListAt, p.again = p.now, 0
		return waits(v1alpha1.ReasonOutcomeUnknown, "Whether the vendor created an instance is not known: %v. The list is looked at for half an hour; nothing is bought meanwhile", err), nil
	}
}

// putFinalizer puts the finalizer on a claim whose instance is to be deleted with it, and reports whether it was not there (P11).
func (r *Reconciler) putFinalizer(ctx context.Context, p *pass) (added bool, err error) {
	if p.claim.Spec.DeletionPolicy != v1alpha1.DeletionDelete || p.account.Spec.Mode != v1alpha1.ModeCreateAndDelete || controllerutil.ContainsFinalizer(p.claim, v1alpha1.ClaimFinalizer) {
		return false, nil
	}
	changed := p.claim.DeepCopy()
	controllerutil.AddFinalizer(changed, v1alpha1.ClaimFinalizer)
	if err := r.Client.Patch(ctx, changed, client.MergeFromWithOptions(p.claim, client.MergeFromWithOptimisticLock{})); err != nil {
		return false, err
	}
	p.again = time.Second
	return true, nil
}
