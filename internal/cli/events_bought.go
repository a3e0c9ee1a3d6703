// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// overPaper reports whether an event about a claim or an account warned of something that is no longer so. What failed once stays so.
func overPaper(one paper, event eventsv1.Event) bool {
	stays := []string{"LogoutFailed", "DeletionAbandoned"}
	return event.Type == corev1.EventTypeWarning && !slices.Contains(stays, event.Reason) && apimeta.IsStatusConditionTrue(one.conditions(), v1alpha1.ReadyCondition)
}

// paperHistory is all that is known to have happened to a claim or an account, in order of time.
func paperHistory(one paper, events []eventsv1.Event) []happening {
	all := beginningOf(one, events, func(event eventsv1.Event) bool { return overPaper(one, event) })
	all = append(all, one.record()...)
	all = append(all, conditionsOf(one.conditions())...)
	return once(ordered(all))
}

// runPaper shows what happened to a claim or an account.
func (v *eventsVerb) runPaper(ctx context.Context, kind *paperKind, name string) error {
	if err := structured(v.output); err != nil {
		return err
	}
	cluster, err := v.client()
	if err != nil {
		return err
	}
	one, err := v.findPaper(ctx, cluster, kind, name)
	if err != nil {
		return err
	}
	events, err := eventsOf(ctx, cluster, one)
	if err := v.excuse(err, titleOf(one)+", its events"); err != nil {
		return err
	}
	return v.show(one, v.recent(paperHistory(one, events)), err == nil)
}

// excuse warns where events may not be listed, since the status tells something too. Any other failure is one.
func (v *eventsVerb) excuse(err error, subject string) error {
	if apierrors.IsForbidden(err) {
		fmt.Fprintln(v.ErrOut, "warning: you may not list events, so this is only what the status tells:", rightOf(err))
		return nil
	}
	return explain(err, subject)
}

// ofClaims adds what happened to the claims of resources, as far as the person may read it. events has the events of many by their UIDs, nil
// if they are to be read.
func (v *eventsVerb) ofClaims(ctx context.Context, cluster client.Reader, found []v1alpha1.Instance, events eventsByUID) []happening {
	var all []happening
	told := map[client.ObjectKey]bool{}
	for _, resource := range found {
		key := client.ObjectKey{Namespace: resource.GetNamespace(), Name: instance.ClaimName(resource)}
		if key.Name == "" || told[key] {
			continue
		}
		told[key] = true
		claim := &v1alpha1.InstanceClaim{}
		if cluster.Get(ctx, key, claim) != nil {
			continue
		}
		about := events[claim.UID]
		if events == nil {
			about, _ = eventsOf(ctx, cluster, claim)
		}
		for _, h := range v.recent(paperHistory(claimPaper{claim}, about)) {
			h.Namespace, h.Instance = claim.Namespace, claimKind.short+"/"+claim.Name
			all = append(all, h)
		}
	}
	return all
}
