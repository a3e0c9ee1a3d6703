// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers/accounts"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// story is one operator, one vendor and one partner account on the real API server. The clock is virtual.
type story struct {
	*WithT
	t          *testing.T
	ctx        context.Context
	ns, name   string
	token      string
	clock      *clocktesting.FakePassiveClock
	vendor     *emulator.Server
	url        string
	reconciler *accounts.Reconciler
	options    accounts.Options
	due        time.Time
	// writes counts the writes of statuses, reads those of Secrets.
	writes, reads int
	events        []string
}

// Eventf is part of events.EventRecorder.
func (s *story) Eventf(_, _ runtime.Object, kind, reason, _, note string, args ...any) {
	text := kind + " " + reason + ": " + fmt.Sprintf(note, args...)
	s.events = append(s.events, text)
	if found := leaks.Search(text); found != "" || len(text) > 1024 {
		s.t.Errorf("R24: an event of %d bytes holds the secret %q", len(text), found)
	}
}

func newStory(t *testing.T) *story {
	t.Helper()
	needControlPlane(t)
	s := &story{WithT: NewWithT(t), t: t, ctx: t.Context(), clock: clocktesting.NewFakePassiveClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "story-"}}
	s.Expect(admin.Create(s.ctx, namespace)).To(Succeed())
	s.ns, s.name = namespace.Name, "account-"+namespace.Name
	s.token = "gac.0123456789abcdef" + strings.ReplaceAll(s.ns, "-", "")
	leaks.Add(s.token)
	s.vendor = emulator.New(emulator.Options{Now: s.clock.Now, RateInterval: -1, OnToken: func(token string) { leaks.Add(token) }})
	s.vendor.AddAccount(emulator.Account{Name: "reseller", Token: s.token})
	server := httptest.NewServer(s.vendor)
	t.Cleanup(func() { s.vendor.Close(); server.Close() })
	s.url = server.URL
	s.options = accounts.Options{Namespace: s.ns}
	s.restart()
	return s
}

// restart replaces the operator's process.
func (s *story) restart() {
	counted := interceptor.NewClient(admin, interceptor.Funcs{
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, o client.Object, options ...client.SubResourceUpdateOption) error {
			s.writes++
			return c.SubResource(sub).Update(ctx, o, options...)
		},
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
			if _, ok := o.(*corev1.Secret); ok {
				s.reads++
				s.Expect(key.Namespace).To(Equal(s.ns), "Secrets are read from the operator's own namespace alone")
			}
			return c.Get(ctx, key, o, options...)
		},
	})
	vendor := greenapi.New(greenapi.Options{Timeout: 5 * time.Second, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "story"})
	s.reconciler = &accounts.Reconciler{
		Options: s.options, Client: counted, Live: counted, Clock: s.clock, Recorder: s,
		Connect: vendor.Partner, Book: &partner.Book{},
	}
	s.due = s.clock.Now()
}

// line puts an instance of the account on the vendor.
func (s *story) line(id int64, name string) {
	token := fmt.Sprintf("t0ken%dabcdef%s", id, s.ns)
	leaks.Add(token)
	s.vendor.Add(emulator.Instance{ID: id, Token: token, Name: name, Account: "reseller"})
}

func (s *story) secret(values map[string]string) {
	s.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "reseller-partner"}}
	_, err := ctrl.CreateOrUpdate(s.ctx, admin, secret, func() error {
		secret.Data, secret.StringData = nil, values
		return nil
	})
	s.Expect(err).NotTo(HaveOccurred())
}

// account creates the account, with its Secret.
func (s *story) account(change func(*v1alpha1.PartnerAccount)) {
	s.t.Helper()
	s.secret(map[string]string{"partnerToken": " " + s.token + "\n"})
	account := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: s.name}, Spec: v1alpha1.PartnerAccountSpec{
		PartnerAPIURL: s.url, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: "reseller-partner"}, Messenger: "whatsapp", OwnerKey: "prod-eu",
		Limits: v1alpha1.PartnerLimits{MaxInstances: 5, MaxCreatesPerHour: 1},
	}}
	if change != nil {
		change(account)
	}
	s.Expect(admin.Create(s.ctx, account)).To(Succeed())
	s.t.Cleanup(func() { _ = admin.Delete(context.Background(), account) })
	s.due = s.clock.Now()
}

func (s *story) get() *v1alpha1.PartnerAccount {
	s.t.Helper()
	account := &v1alpha1.PartnerAccount{}
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Name: s.name}, account)).To(Succeed())
	return account
}

func (s *story) edit(change func(*v1alpha1.PartnerAccount)) {
	s.t.Helper()
	account := s.get()
	change(account)
	s.Expect(admin.Update(s.ctx, account)).To(Succeed())
	s.due = s.clock.Now()
}

func (s *story) request(value string) {
	s.edit(func(a *v1alpha1.PartnerAccount) {
		a.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: value}
	})
}

// pass makes one pass, and holds the status against what every status must be.
func (s *story) pass() {
	s.t.Helper()
	result, err := s.reconciler.Reconcile(s.ctx, reconcile.Request{NamespacedName: types.NamespacedName{Name: s.name}})
	s.Expect(err).NotTo(HaveOccurred())
	s.due = s.clock.Now().Add(result.RequeueAfter)
	s.check()
}

// forward lets time pass, with every pass that is due.
func (s *story) forward(d time.Duration) {
	s.t.Helper()
	until := s.clock.Now().Add(d)
	for !s.due.After(until) {
		if s.due.After(s.clock.Now()) {
			s.clock.SetTime(s.due)
		}
		s.pass()
	}
	s.clock.SetTime(until)
}

func (s *story) lists() int { return len(s.vendor.Calls(0, greenapi.MethodGetInstances)) }

func (s *story) condition(name string) metav1.Condition {
	s.t.Helper()
	c := apimeta.FindStatusCondition(s.get().Status.Conditions, name)
	if c == nil {
		return metav1.Condition{}
	}
	return *c
}

// expect expects a condition to have a status and a reason; none is "".
func (s *story) expect(condition, want string) {
	s.t.Helper()
	c := s.condition(condition)
	s.Expect(strings.TrimSpace(string(c.Status)+" "+c.Reason)).To(Equal(want), "%s: %s", condition, c.Message)
}

// check holds the account against the rules of kstatus and the contract, and looks for secrets in it.
func (s *story) check() {
	s.t.Helper()
	account := s.get()
	text, err := json.Marshal(account)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(leaks.Search(string(text))).To(BeEmpty(), "R24: a secret stands in the account")
	is := func(condition string) bool {
		return apimeta.IsStatusConditionTrue(account.Status.Conditions, condition)
	}
	s.Expect(is(v1alpha1.ReconcilingCondition) && is(v1alpha1.StalledCondition)).To(BeFalse(), "R26")
	s.Expect(len(account.Status.KnownIDs)).To(BeNumerically("<=", 8))
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(account)
	s.Expect(err).NotTo(HaveOccurred())
	verdict, err := status.Compute(&unstructured.Unstructured{Object: object})
	s.Expect(err).NotTo(HaveOccurred())
	want := status.InProgressStatus
	switch {
	case account.Status.ObservedGeneration != account.Generation:
	case is(v1alpha1.StalledCondition):
		want = status.FailedStatus
	case is(v1alpha1.ReconcilingCondition):
	case is(v1alpha1.ReadyCondition):
		want = status.CurrentStatus
	}
	s.Expect(verdict.Status).To(Equal(want), "%+v", account.Status.Conditions)
	s.Expect(s.vendor.Ledger()).To(BeEmpty(), "nothing is ever bought, deleted or rotated")
	for _, call := range s.vendor.Calls(0, "") {
		s.Expect(call.Method).To(Equal(greenapi.MethodGetInstances))
	}
}

// metrics are the operator's gauges by account and state.
func (s *story) metrics() map[string]float64 {
	s.t.Helper()
	registry := prometheus.NewRegistry()
	s.Expect(accounts.RegisterMetrics(registry, admin)).To(Succeed())
	families, err := registry.Gather()
	s.Expect(err).NotTo(HaveOccurred())
	found := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if labels := metric.GetLabel(); labels[0].GetValue() == s.name {
				found[family.GetName()+" "+labels[1].GetValue()] = metric.GetGauge().GetValue()
			}
		}
	}
	return found
}

func requestFor(name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Name: name}}
}
