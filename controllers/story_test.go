// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/go-logr/logr"
	"github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

const (
	instanceID = int64(710700000001)
	// patience is how long a story waits for the cache; it is no part of what is tested.
	patience = 60 * time.Second
)

// story is one operator, one vendor and one namespace on the real API server. The clock is virtual: a pass is made when
// it is due, so that a day takes seconds.
type story struct {
	*gomega.WithT
	t     *testing.T
	ctx   context.Context
	ns    string
	clock *clocktesting.FakePassiveClock
	// skew is how far the operator's clock is wrong. living: its times have a monotonic reading, as those of a process have,
	// which goes on whatever the clock shows.
	skew   time.Duration
	living bool
	vendor *emulator.Server
	url    string
	// cached is the client that the operator uses, reading from a cache.
	cached client.Client
	live   client.Reader
	events *eventLog
	// options and kinds of the operator; a story may change them before its first pass or a restart.
	options controllers.Options
	// wrapVendor and wrapClient stand between the operator and the world; nil for none.
	wrapVendor func(controllers.Vendor) controllers.Vendor
	wrapClient func(client.Client) client.Client
	// operators are the reconcilers, one of each kind; kinds says of which kind a resource is, by its index.
	operators []*controllers.Reconciler
	kinds     map[string]int
	// due says when the next pass of a resource is to be made.
	due map[string]time.Time
	// polls says the same of polls, until something else makes the resource due.
	polls map[string]time.Time
	// checked are the versions of resources that hold what must hold after every pass.
	checked map[string]string
	// failures are the errors that passes ended with, for stories in which none may be.
	failures []error
	// metrics are the operator's own.
	metrics *prometheus.Registry
	// log is where passes log to, the tests' common one unless a story has its own.
	log logr.Logger
}

func newStory(t *testing.T) *story {
	t.Helper()
	t.Parallel()
	needControlPlane(t)
	s := &story{WithT: gomega.NewWithT(t), t: t, ctx: t.Context(), due: map[string]time.Time{}, polls: map[string]time.Time{}, checked: map[string]string{}, kinds: map[string]int{}, events: &eventLog{t: t}, log: ctrl.Log}
	s.clock = clocktesting.NewFakePassiveClock(storyStart)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "story-"}}
	s.Expect(admin.Create(s.ctx, namespace)).To(gomega.Succeed())
	s.ns = namespace.Name
	s.vendor = emulator.New(emulator.Options{Now: s.clock.Now, RestartTime: time.Minute, OnToken: func(token string) { leaks.Add(token) }})
	server := httptest.NewServer(s.vendor)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.options = controllers.Options{
		DefaultAPIURL: s.url, StateInterval: time.Minute, SettingsInterval: 10 * time.Minute, CallTimeout: 5 * time.Second,
		Limits: plan.Limits{SettleTimeout: 6 * time.Minute, SettlePoll: 20 * time.Second, RetryAfter: 15 * time.Minute, MaxAttempts: 3,
			FlapThreshold: 3, FlapWindow: 6 * time.Hour, CallWindow: 5 * time.Second},
	}
	s.shareCache()
	s.restart()
	return s
}

// storyStart is when every story begins, and processStart a time with a monotonic reading that stands for it.
var storyStart, processStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Now()

// setWall makes the wall clock of a time show another one, and leaves its monotonic reading alone, as a clock that is set
// does. Package time has no function for it.
func setWall(at, wall time.Time) time.Time {
	// The first word holds the seconds of the wall clock above its nanoseconds, 30 bits wide.
	*(*uint64)(unsafe.Pointer(&at)) += uint64(wall.Unix()-at.Unix()) << 30
	return at
}

// skewed is the operator's clock.
type skewed struct{ *story }

func (c skewed) Now() time.Time {
	if c.living {
		return setWall(processStart.Add(c.clock.Since(storyStart)), c.clock.Now().Add(c.skew))
	}
	return c.clock.Now().Add(c.skew)
}

func (c skewed) Since(at time.Time) time.Duration { return c.Now().Sub(at) }

// lookSeldom makes steady state cheap, for stories that last a day.
func (s *story) lookSeldom() {
	s.options.StateInterval, s.options.SettingsInterval = 10*time.Minute, 20*time.Minute
	s.restart()
}

// shareCache lets the operator read from the cache that most stories share, of which it sees the story's namespace.
func (s *story) shareCache() {
	s.cached, s.live = inNamespace{sharedManager.GetClient(), s.ns}, sharedManager.GetAPIReader()
}

// inNamespace sees in lists what the cache of an operator that watches one namespace would have.
type inNamespace struct {
	client.Client
	namespace string
}

func (c inNamespace) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	return c.Client.List(ctx, list, append([]client.ListOption{client.InNamespace(c.namespace)}, options...)...)
}

// shardCache gives the operator a cache of its own, as one of several has it.
func (s *story) shardCache(shard labels.Selector) {
	s.t.Helper()
	mgr, err := newManager(managerOptions{namespace: s.ns, shard: shard})
	s.Expect(err).NotTo(gomega.HaveOccurred())
	runManager(s.t, mgr)
	s.cached, s.live = mgr.GetClient(), mgr.GetAPIReader()
}

// restart replaces the operator's process: what it kept in memory is gone.
func (s *story) restart() {
	vendor := greenapi.New(greenapi.Options{Timeout: s.options.CallTimeout, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "story"})
	s.metrics = prometheus.NewRegistry()
	observed, err := controllers.NewMetrics(s.metrics, s.cached, instance.Kinds)
	s.Expect(err).NotTo(gomega.HaveOccurred())
	used := s.cached
	if s.wrapClient != nil {
		used = s.wrapClient(used)
	}
	shared := controllers.NewShared(controllers.Shared{
		Kinds: instance.Kinds, Options: s.options, Clock: skewed{s}, Client: used, Live: s.live, Recorder: s.events, Metrics: observed,
		Connect: func(target greenapi.Target) (controllers.Vendor, error) {
			instance, err := vendor.Instance(target)
			if err != nil || s.wrapVendor == nil {
				return instance, err
			}
			return s.wrapVendor(instance), nil
		},
		Pause: func(d time.Duration) { s.clock.SetTime(s.clock.Now().Add(d)) },
	})
	s.operators, s.polls = nil, map[string]time.Time{}
	for _, kind := range instance.Kinds {
		s.operators = append(s.operators, controllers.NewReconciler(shared, kind))
	}
	for name := range s.due {
		s.due[name] = s.clock.Now()
	}
}

// secret creates or replaces a Secret whose values must show nowhere, and waits until the operator's cache has it.
func (s *story) secret(name string, values map[string]string) {
	s.t.Helper()
	for _, value := range values {
		if len(value) >= canary.Shortest {
			leaks.Add(value)
		}
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: name}}
	_, err := ctrl.CreateOrUpdate(s.ctx, admin, secret, func() error {
		secret.StringData = values
		return nil
	})
	s.Expect(err).NotTo(gomega.HaveOccurred())
	s.awaitSecret(name, secret.ResourceVersion)
}

func (s *story) awaitSecret(name, version string) {
	s.t.Helper()
	s.Eventually(func() string {
		meta := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}}
		_ = s.cached.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: name}, meta)
		return meta.ResourceVersion
	}, patience).Should(gomega.Equal(version))
	s.wake()
}

// wake makes every resource due, as a watch would.
func (s *story) wake() {
	for name := range s.due {
		s.due[name] = s.clock.Now()
	}
}

// instance creates a resource with its Secret, and the instance at the vendor.
func (s *story) instance(name string, change func(*v1alpha1.WhatsAppInstance)) {
	s.t.Helper()
	resource := &v1alpha1.WhatsAppInstance{}
	if change != nil {
		change(resource)
	}
	s.create(name, emulator.WhatsApp, resource)
}

// create creates a resource of any kind with its Secret, and the instance of a messenger at the vendor.
func (s *story) create(name, messenger string, resource v1alpha1.Instance) {
	s.t.Helper()
	token := fmt.Sprintf("t0ken-%s-%s-abcdefgh", s.ns, name)
	s.secret(name+"-token", map[string]string{"apiTokenInstance": token + "\n"})
	leaks.Add(token)
	if _, ok := s.vendor.Get(instanceID); !ok {
		s.vendor.Add(emulator.Instance{ID: instanceID, Token: token, Messenger: messenger})
	}
	core := resource.Core()
	core.IDInstance = instanceID
	if core.APITokenSecretRef.Name == "" {
		core.APITokenSecretRef.Name = name + "-token"
	}
	s.apply(name, resource)
}

// apply creates a resource of any kind as it is.
func (s *story) apply(name string, resource v1alpha1.Instance) {
	s.t.Helper()
	resource.SetNamespace(s.ns)
	resource.SetName(name)
	for i, kind := range instance.Kinds {
		if reflect.TypeOf(kind.New()) == reflect.TypeOf(resource) {
			s.kinds[name] = i
		}
	}
	s.Expect(admin.Create(s.ctx, resource)).To(gomega.Succeed())
	s.await(resource)
}

// edit changes a resource as a user does, and waits until the operator's cache has it.
func (s *story) edit(name string, change func(*v1alpha1.WhatsAppInstance)) {
	s.t.Helper()
	resource := s.get(name)
	change(resource)
	s.Expect(admin.Update(s.ctx, resource)).To(gomega.Succeed())
	s.await(resource)
}

func (s *story) await(resource v1alpha1.Instance) {
	s.t.Helper()
	s.Eventually(func() string {
		seen := instance.Kinds[s.kinds[resource.GetName()]].New()
		_ = s.cached.Get(s.ctx, client.ObjectKeyFromObject(resource), seen)
		return seen.GetResourceVersion()
	}, patience).Should(gomega.Equal(resource.GetResourceVersion()))
	s.due[resource.GetName()] = s.clock.Now()
	delete(s.polls, resource.GetName())
}

// remove deletes a resource, and waits until the operator's cache knows.
func (s *story) remove(name string) {
	s.t.Helper()
	resource := s.get(name)
	s.Expect(admin.Delete(s.ctx, resource)).To(gomega.Succeed())
	s.Eventually(func() error {
		return s.cached.Get(s.ctx, client.ObjectKeyFromObject(resource), &v1alpha1.WhatsAppInstance{})
	}, patience).Should(gomega.HaveOccurred())
	s.pass(name)
	delete(s.due, name)
	s.wake()
}

// nextSecond waits until a resource that is created now is younger by its creationTimestamp, which has whole seconds.
func (s *story) nextSecond() {
	s.t.Helper()
	before := time.Now().Unix()
	s.Eventually(func() int64 { return time.Now().Unix() }, patience, 20*time.Millisecond).Should(gomega.BeNumerically(">", before))
}

func (s *story) get(name string) *v1alpha1.WhatsAppInstance {
	s.t.Helper()
	resource := &v1alpha1.WhatsAppInstance{}
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: name}, resource)).To(gomega.Succeed())
	return resource
}

// status returns the status of a resource of any kind.
func (s *story) status(name string) *v1alpha1.InstanceStatus {
	s.t.Helper()
	resource := instance.Kinds[s.kinds[name]].New()
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: name}, resource)).To(gomega.Succeed())
	return resource.InstanceStatus()
}

// pass makes one pass over a resource and checks what must hold after every pass.
func (s *story) pass(name string) {
	s.t.Helper()
	key := types.NamespacedName{Namespace: s.ns, Name: name}
	result, err := s.operators[s.kinds[name]].Reconcile(ctrl.LoggerInto(s.ctx, s.log), reconcile.Request{NamespacedName: key})
	if err != nil {
		if found := leaks.Search(err.Error()); found != "" {
			s.t.Errorf("R24: an error holds the secret %s", found)
		}
		s.failures = append(s.failures, err)
		result.RequeueAfter = time.Second
	}
	delete(s.due, name)
	if result.RequeueAfter > 0 {
		s.due[name] = s.clock.Now().Add(result.RequeueAfter)
	}
	s.plan(name)
	resource := instance.Kinds[s.kinds[name]].New()
	if admin.Get(s.ctx, key, resource) != nil {
		return
	}
	if s.checked[name] == resource.GetResourceVersion() {
		return
	}
	s.checked[name] = resource.GetResourceVersion()
	s.awaitCache(resource)
	if len(resource.InstanceStatus().Conditions) == 0 {
		return
	}
	checkConformance(s.t, resource)
	text, err := json.Marshal(resource)
	s.Expect(err).NotTo(gomega.HaveOccurred())
	if found := leaks.Search(string(text)); found != "" {
		s.t.Errorf("R24: the resource holds the secret %s", found)
	}
}

// awaitCache waits until the cache has what was written, if it has the resource at all: hours of a story pass in no time, and no cache is
// behind for as long.
func (s *story) awaitCache(written v1alpha1.Instance) {
	s.t.Helper()
	s.Eventually(func(g gomega.Gomega) {
		seen := instance.Kinds[s.kinds[written.GetName()]].New()
		if err := s.cached.Get(s.ctx, client.ObjectKeyFromObject(written), seen); apierrors.IsNotFound(err) {
			return
		}
		behind, err := resourceversion.CompareResourceVersion(seen.GetResourceVersion(), written.GetResourceVersion())
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(behind).To(gomega.BeNumerically(">=", 0))
	}, patience, time.Millisecond).Should(gomega.Succeed())
}

// poll makes the poll of a line that is due, and a pass if that hands it over.
func (s *story) poll(name string) {
	s.t.Helper()
	delete(s.due, name)
	s.operators[s.kinds[name]].PollNow(ctrl.LoggerInto(s.ctx, s.log), types.NamespacedName{Namespace: s.ns, Name: name})
	s.plan(name)
}

// plan notes when a line is polled, if it is, and who was woken.
func (s *story) plan(name string) {
	delete(s.polls, name)
	if wait, polled := s.operators[s.kinds[name]].PollIn(types.NamespacedName{Namespace: s.ns, Name: name}); polled {
		s.polls[name] = s.clock.Now().Add(wait)
		s.due[name] = s.polls[name]
	}
	for _, operator := range s.operators {
		for _, woken := range operator.Turns() {
			s.due[woken] = s.clock.Now()
			delete(s.polls, woken)
		}
	}
}

// forward lets virtual time pass and makes the passes that are due.
func (s *story) forward(d time.Duration) {
	s.t.Helper()
	s.until(d, func() bool { return false })
}

// until lets virtual time pass until a condition holds, at most for the given time; it reports whether it held.
func (s *story) until(most time.Duration, holds func() bool) bool {
	s.t.Helper()
	end := s.clock.Now().Add(most)
	for !holds() {
		name, at := s.next()
		if name == "" || at.After(end) {
			s.clock.SetTime(end)
			return holds()
		}
		if at.After(s.clock.Now()) {
			s.clock.SetTime(at)
		}
		if poll, polled := s.polls[name]; polled && poll.Equal(at) {
			s.poll(name)
		} else {
			s.pass(name)
		}
	}
	return true
}

func (s *story) next() (name string, at time.Time) {
	for candidate, due := range s.due {
		if name == "" || due.Before(at) {
			name, at = candidate, due
		}
	}
	return name, at
}

// settled lets time pass until Ready has the given reason.
func (s *story) settled(name, reason string) {
	s.t.Helper()
	if !s.until(time.Hour, func() bool { return s.ready(name).Reason == reason }) {
		s.t.Fatalf("Ready is %+v within an hour, want %s\ncalls:\n%s", s.ready(name), reason, strings.Join(s.calls(), "\n"))
	}
}

func (s *story) ready(name string) metav1.Condition {
	return s.condition(name, v1alpha1.ReadyCondition)
}

func (s *story) condition(name, condition string) metav1.Condition {
	s.t.Helper()
	if found := apimeta.FindStatusCondition(s.status(name).Conditions, condition); found != nil {
		return *found
	}
	return metav1.Condition{}
}

// sets are the setSettings calls that the vendor saw, as their bodies.
func (s *story) sets() []string {
	var bodies []string
	for _, call := range s.vendor.Calls(instanceID, "setSettings") {
		body, err := json.Marshal(call.Body)
		s.Expect(err).NotTo(gomega.HaveOccurred())
		bodies = append(bodies, string(body))
	}
	return bodies
}

// calls are all calls that the vendor saw, as methods.
func (s *story) calls() []string {
	var methods []string
	for _, call := range s.vendor.Calls(instanceID, "") {
		methods = append(methods, call.Method)
	}
	return methods
}

// eventLog keeps the reasons of events, and their notes.
type eventLog struct {
	t              *testing.T
	mu             sync.Mutex
	reasons, notes []string
}

// Eventf is part of events.EventRecorder.
func (l *eventLog) Eventf(_, _ runtime.Object, kind, reason, _, note string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reasons, l.notes = append(l.reasons, kind+" "+reason), append(l.notes, fmt.Sprintf(note, args...))
	if n := len(fmt.Sprintf(note, args...)); n > 1024 {
		l.t.Errorf("the note of the event %s has %d bytes, and the API server takes 1024", reason, n)
	}
	if found := leaks.Search(fmt.Sprintf(note, args...)); found != "" {
		l.t.Errorf("R24: an event holds the secret %s", found)
	}
}

// text is all notes of events.
func (l *eventLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.notes, "\n")
}

func (l *eventLog) count(kindAndReason string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, reason := range l.reasons {
		if reason == kindAndReason {
			n++
		}
	}
	return n
}

// manage makes a resource manage the given flags.
func manage(change func(*v1alpha1.WhatsAppSettings)) func(*v1alpha1.WhatsAppInstance) {
	return func(resource *v1alpha1.WhatsAppInstance) {
		if resource.Spec.Settings == nil {
			resource.Spec.Settings = &v1alpha1.WhatsAppSettings{}
		}
		change(resource.Spec.Settings)
	}
}

func incoming(on bool) func(*v1alpha1.WhatsAppInstance) {
	return manage(func(w *v1alpha1.WhatsAppSettings) { w.IncomingWebhook = new(on) })
}

// settledAgain lets time pass until Ready was not True once and is True again.
func (s *story) settledAgain(name string) {
	s.t.Helper()
	s.Expect(s.until(time.Hour, func() bool { return s.ready(name).Status != metav1.ConditionTrue })).To(gomega.BeTrue())
	s.settled(name, v1alpha1.ReasonSucceeded)
}
