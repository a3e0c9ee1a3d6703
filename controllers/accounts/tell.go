// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// tell says in the log and by events what a pass changed, once it is stored. Names of instances are not among it.
func (r *Reconciler) tell(ctx context.Context, account *v1alpha1.PartnerAccount, before *v1alpha1.PartnerAccountStatus) {
	log, after := logr.FromContextOrDiscard(ctx), &account.Status
	old := apimeta.FindStatusCondition(before.Conditions, v1alpha1.StalledCondition)
	now := apimeta.FindStatusCondition(after.Conditions, v1alpha1.StalledCondition)
	switch {
	case now != nil && (old == nil || old.Reason != now.Reason):
		log.Info("Stalled", "reason", now.Reason, "message", now.Message)
		r.warn(account, now.Reason, now.Message)
	case now == nil && old != nil:
		log.Info("No longer stalled", "reason", old.Reason)
	}
	wasBad := old != nil || apimeta.IsStatusConditionFalse(before.Conditions, v1alpha1.ReadyCondition)
	if wasBad && inOrder(after) {
		r.Recorder.Eventf(account, nil, corev1.EventTypeNormal, "Recovered", "Observe", "%s", "The list of instances is read again, and it is this account's")
	}
	if c := after.Instances; c != nil && (before.Instances == nil || *before.Instances != *c) {
		log.Info("Counted the instances", "living", c.Living, "deleted", c.Deleted, "expired", c.Expired, "unclaimed", c.Unclaimed)
	}
}

func (r *Reconciler) warn(account *v1alpha1.PartnerAccount, reason, message string) {
	event, action := reason, "Observe"
	switch reason {
	case v1alpha1.ReasonUnauthorized, v1alpha1.ReasonTokenMalformed:
		event = "CredentialsRejected"
	case v1alpha1.ReasonEndpointNotAllowed, v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretKeyMissing:
		action = "Resolve"
	}
	r.Recorder.Eventf(account, nil, corev1.EventTypeWarning, event, action, "%s", message)
}
