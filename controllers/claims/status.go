// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/go-logr/logr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/conditions"
	"github.com/greenapi-operator/greenapi-operator/internal/quiet"
	"github.com/greenapi-operator/greenapi-operator/internal/statuswrite"
)

// kind is how a look can end.
type kind int

const (
	goesOn kind = iota
	isSettled
	isUnchanged
	isGone
	isWaiting
	isStalled
	isDeleting
)

// found is how a look ended, and why in words.
type found struct {
	kind            kind
	reason, message string
}

var (
	// nothing stands in the way, so that the look goes on.
	nothing = found{}
	// settled: the instance is there, and its Secret.
	settled = found{kind: isSettled}
	// unchanged: nothing was learned.
	unchanged = found{kind: isUnchanged}
	// gone: there is nothing to look after any more.
	gone = found{kind: isGone}
)

// waits: it goes on by itself.
func waits(reason, message string, args ...any) found {
	return found{kind: isWaiting, reason: reason, message: fmt.Sprintf(message, args...)}
}

// stalls: a person has to act.
func stalls(reason, message string, args ...any) found {
	return found{kind: isStalled, reason: reason, message: fmt.Sprintf(message, args...)}
}

// deletes: the instance is being deleted.
func deletes(message string, args ...any) found {
	return found{kind: isDeleting, reason: v1alpha1.ReasonDeleting, message: fmt.Sprintf(message, args...)}
}

// created reports whether the status says that the instance is there, with its Secret.
func (p *pass) created() bool {
	return apimeta.IsStatusConditionTrue(p.claim.Status.Conditions, v1alpha1.CreatedCondition)
}

func timeNow(p *pass) *metav1.Time { return &metav1.Time{Time: p.now} }

// writer writes the conditions of what will be stored.
func (p *pass) writer() conditions.Writer {
	return conditions.Writer{Conditions: &p.status.Conditions, Generation: p.claim.Generation, Now: p.now}
}

// show puts into the status how a look ended. Reconciling and Stalled are never there together (R26).
func (p *pass) show(f found) {
	if p.handled && p.request != "" {
		p.status.LastHandledReconcileAt = p.request
	}
	if f.kind == isUnchanged {
		if p.created() {
			p.status.ObservedGeneration = p.claim.Generation
			p.refresh()
		}
		return
	}
	p.status.ObservedGeneration = p.claim.Generation
	w := p.writer()
	switch f.kind {
	case isSettled:
		message := fmt.Sprintf("Instance %d is there, and Secret %q has its token", p.status.IDInstance, p.claim.SecretName())
		w.Set(v1alpha1.CreatedCondition, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, message)
		w.Ready(metav1.ConditionTrue, v1alpha1.ReasonSucceeded, message, "", "")
	case isStalled:
		w.Set(v1alpha1.CreatedCondition, metav1.ConditionFalse, f.reason, f.message)
		w.Ready(metav1.ConditionFalse, f.reason, f.message, v1alpha1.StalledCondition, f.reason)
	case isDeleting:
		w.Ready(metav1.ConditionFalse, f.reason, f.message, v1alpha1.ReconcilingCondition, v1alpha1.ReasonProgressing)
	default:
		w.Set(v1alpha1.CreatedCondition, metav1.ConditionFalse, f.reason, f.message)
		w.Ready(metav1.ConditionUnknown, f.reason, f.message, v1alpha1.ReconcilingCondition, v1alpha1.ReasonProgressing)
	}
}

// refresh lets what the conditions say hold for this generation too.
func (p *pass) refresh() {
	for i := range p.status.Conditions {
		p.status.Conditions[i].ObservedGeneration = p.claim.Generation
	}
}

// intend stores an intent. Only if it is stored as it was read may a call follow (P2).
func (r *Reconciler) intend(ctx context.Context, p *pass) error {
	changed := p.claim.DeepCopy()
	changed.Status = *p.status.DeepCopy()
	if err := r.Client.Status().Update(quiet.Context(ctx), changed); err != nil {
		return err
	}
	p.claim = changed
	return nil
}

// store writes the status if it says anything new, and tells of it then.
func (r *Reconciler) store(ctx context.Context, p *pass) error {
	before := p.claim.Status
	if equality.Semantic.DeepEqual(*p.status, before) {
		return nil
	}
	writing, cancel := context.WithTimeout(quiet.Context(ctx), statuswrite.Timeout)
	defer cancel()
	changed := p.claim.DeepCopy()
	changed.Status = *p.status
	write := func() error { return r.Client.Status().Update(writing, changed) }
	read := func() (*v1alpha1.InstanceClaim, error) {
		fresh := &v1alpha1.InstanceClaim{}
		return fresh, r.Live.Get(writing, p.key, fresh)
	}
	err := statuswrite.OntoFresh(write, read, func(fresh *v1alpha1.InstanceClaim) bool {
		if fresh.UID != p.claim.UID || !equality.Semantic.DeepEqual(fresh.Status, before) {
			return false
		}
		fresh.Status, changed = *p.status, fresh
		return true
	})
	if err != nil {
		return err
	}
	r.tell(ctx, p, &before)
	return nil
}

// tell says in the log and by events what a pass changed, once it is stored.
func (r *Reconciler) tell(ctx context.Context, p *pass, before *v1alpha1.InstanceClaimStatus) {
	log := logr.FromContextOrDiscard(ctx)
	old := apimeta.FindStatusCondition(before.Conditions, v1alpha1.StalledCondition)
	now := apimeta.FindStatusCondition(p.status.Conditions, v1alpha1.StalledCondition)
	switch {
	case now != nil && (old == nil || old.Reason != now.Reason):
		log.Info("Stalled", "reason", now.Reason, "message", now.Message)
		r.warn(p, now.Reason, "Create", now.Message)
	case now == nil && old != nil:
		log.Info("No longer stalled", "reason", old.Reason)
	}
	if before.IDInstance != p.status.IDInstance && p.status.IDInstance != 0 {
		log.Info("The claim has an instance", "idInstance", p.status.IDInstance)
	}
}

func (r *Reconciler) event(p *pass, reason, action, note string) {
	r.Recorder.Eventf(p.claim, nil, corev1.EventTypeNormal, reason, action, "%s", note)
}

func (r *Reconciler) warn(p *pass, reason, action, note string) {
	r.Recorder.Eventf(p.claim, nil, corev1.EventTypeWarning, reason, action, "%s", note)
}
