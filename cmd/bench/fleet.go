// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

const (
	// firstID is the number of the first instance.
	firstID = int64(7107000000)
	// namespaces is over how many namespaces the fleet is spread.
	namespaces = 10
	// creators is how many objects are created side by side.
	creators = 16
)

// line is one instance and its resource.
type line struct {
	id        int64
	namespace string
	// apiURL is "" for the vendor of --default-api-url.
	apiURL string
}

func (l line) name() string { return fmt.Sprintf("line-%d", l.id) }

func (l line) token() string { return fmt.Sprintf("bench-%d", l.id) }

// The wish of every resource, and what the vendor has of an instance that is in order.
const (
	setting = "incomingWebhook"
	wished  = "yes"
	other   = "no"
)

// resource is the manifest of a line.
func (l line) resource() *v1alpha1.WhatsAppInstance {
	r := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: l.name()}}
	r.Spec.IDInstance, r.Spec.APIURL = l.id, l.apiURL
	r.Spec.APITokenSecretRef.Name = l.name()
	r.Spec.Settings = &v1alpha1.WhatsAppSettings{}
	r.Spec.Settings.IncomingWebhook = new(true)
	return r
}

func (l line) secret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: l.name()},
		StringData: map[string]string{v1alpha1.DefaultAPITokenKey: l.token()}}
}

// fleetLine is the i-th line of the fleet.
func fleetLine(i int) line {
	return line{id: firstID + int64(i), namespace: fmt.Sprintf("fleet-%d", i%namespaces)}
}

// add puts a line on the vendor, in a state and with a value of the setting, and makes its Secret.
func (w *world) add(ctx context.Context, l line, state, value string) error {
	in := emulator.Instance{ID: l.id, Token: l.token(), State: state, Settings: map[string]any{setting: value}}
	if err := w.vendor.Add(ctx, in); err != nil {
		return err
	}
	return w.admin.Create(ctx, l.secret())
}

func (w *world) addNamespace(ctx context.Context, name string) error {
	return w.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// limitFor is how long anything may take that has to do with so many instances.
func limitFor(n int) time.Duration { return 2*time.Minute + time.Duration(n)*100*time.Millisecond }

// sideBySide does something n times with several workers, and tells of the progress.
func sideBySide(ctx context.Context, n, workers int, progress func(int), do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var next, done atomic.Int64
	finished := make(chan struct{})
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		ticker := time.NewTicker(pollInterval)
		defer ticker.Stop()
		for {
			select {
			case <-finished:
				return
			case <-ticker.C:
				progress(int(done.Load()))
			}
		}
	}()
	for range workers {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					return ctx.Err()
				}
				if err := do(ctx, i); err != nil {
					return err
				}
				done.Add(1)
			}
		})
	}
	err := group.Wait()
	close(finished)
	<-shown
	return err
}

// populate makes the whole fleet, in order at the vendor already.
func (w *world) populate(ctx context.Context, n int, progress func(int)) error {
	for i := range namespaces {
		if err := w.addNamespace(ctx, fmt.Sprintf("fleet-%d", i)); err != nil {
			return err
		}
	}
	return sideBySide(ctx, n, creators, progress, func(ctx context.Context, i int) error {
		l := fleetLine(i)
		if err := w.add(ctx, l, emulator.StateAuthorized, wished); err != nil {
			return err
		}
		return w.admin.Create(ctx, l.resource())
	})
}

// request asks for a line to be looked at now, as a person does by the annotation.
func (w *world) request(ctx context.Context, l line) error {
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.ReconcileRequestedAtAnnotation, time.Now().Format(time.RFC3339Nano))
	resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: l.name()}}
	return w.admin.Patch(ctx, resource, client.RawPatch("application/merge-patch+json", []byte(patch)))
}
