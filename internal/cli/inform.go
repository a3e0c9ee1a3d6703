// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// source is where an informer reads, and where it sends what it sees.
type source struct {
	cluster client.WithWatch
	kind    instance.Kind
	options []client.ListOption
	seen    chan<- sighting
}

func (s source) send(ctx context.Context, c sighting) {
	select {
	case s.seen <- c:
	case <-ctx.Done():
	}
}

// asked puts the options of an informer under ours.
func (s source) asked(o metav1.ListOptions) []client.ListOption {
	return append([]client.ListOption{&client.ListOptions{Raw: &o, Limit: o.Limit, Continue: o.Continue}}, s.options...)
}

// inform sends what happens to the resources of a kind, until the context ends. An informer connects again when the API
// server ends a watch, and lists anew when it no longer knows where the watch stood (410).
func (v *statusVerb) inform(ctx context.Context, s source, found []v1alpha1.Instance) {
	informer := cache.NewSharedIndexInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list := s.kind.NewList()
			return list, s.cluster.List(ctx, list, s.asked(o)...)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return s.cluster.Watch(ctx, s.kind.NewList(), s.asked(o)...)
		},
	}, s.kind.New(), 0, cache.Indexers{})
	_ = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		switch {
		case ctx.Err() != nil, apierrors.IsResourceExpired(err), apierrors.IsGone(err), apierrors.IsTooManyRequests(err):
		case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
			s.send(ctx, sighting{err: explain(err, "Watching "+s.kind.Name)})
		default:
			fmt.Fprintln(v.ErrOut, "warning: the connection was lost and is tried again:", err)
		}
	})
	handle := func(object any, deleted bool) {
		if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = last.Obj
		}
		if resource, ok := object.(v1alpha1.Instance); ok {
			s.send(ctx, sighting{instance: resource, deleted: deleted})
		}
	}
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { handle(object, false) },
		UpdateFunc: func(_, object any) { handle(object, false) },
		DeleteFunc: func(object any) { handle(object, true) },
	})
	// What a person should know of a watch the handler above says; client-go would say more.
	go informer.RunWithContext(klog.NewContext(ctx, logr.Discard()))
	go func() {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return
		}
		// What was deleted since it was shown is not among what informers tell.
		for _, resource := range found {
			if _, there, err := informer.GetStore().Get(resource); err == nil && !there && instance.KindOf(resource).Name == s.kind.Name {
				s.send(ctx, sighting{instance: resource, deleted: true})
			}
		}
	}()
}
