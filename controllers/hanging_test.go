// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// neighbors are two hosts of the vendor, one of which accepts calls and never answers until it is told to, and a manager
// with its queues and workers that looks after lines at both.
type neighbors struct {
	*gomega.WithT
	tb               testing.TB
	ns               string
	hanging, healthy string
	vendor           *emulator.Server
	heal             func()
	mu               sync.Mutex
	called           map[string]bool
	operator         *controllers.Reconciler
}

// newNeighbors starts the vendor and the manager, and creates so many lines at the hanging host.
func newNeighbors(tb testing.TB, lines, workers int, timeout time.Duration, bounded bool) *neighbors {
	tb.Helper()
	needControlPlane(tb)
	s := &neighbors{WithT: gomega.NewWithT(tb), tb: tb, called: map[string]bool{}, vendor: emulator.New(emulator.Options{RestartTime: time.Second})}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "neighbors-"}}
	s.Expect(admin.Create(tb.Context(), namespace)).To(gomega.Succeed())
	s.ns = namespace.Name
	healthy := httptest.NewServer(s.vendor)
	healed := make(chan struct{})
	s.heal = sync.OnceFunc(func() { close(healed) })
	hanging := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.note(strings.Split(r.URL.Path, "/")[1])
		select {
		case <-healed:
			s.vendor.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	tb.Cleanup(func() { s.heal(); s.vendor.Close(); hanging.Close(); healthy.Close() })
	s.hanging, s.healthy = hanging.URL, healthy.URL
	s.start(workers, timeout, bounded)
	// What is there when a manager starts comes after what is new; these are as new as the line that is to be waited for.
	for i := range lines {
		s.line(fmt.Sprintf("hanging-%d", i), s.hanging)
	}
	return s
}

func (s *neighbors) note(instance string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.called[instance] = true
}

// out is how many lines of the hanging host were called.
func (s *neighbors) out() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.called)
}

// line creates a line that wishes for a setting which the vendor has otherwise.
func (s *neighbors) line(name, origin string) {
	s.tb.Helper()
	token := "t0ken-of-" + name + "-abcdefgh"
	leaks.Add(token)
	resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: name}}
	resource.Spec.IDInstance = instanceID + benchInstances.Add(1)
	resource.Spec.APITokenSecretRef.Name = name
	resource.Spec.APIURL = origin
	incoming(true)(resource)
	s.vendor.Add(emulator.Instance{ID: resource.Spec.IDInstance, Token: token})
	s.Expect(admin.Create(s.tb.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: name},
		StringData: map[string]string{v1alpha1.DefaultAPITokenKey: token}})).To(gomega.Succeed())
	s.Expect(admin.Create(s.tb.Context(), resource)).To(gomega.Succeed())
}

func (s *neighbors) start(workers int, timeout time.Duration, bounded bool) {
	s.tb.Helper()
	limits := plan.DefaultLimits()
	limits.CallWindow = patience
	mgr, reconcilers := realOperator{
		managerOptions: managerOptions{namespace: s.ns, log: logr.Discard()}, kinds: instance.Kinds[:1], workers: workers, recorder: noEvents{},
		options: controllers.Options{StateInterval: time.Minute, SettingsInterval: 10 * time.Minute, CallTimeout: timeout, Limits: limits},
	}.setUp(s.tb)
	s.operator = reconcilers[0]
	if !bounded {
		s.operator.Unbound()
	}
	runManager(s.tb, mgr)
}

func (s *neighbors) get(name string) *v1alpha1.WhatsAppInstance {
	resource := &v1alpha1.WhatsAppInstance{}
	s.Expect(admin.Get(s.tb.Context(), client.ObjectKey{Namespace: s.ns, Name: name}, resource)).To(gomega.Succeed())
	return resource
}

// written reports whether settings were sent to the instance of a line.
func (s *neighbors) written(name string) bool {
	return len(s.vendor.Calls(s.get(name).Spec.IDInstance, greenapi.MethodSetSettings)) > 0
}

// TestR41AHostThatHangsDoesNotHoldUpTheOthers: no call to it ever ends, and yet a new line of another host gets its
// settings, a pause is shown and a deletion is handled. Once the host answers, all of its lines are read at once.
func TestR41AHostThatHangsDoesNotHoldUpTheOthers(t *testing.T) {
	const lines, workers = 40, 8
	s := newNeighbors(t, lines, workers, time.Hour, true)
	s.Eventually(s.out, patience).Should(gomega.Equal(workers / 4))
	s.line("new", s.healthy)
	s.Eventually(s.written, patience).WithArguments("new").Should(gomega.BeTrue())

	s.Eventually(func() int { return s.operator.Remembered()["resources"] }, patience).Should(gomega.Equal(lines + 1))
	for i := range lines {
		resource := s.get(fmt.Sprintf("hanging-%d", i))
		s.mu.Lock()
		called := s.called[fmt.Sprintf("waInstance%d", resource.Spec.IDInstance)]
		s.mu.Unlock()
		switch {
		case called:
		case i%2 == 0:
			s.Expect(admin.Patch(t.Context(), resource, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"paused":true}}`)))).To(gomega.Succeed())
			s.Eventually(func() bool {
				return apimeta.IsStatusConditionTrue(s.get(resource.Name).Status.Conditions, v1alpha1.PausedCondition)
			}, patience).Should(gomega.BeTrue())
		case i < 9:
			remembered := s.operator.Remembered()["resources"]
			s.Expect(admin.Delete(t.Context(), resource)).To(gomega.Succeed())
			s.Eventually(func() int { return s.operator.Remembered()["resources"] }, patience).Should(gomega.Equal(remembered - 1))
		}
	}
	s.Expect(s.out()).To(gomega.Equal(workers/4), "nobody else went out meanwhile")

	s.heal()
	s.Eventually(func() (waiting []string) {
		var list v1alpha1.WhatsAppInstanceList
		s.Expect(admin.List(t.Context(), &list, client.InNamespace(s.ns))).To(gomega.Succeed())
		for _, resource := range list.Items {
			if !resource.Spec.Paused && !s.written(resource.Name) {
				waiting = append(waiting, resource.Name)
			}
		}
		return waiting
	}, patience).Should(gomega.BeEmpty(), "who waited is woken, and not left to its next look by itself")
}

// BenchmarkANewLineBesideAHangingHost is how long a new line of a healthy host waits for its first setSettings while a few
// hundred lines of another host hang, without the bound and with it.
func BenchmarkANewLineBesideAHangingHost(b *testing.B) {
	for name, bounded := range map[string]bool{"unbounded": false, "bounded": true} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				s := newNeighbors(b, 200, 16, 2*time.Second, bounded)
				s.Eventually(s.out, patience).Should(gomega.BeNumerically(">=", 4))
				b.StartTimer()
				s.line("new", s.healthy)
				s.Eventually(s.written, 10*time.Minute, 10*time.Millisecond).WithArguments("new").Should(gomega.BeTrue())
			}
		})
	}
}
