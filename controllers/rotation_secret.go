// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/quiet"
)

const (
	// StopPatience is how long a process that is told to stop goes on trying to store a new token (R25).
	StopPatience = 20 * time.Second
	// storePatience is how long a pass does. After that each pass tries once, before anything else.
	storePatience = time.Minute
	// firstStoreWait and lastStoreWait are between the attempts.
	firstStoreWait = 200 * time.Millisecond
	lastStoreWait  = 5 * time.Second
)

// checkSecret reads the Secret of the API token, and says why a new token could not be put into it, by a dry run of the very
// write (P15, P16).
func (r *Reconciler) checkSecret(ctx context.Context, p *pass) (*corev1.Secret, *conditionState) {
	no := func(reason, format string, args ...any) *conditionState {
		return &conditionState{metav1.ConditionFalse, reason, fmt.Sprintf(format, args...)}
	}
	soon := &conditionState{metav1.ConditionUnknown, v1alpha1.ReasonRotationPending, "The API token is about to be replaced; its Secret is read again first"}
	ref := instance.APITokenRef(p.instance)
	secret, err := r.readTokenSecret(ctx, p)
	if err != nil || !instance.HoldsToken(secret, ref.Key, p.secrets[0]) {
		return nil, soon
	}
	if problem := instance.NotOwned(secret, ref.Key, p.conceal); problem != "" {
		return nil, no(v1alpha1.ReasonSecretNotOwned, "%s", problem)
	}
	switch {
	case secret.Immutable != nil && *secret.Immutable:
		return nil, no(v1alpha1.ReasonSecretNotWritable, "Secret %q is immutable, so a new token could not be stored, and nothing is called. Delete it and create it without immutable", secret.Name)
	case !secret.DeletionTimestamp.IsZero():
		return nil, no(v1alpha1.ReasonSecretNotWritable, "Secret %q is being deleted, so nothing is called", secret.Name)
	}
	// Another value of the same form: what judges Secrets is to see a change.
	err = r.updateToken(ctx, secret.DeepCopy(), ref.Key, strings.Repeat("0", len(p.secrets[0])), client.DryRunAll)
	switch reason := apierrors.ReasonForError(err); {
	case err == nil:
		return secret, nil
	case reason == metav1.StatusReasonForbidden:
		return nil, no(v1alpha1.ReasonSecretNotWritable, "The operator may not write Secret %q, so nothing is called. The right is in ClusterRole partner-claims-role (config/partner; Helm: partnerAccounts.enabled=true). If it is there, an admission policy refuses the write", secret.Name)
	case reason == metav1.StatusReasonInvalid, reason == metav1.StatusReasonBadRequest:
		return nil, no(v1alpha1.ReasonSecretNotWritable, "The API server does not let Secret %q be written (%s), so nothing is called. Find out which policy refuses it", secret.Name, reason)
	default:
		return nil, soon
	}
}

func (r *Reconciler) readTokenSecret(ctx context.Context, p *pass) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := r.Live.Get(quiet.Context(ctx), types.NamespacedName{Namespace: p.key.Namespace, Name: instance.APITokenRef(p.instance).Name}, secret)
	return secret, err
}

// updateToken writes a token into a Secret, with the version that it was read with as a precondition.
func (r *Reconciler) updateToken(ctx context.Context, secret *corev1.Secret, key, token string, options ...client.UpdateOption) error {
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	secret.Data[key] = []byte(token)
	return r.Client.Update(quiet.Context(ctx), secret, append(options, client.FieldOwner(instance.FieldOwner))...)
}

// keepToken stores a new token in its Secret, and tries until it is stored, for a minute, or for 20 seconds more once the process
// is told to stop. After that it is kept in memory for the next passes.
func (r *Reconciler) keepToken(ctx context.Context, p *pass, secret *corev1.Secret, token greenapi.Secret) {
	p.memory.rotation.secret = secret
	begun, stopped, told := r.Clock.Now(), time.Time{}, false
	for wait := firstStoreWait; ; wait = min(2*wait, lastStoreWait) {
		err := r.storeToken(ctx, p, secret, token)
		if err == nil {
			r.tokenStored(p)
			return
		}
		now := r.Clock.Now()
		if !told {
			told = true
			logr.FromContextOrDiscard(ctx).Info("The new API token could not be stored yet", "secret", secret.Name, "reason", apierrors.ReasonForError(err))
		}
		if ctx.Err() != nil && stopped.IsZero() {
			stopped = now
		}
		if !stopped.IsZero() && now.Sub(stopped) >= StopPatience || stopped.IsZero() && now.Sub(begun) >= storePatience {
			return
		}
		r.pause(wait)
	}
}

// pause waits between two attempts to store a token: a pass that let go of it now could lose it.
func (s *Shared) pause(d time.Duration) {
	if s.Pause != nil {
		s.Pause(d)
		return
	}
	//nolint:forbidigo // It is real time in which an API server comes back.
	<-time.After(d)
}

// storeToken writes a new token. What the Secret became meanwhile is kept but for the one key; one that is gone is made anew.
func (r *Reconciler) storeToken(ctx context.Context, p *pass, secret *corev1.Secret, token greenapi.Secret) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	key := instance.APITokenRef(p.instance).Key
	err := r.updateToken(ctx, secret.DeepCopy(), key, token.Reveal())
	switch {
	case apierrors.IsNotFound(err):
		anew := &corev1.Secret{Type: secret.Type, Data: maps.Clone(secret.Data), ObjectMeta: metav1.ObjectMeta{
			Namespace: secret.Namespace, Name: secret.Name, Labels: secret.Labels, Annotations: secret.Annotations}}
		anew.Data[key] = []byte(token.Reveal())
		return r.Client.Create(quiet.Context(ctx), anew, client.FieldOwner(instance.FieldOwner))
	case err == nil:
		return nil
	}
	// An attempt whose answer was lost may have been stored, and somebody may have written another key.
	fresh, readErr := r.readTokenSecret(ctx, p)
	if readErr != nil {
		return err
	}
	if instance.HoldsToken(fresh, key, token.Reveal()) {
		return nil
	}
	*secret = *fresh
	return err
}

// tokenStored notes that the Secret has the new token.
func (r *Reconciler) tokenStored(p *pass) {
	m := p.memory
	m.rotation.unsaved, m.rotation.secret = greenapi.Secret{}, nil
	// The cache may not know the Secret's new version yet, so the value is read live next time.
	m.apiToken = secretValue{}
	p.rotation.outcome = v1alpha1.RotationRotated
}

// storeUnsaved stores a new token that an earlier pass could not store. It comes before the old token is used again, and before
// all that could end a pass: a pause is no wish to lose a token with the process.
func (r *Reconciler) storeUnsaved(ctx context.Context, p *pass) error {
	token := p.memory.rotation.unsaved
	if token == (greenapi.Secret{}) {
		return nil
	}
	p.secrets = append(p.secrets, token.Reveal())
	secret, err := r.readTokenSecret(ctx, p)
	if known := p.memory.rotation.secret; apierrors.IsNotFound(err) && known != nil {
		secret, err = known.DeepCopy(), nil
	}
	if err == nil {
		err = r.storeToken(ctx, p, secret, token)
	}
	if err != nil {
		return &retrying{after: lastStoreWait, message: fmt.Sprintf("The vendor made a new API token, and Secret %q cannot be written (%s). The operator has the token and goes on trying; do not stop it",
			instance.APITokenRef(p.instance).Name, apierrors.ReasonForError(err))}
	}
	r.tokenStored(p)
	return nil
}

// askClaim has the claim of a resource read the list of its account, which has the token, and write its Secret anew (P17).
func (r *Reconciler) askClaim(ctx context.Context, p *pass) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: p.now.UTC().Format(time.RFC3339Nano)},
	}})
	if err != nil {
		return err
	}
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: p.claim.Namespace, Name: p.claim.Name}}
	return client.IgnoreNotFound(r.Client.Patch(ctx, claim, client.RawPatch(types.MergePatchType, patch)))
}

// logRotation says that a token is about to be replaced.
func logRotation(ctx context.Context) {
	logr.FromContextOrDiscard(ctx).Info("Replacing the API token")
}
