// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/quiet"
)

// secretValue is one value of a Secret as it was read, or why there is none.
type secretValue struct {
	name, key string
	// version is the Secret's resourceVersion.
	version string
	value   string
	// missing is the reason of a condition if there is no such value, else "".
	missing string
}

// secret reads one value of a Secret. Secrets are watched as metadata only; the value is read live when the
// resourceVersion is not the known one, or fresh asks for it (R23).
func (r *Reconciler) secret(ctx context.Context, p *pass, ref v1alpha1.SecretKeyReference, known secretValue, fresh bool) (secretValue, error) {
	found := secretValue{name: ref.Name, key: ref.Key}
	name := types.NamespacedName{Namespace: p.key.Namespace, Name: ref.Name}
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	switch err := r.Client.Get(ctx, name, meta); {
	case apierrors.IsNotFound(err):
		found.missing = v1alpha1.ReasonSecretNotFound
		return found, nil
	case err != nil:
		return found, err
	}
	if !fresh && known.name == found.name && known.key == found.key && known.version == meta.ResourceVersion {
		return known, nil
	}
	secret := &corev1.Secret{}
	switch err := r.Live.Get(quiet.Context(ctx), name, secret); {
	case apierrors.IsNotFound(err):
		found.missing = v1alpha1.ReasonSecretNotFound
		return found, nil
	case err != nil:
		return found, err
	}
	selectors := []labels.Selector{r.Options.SecretSelector}
	if ref != instance.APITokenRef(p.instance) {
		selectors = append(selectors, r.Options.WebhookSecretSelector)
	}
	for _, s := range selectors {
		if s != nil && !s.Matches(labels.Set(secret.Labels)) {
			found.missing = v1alpha1.ReasonSecretNotFound
			return found, nil
		}
	}
	found.version = secret.ResourceVersion
	value, ok := secret.Data[found.key]
	if !ok {
		found.missing = v1alpha1.ReasonSecretKeyMissing
		return found, nil
	}
	found.value = string(value)
	return found, nil
}

// tokenRotated reads the API token's Secret again after the vendor refused the token, and reports whether it holds
// another one by now.
// The next pass then looks with the new one.
func (r *Reconciler) tokenRotated(ctx context.Context, p *pass) bool {
	value, err := r.secret(ctx, p, instance.APITokenRef(p.instance), p.memory.apiToken, true)
	if err != nil || value.missing != "" || value.value == p.memory.apiToken.value {
		return false
	}
	p.memory.apiToken = value
	return true
}
