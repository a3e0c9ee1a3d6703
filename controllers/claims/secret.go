// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"bytes"
	"context"
	"maps"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/quiet"
)

// readSecret reads the Secret of a claim from the API server, nil if there is none.
func (r *Reconciler) readSecret(ctx context.Context, p *pass) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := r.Live.Get(quiet.Context(ctx), types.NamespacedName{Namespace: p.key.Namespace, Name: p.claim.SecretName()}, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return secret, err
}

// secretOf takes the number of the instance from the Secret of the claim, if it has one: it was written, and the status was not (P3, P5).
func (r *Reconciler) secretOf(ctx context.Context, p *pass) (found, error) {
	secret, err := r.readSecret(ctx, p)
	if err != nil || secret == nil {
		return nothing, err
	}
	if secret.Labels[v1alpha1.ClaimLabel] != p.claim.Name {
		return p.foreign(), nil
	}
	id, err := strconv.ParseInt(string(bytes.TrimSpace(secret.Data[v1alpha1.ClaimIDKey])), 10, 64)
	if err == nil && id > 0 {
		p.status.IDInstance, p.wants.ID = id, id
	}
	return nothing, nil
}

// secretFree says whether the Secret of the claim can be written. It is asked before anything is bought.
func (r *Reconciler) secretFree(ctx context.Context, p *pass) (found, error) {
	if _, ok := r.labels(p); !ok {
		return stalls(v1alpha1.ReasonSecretConflict, "The operator reads only Secrets with the labels %s, which it cannot give to those that it makes. Use --secret-label-selector with equalities", r.Options.SecretSelector), nil
	}
	rivals, err := bySecret.Find(ctx, r.Client, &v1alpha1.InstanceClaimList{}, p.claim.SecretName(), client.InNamespace(p.key.Namespace))
	if err != nil {
		return nothing, err
	}
	for _, other := range rivals {
		// Its Secret may not be there yet.
		if other.UID != p.claim.UID && before(other, p.claim) {
			return stalls(v1alpha1.ReasonSecretConflict, "InstanceClaim %q makes Secret %q already. Choose another spec.secretName in a new claim, or delete one", other.Name, p.claim.SecretName()), nil
		}
	}
	secret, err := r.readSecret(ctx, p)
	if err != nil || secret == nil {
		return nothing, err
	}
	return p.unusable(secret), nil
}

func (p *pass) unusable(secret *corev1.Secret) found {
	switch {
	case secret.Labels[v1alpha1.ClaimLabel] != p.claim.Name:
		return p.foreign()
	case secret.Immutable != nil && *secret.Immutable:
		return stalls(v1alpha1.ReasonSecretConflict, "Secret %q is immutable, so the token cannot be written. Delete it; the claim makes it anew", secret.Name)
	case !secret.DeletionTimestamp.IsZero():
		return waits(v1alpha1.ReasonSecretConflict, "Secret %q is being deleted", secret.Name)
	}
	return nothing
}

func (p *pass) foreign() found {
	return stalls(v1alpha1.ReasonSecretConflict, "Secret %q is there, and this claim did not make it: it lacks the label %s=%s. Delete it, label it so if the claim may overwrite it, or choose another spec.secretName in a new claim",
		p.claim.SecretName(), v1alpha1.ClaimLabel, p.claim.Name)
}

// secretWritten reports whether the Secret of the claim is there. Its values are looked at only where somebody asks or the spec changed.
func (r *Reconciler) secretWritten(ctx context.Context, p *pass) (bool, found, error) {
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	switch err := r.Client.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: p.claim.SecretName()}, meta); {
	case apierrors.IsNotFound(err):
		return false, nothing, nil
	case err != nil:
		return false, nothing, err
	}
	if p.created() && p.status.ObservedGeneration == p.claim.Generation {
		return true, nothing, nil
	}
	secret, err := r.readSecret(ctx, p)
	if err != nil || secret == nil {
		return false, nothing, err
	}
	if problem := p.unusable(secret); problem != nothing {
		return false, problem, nil
	}
	token := string(bytes.TrimSpace(secret.Data[v1alpha1.DefaultAPITokenKey]))
	written := string(bytes.TrimSpace(secret.Data[v1alpha1.ClaimIDKey])) == strconv.FormatInt(p.id(), 10) && greenapi.ValidToken(token)
	if written && p.status.APIURL != "" {
		// It is the Secret that was read: a token that somebody else stores meanwhile is not overwritten with the one before.
		err = r.putSecret(ctx, p, secret, greenapi.NewSecret(token))
	}
	return written, nothing, err
}

// writeSecret writes what is known of the instance into the Secret of the claim, if that says anything else. Keys that somebody
// added stay.
func (r *Reconciler) writeSecret(ctx context.Context, p *pass, token greenapi.Secret) (found, error) {
	secret, err := r.readSecret(ctx, p)
	if err != nil {
		return nothing, err
	}
	if secret != nil {
		if problem := p.unusable(secret); problem != nothing {
			return problem, nil
		}
	}
	return nothing, r.putSecret(ctx, p, secret, token)
}

// putSecret writes what is known of the instance into the Secret as it was read, nil if there is none.
func (r *Reconciler) putSecret(ctx context.Context, p *pass, secret *corev1.Secret, token greenapi.Secret) error {
	fresh := secret == nil
	if fresh {
		secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: p.key.Namespace, Name: p.claim.SecretName()}, Type: v1alpha1.ClaimSecretType}
	}
	before := secret.DeepCopy()
	all, _ := r.labels(p)
	if secret.Labels == nil {
		secret.Labels = map[string]string{}
	}
	maps.Copy(secret.Labels, all)
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	secret.Data[v1alpha1.DefaultAPITokenKey] = []byte(token.Reveal())
	secret.Data[v1alpha1.ClaimIDKey] = []byte(strconv.FormatInt(p.id(), 10))
	secret.Data[v1alpha1.ClaimAPIURLKey] = []byte(p.status.APIURL)
	if err := r.ownSecret(p, secret); err != nil {
		return err
	}
	switch {
	case fresh:
		return r.Client.Create(quiet.Context(ctx), secret, client.FieldOwner(instance.FieldOwner))
	case equalSecrets(before, secret):
		return nil
	default:
		return r.Client.Update(quiet.Context(ctx), secret, client.FieldOwner(instance.FieldOwner))
	}
}

// ownSecret lets the Secret go with a claim whose instance is deleted with it, and with no other.
func (r *Reconciler) ownSecret(p *pass, secret *corev1.Secret) error {
	if p.claim.Spec.DeletionPolicy == v1alpha1.DeletionDelete && controllerutil.ContainsFinalizer(p.claim, v1alpha1.ClaimFinalizer) {
		return controllerutil.SetOwnerReference(p.claim, secret, r.Client.Scheme())
	}
	var kept []metav1.OwnerReference
	for _, owner := range secret.OwnerReferences {
		if owner.UID != p.claim.UID {
			kept = append(kept, owner)
		}
	}
	secret.OwnerReferences = kept
	return nil
}

func equalSecrets(one, other *corev1.Secret) bool {
	return maps.Equal(one.Labels, other.Labels) && maps.EqualFunc(one.Data, other.Data, bytes.Equal) &&
		len(one.OwnerReferences) == len(other.OwnerReferences)
}

// labels are those of the Secret: the claim's, and those by which the operator reads Secrets at all; false if these cannot be given.
func (r *Reconciler) labels(p *pass) (map[string]string, bool) {
	all := map[string]string{v1alpha1.ClaimLabel: p.claim.Name}
	if r.Options.SecretSelector == nil {
		return all, true
	}
	requirements, _ := r.Options.SecretSelector.Requirements()
	for _, requirement := range requirements {
		if values := requirement.Values().List(); len(values) > 0 {
			all[requirement.Key()] = values[0]
		} else if requirement.Operator() == selection.Exists {
			all[requirement.Key()] = "true"
		}
	}
	return all, r.Options.SecretSelector.Matches(labels.Set(all))
}
