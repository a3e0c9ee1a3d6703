// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"testing"

	"github.com/go-logr/logr"
	"github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// managerOptions say what a manager's cache holds.
type managerOptions struct {
	// namespace is the only one that is watched; "" for all.
	namespace string
	// shard is which instances are watched; nil for all.
	shard labels.Selector
	// strict: nothing is read from the cache but what is watched. withoutClaims: nobody looks after claims.
	strict, withoutClaims bool
	// log is where the manager logs to; the tests' common one by default.
	log logr.Logger
}

// fleetLabel is the label of fleets in stories that have one.
const fleetLabel = "example.com/fleet"

// newManager makes a manager with the operator's cache and indexes, and without controllers.
func newManager(o managerOptions) (ctrl.Manager, error) {
	options := cache.Options{
		ReaderFailOnMissingInformer: o.strict,
		DefaultTransform:            controllers.StripInstance(sharding.Ring{}, fleetLabel),
		ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: {
			Field: fields.OneTermNotEqualSelector("type", "helm.sh/release.v1"), Transform: controllers.StripSecret,
		}},
	}
	if o.namespace != "" {
		options.DefaultNamespaces = map[string]cache.Config{o.namespace: {}}
	}
	for _, kind := range instance.Kinds {
		options.ByObject[kind.New()] = cache.ByObject{Label: o.shard}
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0", Logger: o.log, Cache: options,
	})
	if err != nil {
		return nil, err
	}
	return mgr, controllers.SetupIndexes(context.Background(), mgr.GetFieldIndexer(), instance.Kinds, !o.withoutClaims)
}

// start starts a manager. What is returned stops it, and says how it ended.
func start(mgr ctrl.Manager) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// runManager starts a manager, which runs until the test ends.
func runManager(tb testing.TB, mgr ctrl.Manager) {
	tb.Helper()
	stop := start(mgr)
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Error(err)
		}
	})
	if !mgr.GetCache().WaitForCacheSync(tb.Context()) {
		tb.Fatal("the cache does not come up")
	}
}

// realOperator is an operator with queues, workers and watches of its own, by the clock of the machine, for what a story
// that makes each pass itself cannot show.
type realOperator struct {
	managerOptions
	kinds    []instance.Kind
	workers  int
	recorder events.EventRecorder
	options  controllers.Options
}

// setUp makes the operator, with a reconciler of each kind. It works once its manager runs.
func (o realOperator) setUp(tb testing.TB) (ctrl.Manager, []*controllers.Reconciler) {
	tb.Helper()
	g := gomega.NewWithT(tb)
	mgr, err := newManager(o.managerOptions)
	g.Expect(err).NotTo(gomega.HaveOccurred())
	metrics, err := controllers.NewMetrics(prometheus.NewRegistry(), mgr.GetClient(), instance.Kinds)
	g.Expect(err).NotTo(gomega.HaveOccurred())
	vendor := greenapi.New(greenapi.Options{Timeout: o.options.CallTimeout, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "real"})
	shared := controllers.NewShared(controllers.Shared{
		Kinds: instance.Kinds, Options: o.options, Clock: clock.RealClock{}, Client: mgr.GetClient(), Live: mgr.GetAPIReader(),
		Recorder: o.recorder, Metrics: metrics,
		Connect: func(target greenapi.Target) (controllers.Vendor, error) { return vendor.Instance(target) },
	})
	var reconcilers []*controllers.Reconciler
	for _, kind := range o.kinds {
		reconciler := controllers.NewReconciler(shared, kind)
		g.Expect(reconciler.SetupWithManager(mgr, controller.Options{MaxConcurrentReconciles: o.workers, SkipNameValidation: new(true)})).To(gomega.Succeed())
		reconcilers = append(reconcilers, reconciler)
	}
	return mgr, reconcilers
}
