// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// errGone ends a watch because what it showed was deleted.
var errGone = errors.New("it was deleted")

// redrawEvery is how often a page is drawn anew on a terminal, so that its times stay true.
const redrawEvery = 10 * time.Second

// sighting is what became of one resource.
type sighting struct {
	instance v1alpha1.Instance
	deleted  bool
	err      error
}

// watch shows every change until the context ends.
func (v *statusVerb) watch(ctx context.Context, cluster client.WithWatch, found []v1alpha1.Instance, show view) error {
	options, err := v.watched()
	if err != nil {
		return err
	}
	kinds := instance.Kinds
	if len(v.names) > 0 {
		kinds = kindsOf(found)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	seen := make(chan sighting)
	for _, kind := range kinds {
		v.inform(ctx, source{cluster, kind, options, seen}, found)
	}
	shown := shownVersions{}
	for _, instance := range found {
		shown.news(sighting{instance: instance})
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case s := <-seen:
			err = s.err
			if err == nil && v.wanted(found, s.instance) && shown.news(s) {
				err = show.changed(ctx, s.instance, s.deleted)
			}
		case <-v.clock.After(redrawEvery):
			err = redraw(ctx, show)
		}
		if errors.Is(err, errGone) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// redraw draws a page on a terminal anew; what was printed elsewhere stays as it is.
func redraw(ctx context.Context, show view) error {
	page, ok := show.(*pageView)
	if !ok || page.width == 0 {
		return nil
	}
	return page.changed(ctx, page.instance, false)
}

// shownVersions has the version of each resource that was shown last, "" of one that is gone.
type shownVersions map[types.UID]string

// news reports whether something was not shown yet, and notes that it is now.
func (s shownVersions) news(seen sighting) bool {
	version := ""
	if !seen.deleted {
		version = seen.instance.GetResourceVersion()
	}
	before, known := s[seen.instance.GetUID()]
	s[seen.instance.GetUID()] = version
	return !known || before != version
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
func (v *statusVerb) wanted(found []v1alpha1.Instance, resource v1alpha1.Instance) bool {
	if len(v.names) == 0 {
		return true
	}
	for _, one := range found {
		if one.GetName() == resource.GetName() && instance.KindOf(one).Name == instance.KindOf(resource).Name {
			return true
		}
	}
	return false
}

// kindsOf are the kinds that resources have.
func kindsOf(found []v1alpha1.Instance) []instance.Kind {
	var kinds []instance.Kind
	seen := map[string]bool{}
	for _, resource := range found {
		if kind := instance.KindOf(resource); !seen[kind.Name] {
			seen[kind.Name] = true
			kinds = append(kinds, kind)
		}
	}
	return kinds
}
