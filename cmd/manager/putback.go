// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

const (
	// versionsEvery is how often the API server is asked for its latest version: after a restore it must not have come as far as it
	// was before somebody looks.
	versionsEvery = 5 * time.Second
	// versionsTimeout is how long it may take to answer.
	versionsTimeout = 10 * time.Second
)

// errPutBack ends the process: what its caches hold may never have been, and a new one reads everything anew.
var errPutBack = errors.New("the API server has an older version than it had: etcd was put back. What this process knows may be gone, so it ends, and the next one reads everything anew")

// versions sees to it that the API server's versions only rise. Where etcd is restored from a snapshot they begin again at that of the
// snapshot, and a watch that goes on from a higher one misses all changes until that is reached, without an error. So does the
// cache, for good.
type versions struct {
	// latest reads the latest version.
	latest func(context.Context) (string, error)
	// highest is the highest one so far, "" before the first.
	highest string
}

// newVersions returns versions that are read with a list of one of the resources that this process may see in a namespace, "" for all,
// and whose labels a selector wants, nil for any.
func newVersions(live client.Reader, namespace string, only labels.Selector) *versions {
	return &versions{latest: func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, versionsTimeout)
		defer cancel()
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("WhatsAppInstanceList"))
		if err := live.List(ctx, list, &client.ListOptions{Namespace: namespace, LabelSelector: only, Limit: 1}); err != nil {
			return "", err
		}
		return list.ResourceVersion, nil
	}}
}

// look reads the latest version, and returns an error if it is older than one before. One that cannot be read, or is not one that can be
// compared, says nothing.
func (v *versions) look(ctx context.Context) error {
	latest, err := v.latest(ctx)
	if err != nil {
		return nil //nolint:nilerr // an API server that does not answer is not one that was put back
	}
	switch than, err := resourceversion.CompareResourceVersion(latest, cmp.Or(v.highest, latest)); {
	case err != nil:
		return nil //nolint:nilerr // see above
	case than < 0:
		return fmt.Errorf("%w (version %s after %s)", errPutBack, latest, v.highest)
	}
	v.highest = latest
	return nil
}

// Start looks until the process ends.
func (v *versions) Start(ctx context.Context) error {
	for {
		if err := v.look(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait.Jitter(versionsEvery, 0.2)):
		}
	}
}

// NeedLeaderElection is part of manager.LeaderElectionRunnable: the caches of a standby are to be right before it leads.
func (*versions) NeedLeaderElection() bool { return false }
