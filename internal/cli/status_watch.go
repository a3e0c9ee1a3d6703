// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
)

// errGone ends a watch because what it showed was deleted.
var errGone = errors.New("it was deleted")

// redrawEvery is how often a page is drawn anew on a terminal, so that its times stay true.
const redrawEvery = 10 * time.Second

// sighting is what became of one resource.
type sighting struct {
	instance v1alpha1.Instance
	gone     bool
	err      error
}

// watch shows every change until the context ends. Informers connect again when the API server ends a watch, and list
// anew when it no longer knows where a watch stood (410).
func (v *statusVerb) watch(ctx context.Context, cluster client.WithWatch, found []v1alpha1.Instance, show view) error {
	options, err := v.watched()
	if err != nil {
		return err
	}
	kinds := controllers.Kinds
	if len(v.names) > 0 {
		kinds = kindsOf(found)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	changes := make(chan sighting)
	for _, kind := range kinds {
		v.inform(ctx, source{cluster, kind, options, changes}, found)
	}
	// shown has the version of each resource that was shown last, "" of one that is gone.
	shown := map[types.UID]string{}
	for _, instance := range found {
		shown[instance.GetUID()] = instance.GetResourceVersion()
	}
	for {
		var c sighting
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case c = <-changes:
		case <-v.clock.After(redrawEvery):
			if page, ok := show.(*pageView); ok && page.width > 0 {
				c.instance = page.instance
			}
		}
		switch {
		case c.err != nil:
			return c.err
		case c.instance == nil, !v.wanted(found, c.instance), c.gone && wasGone(shown, c.instance), !c.gone && c.instance.GetResourceVersion() == shown[c.instance.GetUID()] && !redraws(show):
			continue
		}
		shown[c.instance.GetUID()] = c.instance.GetResourceVersion()
		if c.gone {
			shown[c.instance.GetUID()] = ""
		}
		if err := show.changed(ctx, c.instance, c.gone); err != nil {
			if errors.Is(err, errGone) {
				return nil
			}
			return err
		}
	}
}

// wasGone reports whether it was told already that a resource is gone.
func wasGone(shown map[types.UID]string, instance v1alpha1.Instance) bool {
	version, known := shown[instance.GetUID()]
	return known && version == ""
}

// redraws reports whether a view shows the same state of a resource again.
func redraws(show view) bool {
	page, ok := show.(*pageView)
	return ok && page.width > 0
}

// watched is where to look for changes.
func (v *statusVerb) watched() ([]client.ListOption, error) {
	selector, err := labels.Parse(v.labels)
	if err != nil {
		return nil, err
	}
	options := []client.ListOption{client.MatchingLabelsSelector{Selector: selector}}
	if v.allNamespaces {
		return options, nil
	}
	namespace, err := v.namespace()
	if err != nil {
		return nil, err
	}
	if len(v.names) == 1 {
		// A person may have the right to see one resource only.
		_, name := splitArgument(v.names[0])
		options = append(options, client.MatchingFields{metav1.ObjectNameField: name})
	}
	return append(options, client.InNamespace(namespace)), nil
}

// wanted reports whether a resource is one of those that the verb is about.
func (v *statusVerb) wanted(found []v1alpha1.Instance, instance v1alpha1.Instance) bool {
	if len(v.names) == 0 {
		return true
	}
	for _, one := range found {
		if one.GetName() == instance.GetName() && kindIndex(one) == kindIndex(instance) {
			return true
		}
	}
	return false
}

// kindsOf are the kinds that resources have.
func kindsOf(found []v1alpha1.Instance) []controllers.Kind {
	var kinds []controllers.Kind
	seen := map[string]bool{}
	for _, instance := range found {
		if kind := kindOf(instance); !seen[kind.Name] {
			seen[kind.Name] = true
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// source is where an informer reads, and where it sends what it sees.
type source struct {
	cluster client.WithWatch
	kind    controllers.Kind
	options []client.ListOption
	changes chan<- sighting
}

func (s source) send(ctx context.Context, c sighting) {
	select {
	case s.changes <- c:
	case <-ctx.Done():
	}
}

// asked puts the options of an informer under ours.
func (s source) asked(o metav1.ListOptions) []client.ListOption {
	return append([]client.ListOption{&client.ListOptions{Raw: &o, Limit: o.Limit, Continue: o.Continue}}, s.options...)
}

// inform sends what happens to the resources of a kind, until the context ends.
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
	handle := func(object any, gone bool) {
		if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = last.Obj
		}
		if instance, ok := object.(v1alpha1.Instance); ok {
			s.send(ctx, sighting{instance: instance, gone: gone})
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
		for _, instance := range found {
			if _, there, err := informer.GetStore().Get(instance); err == nil && !there && kindOf(instance).Name == s.kind.Name {
				s.send(ctx, sighting{instance: instance, gone: true})
			}
		}
	}()
}
