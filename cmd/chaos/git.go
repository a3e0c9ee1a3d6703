// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// syncEvery is how often what is in Git is applied, as Argo CD does where it heals.
const syncEvery = 2 * time.Second

// claimSet are the claims that are in Git, by name, with what becomes of the line.
type claimSet struct {
	mu     sync.Mutex
	wanted map[string]v1alpha1.DeletionPolicy
}

func (c *claimSet) edit(f func(map[string]v1alpha1.DeletionPolicy)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wanted == nil {
		c.wanted = map[string]v1alpha1.DeletionPolicy{}
	}
	f(c.wanted)
}

func (c *claimSet) all() map[string]v1alpha1.DeletionPolicy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.wanted)
}

// sync applies what is in Git again and again. What the API server does not take now is applied later.
func (w *world) sync(ctx context.Context) {
	for {
		if err := w.apply(ctx); err != nil && ctx.Err() == nil && apierrors.IsInvalid(err) {
			w.broken(fmt.Errorf("what is in Git is not valid: %w", err))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(syncEvery):
		}
	}
}

func (w *world) apply(ctx context.Context) error {
	for _, l := range w.lines {
		if err := w.applySecret(ctx, l.secret()); err != nil {
			return err
		}
	}
	for _, l := range w.lines {
		there := l.kind.New()
		err := w.admin.Get(ctx, client.ObjectKey{Namespace: l.namespace(), Name: l.name()}, there)
		if apierrors.IsNotFound(err) {
			wanted := l.kind.New()
			l.write(wanted)
			err = w.admin.Create(ctx, wanted)
		} else if err == nil {
			before := there.DeepCopyObject()
			if l.write(there); !equality.Semantic.DeepEqual(before, there) {
				err = w.admin.Update(ctx, there)
			}
		}
		if err != nil && !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return w.applyClaims(ctx)
}

func (w *world) applySecret(ctx context.Context, wanted *corev1.Secret) error {
	there := &corev1.Secret{}
	switch err := w.admin.Get(ctx, client.ObjectKeyFromObject(wanted), there); {
	case apierrors.IsNotFound(err):
		return client.IgnoreAlreadyExists(w.admin.Create(ctx, wanted))
	case err != nil || equality.Semantic.DeepEqual(there.Data, wanted.Data):
		return err
	}
	there.Data = wanted.Data
	return w.admin.Update(ctx, there)
}

// applyClaims makes what is wanted of claims and their resources, and prunes the rest.
func (w *world) applyClaims(ctx context.Context) error {
	wanted := w.claims.all()
	claims, resources := &v1alpha1.InstanceClaimList{}, &v1alpha1.WhatsAppInstanceList{}
	for _, list := range []client.ObjectList{claims, resources} {
		if err := w.admin.List(ctx, list, client.InNamespace(claimNamespace)); err != nil {
			return err
		}
	}
	for i := range claims.Items {
		if _, keeps := wanted[claims.Items[i].Name]; !keeps && claims.Items[i].DeletionTimestamp.IsZero() {
			if err := client.IgnoreNotFound(w.admin.Delete(ctx, &claims.Items[i])); err != nil {
				return err
			}
		}
	}
	for i := range resources.Items {
		if _, keeps := wanted[resources.Items[i].Name]; !keeps {
			if err := client.IgnoreNotFound(w.admin.Delete(ctx, &resources.Items[i])); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		meta := metav1.ObjectMeta{Namespace: claimNamespace, Name: name, Labels: map[string]string{shardLabel: shardA}}
		resource := &v1alpha1.WhatsAppInstance{ObjectMeta: meta}
		resource.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: name}
		resource.Spec.Settings = &v1alpha1.WhatsAppSettings{}
		resource.Spec.Settings.IncomingWebhook = new(true)
		claim := &v1alpha1.InstanceClaim{ObjectMeta: meta, Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: reseller}, DeletionPolicy: wanted[name]}}
		for _, object := range []client.Object{claim, resource} {
			if err := w.admin.Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
				return err
			}
		}
	}
	return nil
}
