// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/version"
)

// Bounds of the wait after a failure of the API server.
const (
	shortestRetry = 200 * time.Millisecond
	longestRetry  = 2 * time.Minute
)

// newManager builds the manager with a controller for each kind.
func newManager(ctx context.Context, config *rest.Config, o options, watch *namespaces) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	// The API server's own fairness protects it; a client-side limit would only delay.
	config.QPS = -1
	shutdown := shutdownTimeout(o.controller.CallTimeout, o.partnerAccounts)
	lock, err := o.shard.lock(config, o.leaderElectionNamespace, o.renewDeadline)
	if err != nil {
		return nil, fmt.Errorf("preparing the shard's lease: %w", err)
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  scheme,
		Cache:                   cacheOptions(o, watch.watched()),
		Metrics:                 o.metrics.options(),
		HealthProbeBindAddress:  o.probeAddress,
		LeaderElection:          o.leaderElect,
		LeaderElectionNamespace: o.leaderElectionNamespace,
		LeaderElectionID:        o.leaderElectionID,
		// nil is the usual lease.
		LeaderElectionResourceLockInterface: lock,
		LeaseDuration:                       &o.leaseDuration,
		RenewDeadline:                       &o.renewDeadline,
		RetryPeriod:                         &o.retryPeriod,
		LeaderElectionReleaseOnCancel:       true,
		GracefulShutdownTimeout:             &shutdown,
	})
	if err != nil {
		return nil, fmt.Errorf("creating the manager: %w", err)
	}
	if err := errors.Join(mgr.AddHealthzCheck("healthz", healthz.Ping), mgr.AddReadyzCheck("readyz", watch.ready(mgr.GetCache())),
		metrics.Registry.Register(watch.gauge), mgr.Add(watch)); err != nil {
		return nil, err
	}
	if len(watch.watched()) == 0 && !watch.everywhere() {
		// A cache without a namespace would hold all of them. So there is none, and nobody who would read from it.
		return mgr, nil
	}
	if err := addVersions(ctx, mgr, o, watch); err != nil {
		return nil, err
	}
	return mgr, addControllers(ctx, mgr, o)
}

// addVersions adds what ends the process if etcd is put back. The first look is before the caches are filled, which take long to tell of it.
func addVersions(ctx context.Context, mgr ctrl.Manager, o options, watch *namespaces) error {
	namespace := metav1.NamespaceAll
	if !watch.everywhere() {
		namespace = watch.watched()[0]
	}
	v := newVersions(mgr.GetAPIReader(), namespace, o.instanceOnly)
	if err := v.look(ctx); err != nil {
		return err
	}
	return mgr.Add(v)
}

// shutdownTimeout is how long the process goes on after it is told to stop: a write that is under way has its outcome stored.
// Reads are given up at once. One that may write Secrets has some more time, since a new token that is not stored is lost.
func shutdownTimeout(call time.Duration, writesSecrets bool) time.Duration {
	timeout := max(10*time.Second, call+5*time.Second)
	if writesSecrets {
		timeout += controllers.StopPatience
	}
	return timeout
}

// addControllers adds a controller for each kind, and what they share.
func addControllers(ctx context.Context, mgr ctrl.Manager, o options) error {
	o.controller.Claims = o.partnerAccounts
	if err := controllers.SetupIndexes(ctx, mgr.GetFieldIndexer(), instance.Kinds, o.partnerAccounts); err != nil {
		return fmt.Errorf("adding indexes: %w", err)
	}
	// The controllers begin to watch Secrets when they start; /readyz is to wait for those too from the beginning.
	secrets := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}}
	if _, err := mgr.GetCache().GetInformer(ctx, secrets, cache.BlockUntilSynced(false)); err != nil {
		return fmt.Errorf("preparing to watch Secrets: %w", err)
	}
	observed, err := controllers.NewMetrics(metrics.Registry, mgr.GetCache(), instance.Kinds)
	if err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	vendor := greenapi.New(greenapi.Options{
		Timeout: o.controller.CallTimeout, AllowedHosts: o.hosts, Insecure: o.insecureAPI, Proxy: o.proxy,
		UserAgent: "greenapi-operator/" + version.Get(), Observer: observed.ObserveCall,
	})
	shared := controllers.NewShared(controllers.Shared{
		Kinds: instance.Kinds, Options: o.controller, Clock: clock.RealClock{},
		Connect: func(target greenapi.Target) (controllers.Vendor, error) { return vendor.Instance(target) },
		Client:  mgr.GetClient(), Live: mgr.GetAPIReader(),
		Recorder: mgr.GetEventRecorder("greenapi-operator"), Metrics: observed,
	})
	for _, kind := range instance.Kinds {
		if err := controllers.NewReconciler(shared, kind).SetupWithManager(mgr, controllerOptions(o.maxConcurrentReconciles)); err != nil {
			return fmt.Errorf("setting up the controller of %s: %w", kind.Name, err)
		}
	}
	if o.partnerAccounts {
		if err := addAccounts(ctx, mgr, o, vendor); err != nil {
			return fmt.Errorf("setting up the controller of partner accounts: %w", err)
		}
	}
	return nil
}

// controllerOptions are those of a controller with a number of workers.
func controllerOptions(workers int) controller.Options {
	warm, queue := true, true
	return controller.Options{
		MaxConcurrentReconciles: workers,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](shortestRetry, longestRetry),
		// A standby keeps its caches warm, so that it takes over at once.
		EnableWarmup: &warm, UsePriorityQueue: &queue,
	}
}

// cacheOptions limits what is kept in memory: of Secrets their metadata only, and none of Helm's.
func cacheOptions(o options, namespaces []string) cache.Options {
	options := cache.Options{
		// Nothing is read from the cache but what is watched: to read a whole Secret from it would begin to watch values.
		ReaderFailOnMissingInformer: true,
		DefaultTransform:            controllers.StripInstance(o.controller.Ring, o.controller.FleetLabel),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {
				Field: fields.OneTermNotEqualSelector("type", "helm.sh/release.v1"),
				Label: o.controller.SecretSelector, Transform: controllers.StripSecret,
			},
		},
	}
	for _, kind := range instance.Kinds {
		options.ByObject[kind.New()] = cache.ByObject{Label: o.instanceOnly}
	}
	if o.partnerAccounts {
		options.ByObject[&v1alpha1.PartnerAccount{}] = cache.ByObject{Label: o.instanceOnly}
		options.ByObject[&v1alpha1.InstanceClaim{}] = cache.ByObject{Label: o.instanceOnly}
	}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}
