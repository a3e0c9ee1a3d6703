// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// workers is how many passes go on at once in the parallel benchmarks.
const workers = 32

// benchStep is by how much the clock goes on before each pass: more than any interval of benchOptions, so that a pass
// reads everything. It is small, so that what is swept from time to time is not swept in each pass.
const benchStep = 2 * time.Second

func benchOptions(url string) controllers.Options {
	return controllers.Options{
		DefaultAPIURL: url, StateInterval: time.Second, SettingsInterval: time.Second, CallTimeout: 15 * time.Second, Limits: plan.DefaultLimits(),
	}
}

// benchClock is a clock that is moved by hand, from many goroutines.
type benchClock struct{ passed atomic.Int64 }

func (c *benchClock) Now() time.Time                   { return storyStart.Add(time.Duration(c.passed.Load())) }
func (c *benchClock) Since(at time.Time) time.Duration { return c.Now().Sub(at) }

// benchInstances numbers the instances of all benchmarks: like the manager by default, the cache holds all namespaces, and
// two resources of one instance would be duplicates.
var benchInstances atomic.Int64

// noEvents drops the events of the first passes.
type noEvents struct{}

func (noEvents) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {}

// benchPass is an operator with resources in steady state: on a real API server with the cache of a manager, with the real
// client over real connections, and with the log and the metrics of production.
type benchPass struct {
	*gomega.WithT
	vendor   *leanVendor
	operator *controllers.Reconciler
	clock    *benchClock
	log      logr.Logger
	keys     []types.NamespacedName
	cached   client.Client
	writes   atomic.Int64
}

func newBenchPass(b *testing.B) *benchPass {
	b.Helper()
	needControlPlane(b)
	s := &benchPass{WithT: gomega.NewWithT(b), vendor: newLeanVendor(b), clock: &benchClock{}, log: zap.New(zap.WriteTo(io.Discard))}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "bench-"}}
	s.Expect(admin.Create(b.Context(), namespace)).To(gomega.Succeed())
	s.startOperator(b)
	for worker := range workers {
		s.add(b, namespace.Name, worker)
	}
	for _, key := range s.keys {
		s.Eventually(func() bool {
			s.Expect(s.pass(b.Context(), key)).To(gomega.Succeed())
			resource := &v1alpha1.WhatsAppInstance{}
			s.Expect(s.cached.Get(b.Context(), key, resource)).To(gomega.Succeed())
			return apimeta.IsStatusConditionTrue(resource.Status.Conditions, v1alpha1.ReadyCondition)
		}, patience).Should(gomega.BeTrue())
		s.Expect(s.pass(b.Context(), key)).To(gomega.Succeed())
	}
	return s
}

func (s *benchPass) startOperator(b *testing.B) {
	b.Helper()
	mgr, err := newManager(managerOptions{log: s.log})
	s.Expect(err).NotTo(gomega.HaveOccurred())
	runManager(b, mgr)
	s.cached = mgr.GetClient()
	observed, err := controllers.NewMetrics(prometheus.NewRegistry(), s.cached, instance.Kinds)
	s.Expect(err).NotTo(gomega.HaveOccurred())
	options := benchOptions(s.vendor.url)
	vendor := greenapi.New(greenapi.Options{Timeout: options.CallTimeout, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "bench", Observer: observed.ObserveCall})
	shared := controllers.NewShared(controllers.Shared{
		Kinds: instance.Kinds, Options: options, Clock: s.clock, Client: writeCounter{s.cached, &s.writes}, Live: mgr.GetAPIReader(),
		Recorder: noEvents{}, Metrics: observed,
		Connect: func(target greenapi.Target) (controllers.Vendor, error) { return vendor.Instance(target) },
	})
	// The history is read with every third look at everything, so that passes would not be alike.
	kind := instance.Kinds[0]
	kind.HistoryMethod = ""
	s.operator = controllers.NewReconciler(shared, kind)
}

// add creates a resource that manages what an ordinary one does: some flags, a number, the webhook and its token.
func (s *benchPass) add(b *testing.B, namespace string, worker int) {
	b.Helper()
	key := types.NamespacedName{Namespace: namespace, Name: fmt.Sprintf("instance-%d", worker)}
	s.Expect(admin.Create(b.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: key.Name},
		StringData: map[string]string{v1alpha1.DefaultAPITokenKey: strings.Repeat("a", 50)}})).To(gomega.Succeed())
	resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: key.Name}}
	resource.Spec.IDInstance = instanceID + benchInstances.Add(1)
	resource.Spec.APITokenSecretRef.Name = key.Name
	manage(func(w *v1alpha1.WhatsAppSettings) {
		w.IncomingWebhook, w.OutgoingWebhook, w.StateWebhook = new(true), new(false), new(false)
		w.DelaySendMessagesMilliseconds = new(int32(5000))
	})(resource)
	s.Expect(admin.Create(b.Context(), resource)).To(gomega.Succeed())
	s.Eventually(func() error {
		meta := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}}
		if err := s.cached.Get(b.Context(), key, meta); err != nil {
			return err
		}
		return s.cached.Get(b.Context(), key, &v1alpha1.WhatsAppInstance{})
	}, patience).Should(gomega.Succeed())
	s.keys = append(s.keys, key)
}

// pass makes one pass at which everything is due.
func (s *benchPass) pass(ctx context.Context, key types.NamespacedName) error {
	s.clock.passed.Add(int64(benchStep))
	_, err := s.operator.Reconcile(ctrl.LoggerInto(ctx, s.log), reconcile.Request{NamespacedName: key})
	return err
}

// poll makes one poll at which everything is due. It fails if the resource is not polled.
func (s *benchPass) poll(ctx context.Context, key types.NamespacedName) error {
	s.clock.passed.Add(int64(benchStep))
	s.operator.PollNow(ctx, key)
	if woken := s.operator.Turns(); len(woken) > 0 {
		return fmt.Errorf("the poll handed over %v", woken)
	}
	return nil
}

// counted begins to count, and returns what fails the benchmark unless so many passes made three calls each and no write.
func (s *benchPass) counted(b *testing.B) func(passes, bare int) {
	b.Helper()
	calls, writes := s.vendor.calls.Load(), s.writes.Load()
	return func(passes, bare int) {
		b.Helper()
		if got, want := s.vendor.calls.Load()-calls, int64(len(readMethods)*(passes+bare)); got != want {
			b.Errorf("%d calls were made, want %d", got, want)
		}
		wrote := s.writes.Load() - writes
		b.ReportMetric(float64(wrote)/float64(passes), "writes/pass")
		if wrote != 0 {
			b.Errorf("%d writes in steady state", wrote)
		}
	}
}

// writeCounter counts writes of status, the only ones that the operator has the right to make.
type writeCounter struct {
	client.Client
	n *atomic.Int64
}

func (c writeCounter) Status() client.SubResourceWriter {
	return statusCounter{c.Client.Status(), c.n}
}

type statusCounter struct {
	client.SubResourceWriter
	n *atomic.Int64
}

func (c statusCounter) Update(ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption) error {
	c.n.Add(1)
	return c.SubResourceWriter.Update(ctx, object, options...)
}

// BenchmarkPass is one whole pass in steady state that reads state, settings and account.
func BenchmarkPass(b *testing.B) {
	s := newBenchPass(b)
	b.Run("serial", func(b *testing.B) {
		check := s.counted(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := s.pass(b.Context(), s.keys[0]); err != nil {
				b.Fatal(err)
			}
		}
		check(b.N, 0)
	})
	b.Run("parallel", func(b *testing.B) {
		check := s.counted(b)
		b.ReportAllocs()
		b.ResetTimer()
		inParallel(b, func(worker int) error { return s.pass(b.Context(), s.keys[worker]) })
		b.StopTimer()
		check(b.N, 0)
	})
}

// BenchmarkBareHTTP makes the calls of a pass with net/http alone: the limit.
func BenchmarkBareHTTP(b *testing.B) {
	bare := newBareHTTP(b, newLeanVendor(b))
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := bare.calls(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		inParallel(b, func(int) error { return bare.calls(b.Context()) })
	})
}

// BenchmarkPassOfLimit makes passes and bare calls in turns, so that whatever else the machine does slows both. The metric
// of-limit is passes per second divided by bare rounds per second.
func BenchmarkPassOfLimit(b *testing.B) {
	s := newBenchPass(b)
	benchmarkOfLimit(b, s, s.pass)
}

// BenchmarkPollOfLimit is the same of the polls that steady state consists of.
func BenchmarkPollOfLimit(b *testing.B) {
	s := newBenchPass(b)
	benchmarkOfLimit(b, s, s.poll)
}

func benchmarkOfLimit(b *testing.B, s *benchPass, look func(context.Context, types.NamespacedName) error) {
	b.Helper()
	bare := newBareHTTP(b, s.vendor)
	for _, variant := range []struct {
		name    string
		workers int
	}{{"serial", 1}, {"parallel", workers}} {
		b.Run(variant.name, func(b *testing.B) {
			check := s.counted(b)
			var passes, limit time.Duration
			b.ResetTimer()
			for done := 0; done < b.N; {
				// The turns are short, so that what else the machine does falls on both alike.
				n := min(4*variant.workers, b.N-done)
				passes += took(b, n, variant.workers, func(worker int) error { return look(b.Context(), s.keys[worker]) })
				limit += took(b, n, variant.workers, func(int) error { return bare.calls(b.Context()) })
				done += n
			}
			b.StopTimer()
			check(b.N, b.N)
			b.ReportMetric(float64(limit)/float64(passes), "of-limit")
			b.ReportMetric(float64(b.N)/passes.Seconds(), "passes/s")
			b.ReportMetric(float64(b.N)/limit.Seconds(), "bare/s")
			b.ReportMetric(0, "ns/op") // the sum of both says nothing
		})
	}
}

// inParallel spreads the iterations of a benchmark over the workers.
func inParallel(b *testing.B, f func(worker int) error) {
	b.Helper()
	_ = took(b, b.N, workers, f)
}

// took spreads n calls over so many workers and returns how long that took. Each worker gets a number of its own, since an
// instance has one pass at a time.
func took(b *testing.B, n, workers int, f func(worker int) error) time.Duration {
	b.Helper()
	var (
		left    atomic.Int64
		running sync.WaitGroup
	)
	left.Store(int64(n))
	started := time.Now()
	for worker := range workers {
		running.Go(func() {
			for left.Add(-1) >= 0 {
				if err := f(worker); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	return time.Since(started)
}
