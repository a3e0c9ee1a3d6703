// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/conditions"
	"github.com/greenapi-operator/greenapi-operator/internal/statuswrite"
)

// compose makes the status of what was found.
func (r *Reconciler) compose(p *pass, f found) v1alpha1.PartnerAccountStatus {
	status := *p.account.Status.DeepCopy()
	w := conditions.Writer{Conditions: &status.Conditions, Generation: p.account.Generation, Now: p.now}
	if p.handled && p.request != "" {
		status.LastHandledReconcileAt = p.request
	}
	status.Creates = append(status.Creates, p.restored...)
	first := len(status.Conditions) == 0
	if first {
		w.Set(v1alpha1.CredentialsValidCondition, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "The vendor was not asked yet")
	}
	switch f.kind {
	case goodList:
		w.Set(v1alpha1.CredentialsValidCondition, metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted, "The vendor accepted the partner token")
		w.Ready(metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "The list of instances was read, and it is this account's", "", "")
		status.ObservedGeneration, status.KnownIDs = w.Generation, f.known
		status.Instances = &v1alpha1.PartnerInstances{Living: int32(f.counts.Living), Deleted: int32(f.counts.Deleted), Expired: int32(f.counts.Expired), Unclaimed: int32(f.counts.Unclaimed)}
	case needsPerson:
		w.Set(v1alpha1.CredentialsValidCondition, metav1.ConditionFalse, f.problem.reason, f.problem.message)
		w.Ready(metav1.ConditionFalse, f.problem.reason, f.problem.message, v1alpha1.StalledCondition, f.problem.reason)
		status.ObservedGeneration = w.Generation
	case triedAgain:
		if f.problem.reason != "" {
			w.Set(v1alpha1.CredentialsValidCondition, metav1.ConditionFalse, f.problem.reason, f.problem.message)
			w.Ready(metav1.ConditionFalse, f.problem.reason, f.problem.message, v1alpha1.ReconcilingCondition, v1alpha1.ReasonProgressingWithRetry)
			break
		}
		passingFailure(w, f.problem.message, p.memory.stale(p.now))
	case nothingNew:
		if first {
			w.Ready(metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "The first list is yet to be read", v1alpha1.ReconcilingCondition, v1alpha1.ReasonProgressing)
		}
	}
	return status
}

// passingFailure shows that reading is tried again by itself. What is known stays: a person's task is not forgotten because the
// vendor cannot be reached, and Ready stays True until the last good list is old.
func passingFailure(w conditions.Writer, message string, stale bool) {
	if stalled := apimeta.FindStatusCondition(*w.Conditions, v1alpha1.StalledCondition); stalled != nil && stalled.ObservedGeneration == w.Generation &&
		(stalled.Reason == v1alpha1.ReasonUnauthorized || stalled.Reason == v1alpha1.ReasonAccountMismatch) {
		return
	}
	ready := apimeta.FindStatusCondition(*w.Conditions, v1alpha1.ReadyCondition)
	keep := ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == w.Generation && !stale
	switch {
	case keep:
		w.Set(v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ReasonProgressingWithRetry, message)
		return
	case stale:
		w.Ready(metav1.ConditionUnknown, v1alpha1.ReasonObservationStale, "The list of instances could not be read for some time, so what is shown may be old: "+message, v1alpha1.ReconcilingCondition, v1alpha1.ReasonProgressingWithRetry)
	default:
		w.Ready(metav1.ConditionUnknown, v1alpha1.ReasonProgressing, message, v1alpha1.ReconcilingCondition, v1alpha1.ReasonProgressingWithRetry)
	}
	if bad := apimeta.FindStatusCondition(*w.Conditions, v1alpha1.CredentialsValidCondition); bad != nil && bad.Status == metav1.ConditionFalse {
		w.Set(v1alpha1.CredentialsValidCondition, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "The vendor was not asked with this token yet")
	}
}

// inOrder reports whether a status says that nothing is wrong.
func inOrder(s *v1alpha1.PartnerAccountStatus) bool {
	return apimeta.IsStatusConditionTrue(s.Conditions, v1alpha1.ReadyCondition)
}

// stalledFor reports whether a status says that this generation is Stalled for a reason.
func stalledFor(s *v1alpha1.PartnerAccountStatus, generation int64, reason string) bool {
	stalled := apimeta.FindStatusCondition(s.Conditions, v1alpha1.StalledCondition)
	return stalled != nil && stalled.Reason == reason && stalled.ObservedGeneration == generation
}

// store writes a status if it says anything new, and tells of it then.
func (r *Reconciler) store(ctx context.Context, p *pass, status v1alpha1.PartnerAccountStatus) error {
	before := p.account.Status
	if equality.Semantic.DeepEqual(status, before) {
		return nil
	}
	writing, cancel := context.WithTimeout(ctx, statuswrite.Timeout)
	defer cancel()
	changed := p.account.DeepCopy()
	changed.Status = status
	write := func() error { return r.Client.Status().Update(writing, changed) }
	read := func() (*v1alpha1.PartnerAccount, error) {
		fresh := &v1alpha1.PartnerAccount{}
		return fresh, r.Live.Get(writing, client.ObjectKeyFromObject(changed), fresh)
	}
	err := statuswrite.OntoFresh(write, read, func(fresh *v1alpha1.PartnerAccount) bool {
		creates := fresh.Status.Creates
		fresh.Status.Creates = before.Creates
		if fresh.UID != changed.UID || !equality.Semantic.DeepEqual(fresh.Status, before) {
			// The cache was behind: the next pass begins from what is stored.
			return false
		}
		// Claims write down what they buy meanwhile.
		fresh.Status = status
		fresh.Status.Creates = append(creates, p.restored...)
		changed = fresh
		return true
	})
	if err != nil {
		return err
	}
	r.tell(ctx, changed, &before)
	return nil
}
