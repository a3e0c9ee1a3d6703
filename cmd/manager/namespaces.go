// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

const (
	// askAgain is how often the rights in namespaces that cannot be watched are asked for, and recheckEvery after how many
	// times those in all the others are, too.
	askAgain     = 20 * time.Second
	recheckEvery = 30
	// askTimeout is how long one such question may take.
	askTimeout = 10 * time.Second
	// filledWithin is how long /readyz waits for the caches.
	filledWithin = 200 * time.Millisecond
	// everywhere stands for all namespaces in the metric.
	everywhere = "*"
)

// namespaces are those that the process is told to look after, and in which of them it may. A cache waits for all of its
// namespaces, so one without rights would keep the process from serving the others: it is left out.
type namespaces struct {
	all    []string
	rights []authorizationv1.ResourceAttributes
	client authorizationclient.SelfSubjectAccessReviewInterface
	log    logr.Logger
	// refused says of which namespace which right is missing, also since the process began; mu guards it. left are those that the
	// cache leaves out.
	mu      sync.Mutex
	refused map[string]string
	left    map[string]bool
	gauge   *prometheus.GaugeVec
	// again: rights have come, so that the process is to start anew; stop makes it end.
	again atomic.Bool
	stop  func()
}

// newNamespaces asks for the rights. A question that the API server does not answer counts as a yes: then the cache tells.
func newNamespaces(ctx context.Context, config *rest.Config, o options, stop func()) (*namespaces, error) {
	config = rest.CopyConfig(config)
	config.Timeout = askTimeout
	client, err := authorizationclient.NewForConfig(rest.AddUserAgent(config, "rights"))
	if err != nil {
		return nil, err
	}
	all := o.namespaces
	if len(all) == 0 {
		all = []string{metav1.NamespaceAll}
	}
	n := &namespaces{
		all: all, rights: instance.WatchRights(o.partnerAccounts), client: client.SelfSubjectAccessReviews(), log: ctrl.Log.WithName("namespaces"), stop: stop,
		refused: map[string]string{}, left: map[string]bool{},
		gauge: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "greenapi_unwatched_namespaces",
			Help: "1 for a namespace of --watch-namespaces that cannot be watched for want of a right, else 0; * is all namespaces."}, []string{"namespace"}),
	}
	for _, namespace := range n.all {
		n.ask(ctx, namespace)
	}
	for namespace := range n.refused {
		n.left[namespace] = true
	}
	return n, nil
}

// watched are the namespaces that the cache is to hold. Without any namespace in particular it holds all.
func (n *namespaces) watched() []string {
	if n.everywhere() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(n.all), func(namespace string) bool { return n.left[namespace] })
}

func (n *namespaces) everywhere() bool { return n.all[0] == metav1.NamespaceAll }

// nothing reports whether there is no namespace that can be watched.
func (n *namespaces) nothing() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !slices.ContainsFunc(n.all, func(namespace string) bool { return !n.left[namespace] && n.refused[namespace] == "" })
}

// ask finds out what is missing to watch a namespace, and tells of what has changed.
func (n *namespaces) ask(ctx context.Context, namespace string) {
	before := n.refusedRight(namespace)
	missing := n.missing(ctx, namespace, before)
	shown, value := namespace, 0.0
	if shown == metav1.NamespaceAll {
		shown = everywhere
	}
	n.mu.Lock()
	delete(n.refused, namespace)
	if missing != "" {
		n.refused[namespace], value = missing, 1
	}
	n.mu.Unlock()
	n.gauge.WithLabelValues(shown).Set(value)
	switch {
	case missing != "" && missing != before:
		n.log.Info("WARNING: The instances in this namespace are not looked after: it cannot be watched. Grant the right there, or leave the namespace out of --watch-namespaces",
			"namespace", shown, "missing", missing)
	case missing == "" && before != "":
		n.log.Info("The namespace can be watched", "namespace", shown)
	}
}

func (n *namespaces) refusedRight(namespace string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.refused[namespace]
}

// missing is the first right that is missing to watch a namespace, "" if none is. What is not answered is as it was before.
func (n *namespaces) missing(ctx context.Context, namespace, before string) string {
	for _, right := range n.rights {
		attributes := right
		attributes.Namespace = namespace
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attributes}}
		answer, err := n.client.Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			if ctx.Err() == nil && !apierrors.IsForbidden(err) {
				n.log.V(1).Info("Cannot find out about a right", "error", err.Error())
			}
			return before
		}
		if !answer.Status.Allowed {
			return right.Verb + " " + right.Resource
		}
	}
	return ""
}

// Start asks again until the process ends, or is to start anew because a namespace that was left out can be watched.
func (n *namespaces) Start(ctx context.Context) error {
	for round := 1; ; round++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait.Jitter(askAgain, 0.2)):
		}
		for _, namespace := range n.all {
			if n.refusedRight(namespace) != "" || round%recheckEvery == 0 {
				n.ask(ctx, namespace)
			}
			if n.left[namespace] && n.refusedRight(namespace) == "" {
				n.log.Info("Rights have come: starting anew, to look after this namespace too", "namespace", namespace)
				n.again.Store(true)
				n.stop()
				return nil
			}
		}
	}
}

// NeedLeaderElection is part of manager.LeaderElectionRunnable: a standby is to know its rights before it leads.
func (*namespaces) NeedLeaderElection() bool { return false }

// ready is the check of /readyz: something can be served, and what is served is known.
func (n *namespaces) ready(filled cache.Cache) healthz.Checker {
	return func(request *http.Request) error {
		if n.nothing() {
			if n.everywhere() {
				return errors.New("the instances cannot be watched for want of a right, which the log names")
			}
			return fmt.Errorf("none of the namespaces of --watch-namespaces can be watched: %s", strings.Join(n.all, ", "))
		}
		ctx, cancel := context.WithTimeout(request.Context(), filledWithin)
		defer cancel()
		if !filled.WaitForCacheSync(ctx) {
			return errors.New("the caches are not filled yet")
		}
		return nil
	}
}
