// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cacheindex"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// A resource may name an InstanceClaim in place of a number and a Secret. What the claim knows is filled into the pass's own copy of
// the resource, so that every later step finds it where it always is.

// unclaimed ends a pass because the claim of the resource has no instance. No call is made, and the claim wakes the resource (P14).
type unclaimed struct{ message string }

func (e *unclaimed) Error() string { return e.message }
func (*unclaimed) endsPass()       {}

// claimsOff is what a resource with a claim says where nobody looks after claims.
const claimsOff = "This operator does not look after claims. Run it with --partner-accounts"

// resolveClaim fills in what the claim of the resource knows, if its spec names one.
func (r *Reconciler) resolveClaim(ctx context.Context, p *pass) error {
	name := instance.ClaimName(p.instance)
	if name == "" {
		return nil
	}
	if !r.Options.Claims {
		return &unclaimed{message: claimsOff}
	}
	claim := &v1alpha1.InstanceClaim{}
	switch err := r.Client.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, claim); {
	case apierrors.IsNotFound(err):
		return &unclaimed{message: instance.ClaimMissing(name)}
	case err != nil:
		return err
	}
	if trouble := instance.ClaimTrouble(claim); trouble != "" {
		return &unclaimed{message: trouble}
	}
	if known := p.stored.IDInstance; known != 0 && known != claim.Status.IDInstance {
		r.beginAnew(ctx, p)
	}
	p.claim = claim
	p.take(p.instance)
	return nil
}

// take makes a resource the one of the pass, with what its claim knows filled in.
func (p *pass) take(resource v1alpha1.Instance) {
	p.instance = resource
	if p.claim != nil {
		p.ownURL = resource.Core().APIURL
		instance.Fill(resource, p.claim)
	}
}

// giveBack takes out of a copy of the resource what its claim filled in.
func (p *pass) giveBack(resource v1alpha1.Instance) {
	if p.claim != nil {
		core := resource.Core()
		core.IDInstance, core.APIURL, core.APITokenSecretRef = 0, p.ownURL, v1alpha1.SecretKeyReference{}
	}
}

// beginAnew forgets what was seen and done: the claim has another instance than the one that the status is about. Which references
// were to API tokens, and which requests were handled, holds all the same.
func (r *Reconciler) beginAnew(ctx context.Context, p *pass) {
	r.giveUpSlot(ctx, p.key, p.now)
	p.memory = r.memories.renew(p.key, p.now)
	p.stored = v1alpha1.InstanceStatus{
		ObservedGeneration: -1, AccountDetails: p.stored.AccountDetails, AcceptedTokenRefs: p.stored.AcceptedTokenRefs,
		APITokenRotation:       echoOf(p.stored.APITokenRotation),
		LastHandledReconcileAt: p.stored.LastHandledReconcileAt, LastHandledApplyAt: p.stored.LastHandledApplyAt, LastHandledRebootAt: p.stored.LastHandledRebootAt,
	}
	*p.instance.InstanceStatus() = *p.stored.DeepCopy()
	p.corrected = true
}

// composeUnclaimed keeps what was seen, as a pause does. Whether the messenger works is not known any more: nobody looks.
func (w statusWriter) composeUnclaimed(message string) {
	w.NextWindowTime = nil
	if available := w.find(v1alpha1.AvailableCondition); available.Reason != v1alpha1.ReasonNotObserved {
		w.set(v1alpha1.AvailableCondition, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "The state is not read while the claim does not have the instance")
	}
	w.show(isUnderWay(v1alpha1.ReasonClaimNotReady, message))
}

// newClaimFor is how long after an instance was bought its refusals are no more than its beginning (P8).
const newClaimFor = 15 * time.Minute

// beingCreated reports whether the instance was bought just now, so that the vendor may know nothing of it yet (P8). A time in the
// future counts as now, but not for ever.
func (p *pass) beingCreated() bool {
	if p.claim == nil {
		return false
	}
	create := p.claim.Status.Create
	if create == nil || create.FinishedTime == nil {
		return false
	}
	// What is found in the list after the claim's own call was bought by it: the answer was lost.
	if bought := create.Outcome == v1alpha1.ClaimCreated || create.Outcome == v1alpha1.ClaimAdopted && create.Attempt > 0; !bought {
		return false
	}
	age := p.now.Sub(create.FinishedTime.Time)
	return -newClaimFor < age && age < newClaimFor
}

// wasCreating reports whether the instance of a claim was being created when it was seen last. Ready says that it is not any more only
// after everything was read.
func (p *pass) wasCreating() bool { return p.claim != nil && p.stored.StateInstance == states.Creating }

// creating ends a pass because the vendor answers as it does before it has created an instance. It is no failure (P8).
type creating struct{ after time.Duration }

func (*creating) Error() string { return creatingText }
func (*creating) endsPass()     {}

const creatingText = "The instance was bought just now, and the vendor is still creating it"

// meansCreating reports whether an answer is no more than the beginning of an instance that was bought just now (P8).
func (p *pass) meansCreating(err error) bool {
	if err == nil || !p.beingCreated() {
		return false
	}
	if unreadable, ok := errors.AsType[*greenapi.UnreadableError](err); ok {
		return unreadable.Empty()
	}
	status, ok := errors.AsType[*greenapi.StatusError](err)
	return ok && (status.Cause == greenapi.CauseUnauthorized || status.Cause == greenapi.CauseForbidden || status.Cause == greenapi.CauseNotFound)
}

// notYet looks again soon at an instance that is being created. The Secret may hold another token by now, and what is refused for
// longer than an instance takes to be created was refused since now.
func (r *Reconciler) notYet(ctx context.Context, p *pass, err error) error {
	m := p.memory
	if refusal, ok := errors.AsType[*refused](classify(err)); ok {
		if refusal.rotates() && r.tokenRotated(ctx, p) {
			return &waiting{after: schedule.CallSpacing}
		}
		if m.refusedSince.IsZero() {
			m.refusedSince = p.now
		}
	}
	m.read(p.now)
	return &creating{after: m.schedule.Reads.Wait(p.now, min(r.Options.Limits.SettlePoll, r.waitingStateInterval(p.core())))}
}

// nameClaim lets a refusal say what to do where the number and the token are a claim's.
func (p *pass) nameClaim(refusal *refused) {
	if p.claim == nil {
		return
	}
	switch refusal.reason {
	case v1alpha1.ReasonUnauthorized:
		refusal.message = fmt.Sprintf("The vendor refused the API token. Give InstanceClaim %q a new value of the annotation reconcile-requested-at, so that it fetches the present token", p.claim.Name)
	case v1alpha1.ReasonInstanceNotFound:
		refusal.message = fmt.Sprintf("The vendor knows no such instance at this address. Compare status.idInstance and status.apiUrl of InstanceClaim %q with the vendor's console", p.claim.Name)
	case v1alpha1.ReasonDeleted:
		refusal.message = fmt.Sprintf("The instance was deleted at the vendor. Delete this resource and InstanceClaim %q, or create both anew for another instance", p.claim.Name)
	}
}

// composeCreating says that the instance is being created. Whether the token is the right one is not known yet.
func (w statusWriter) composeCreating() {
	w.set(v1alpha1.AvailableCondition, metav1.ConditionFalse, v1alpha1.ReasonCreating, creatingText)
	if apimeta.IsStatusConditionFalse(w.Conditions, v1alpha1.CredentialsValidCondition) {
		w.set(v1alpha1.CredentialsValidCondition, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, creatingText)
	}
	w.show(isUnderWay(v1alpha1.ReasonProgressing, creatingText))
}

// byClaimRef is of resources by the claim that their spec names, the others of claims.
var (
	byClaimRef     = cacheindex.One("spec.claimRef", instance.ClaimName)
	claimsByID     = cacheindex.One("instances.idInstance", func(claim *v1alpha1.InstanceClaim) string { return idText(claim.Status.IDInstance) })
	claimsBySecret = cacheindex.One("instances.secretName", (*v1alpha1.InstanceClaim).SecretName)
)

// setupClaimIndexes adds the indexes of claims to the cache, which then watches them.
func setupClaimIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range []cacheindex.Index[*v1alpha1.InstanceClaim]{claimsByID, claimsBySecret} {
		if err := index.AddTo(ctx, indexer, &v1alpha1.InstanceClaim{}); err != nil {
			return err
		}
	}
	return nil
}

// claimNews are what a resource needs to know of its claim.
type claimNews struct {
	trouble, apiURL, secret string
	id                      int64
	outcome                 v1alpha1.ClaimOutcome
	finished                time.Time
}

func newsOf(object client.Object) claimNews {
	claim, ok := object.(*v1alpha1.InstanceClaim)
	if !ok {
		return claimNews{}
	}
	news := claimNews{trouble: instance.ClaimTrouble(claim), apiURL: claim.Status.APIURL, secret: claim.SecretName(), id: claim.Status.IDInstance}
	if create := claim.Status.Create; create != nil && create.FinishedTime != nil {
		news.outcome, news.finished = create.Outcome, create.FinishedTime.UTC()
	}
	return news
}

// newsOfClaim lets pass what a resource needs to know of its claim.
func newsOfClaim() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return newsOf(e.ObjectOld) != newsOf(e.ObjectNew) }}
}

// claimants returns the resources of this kind that name a claim.
func (r *Reconciler) claimants(ctx context.Context, claim client.Object) []reconcile.Request {
	return r.requests(ctx, "", byClaimRef, claim.GetName(), client.InNamespace(claim.GetNamespace()))
}

// findClaims returns the claims that an index finds, none where nobody looks after claims. Nobody may change them.
func (r *Reconciler) findClaims(ctx context.Context, index cacheindex.Index[*v1alpha1.InstanceClaim], value string, options ...client.ListOption) ([]*v1alpha1.InstanceClaim, error) {
	if !r.Options.Claims {
		return nil, nil
	}
	return index.Find(ctx, r.Client, &v1alpha1.InstanceClaimList{}, value, options...)
}
