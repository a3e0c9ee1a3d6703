// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	. "github.com/onsi/gomega"
	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers/accounts"
	"github.com/greenapi-operator/greenapi-operator/controllers/claims"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// leaks sees all that the operator logs, at the most verbose level.
var leaks = &canary.Watch{}

func TestMain(m *testing.M) {
	ctrl.SetLogger(zap.New(zap.WriteTo(leaks), zap.UseDevMode(true), zap.Level(zapcore.Level(-7))))
	code := m.Run()
	if found := leaks.Hit(); found != "" {
		fmt.Fprintln(os.Stderr, "FAIL: a secret stands in the log (R24):", found)
		code = 1
	}
	os.Exit(code)
}

// tester is what testing.T and rapid.T have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
	Cleanup(func())
}

const (
	shop, system = "shop", "system"
	callTimeout  = 5 * time.Second
)

// world is one operator with its two controllers, an API server in memory, which keeps versions, finalizers and statuses as the real one
// does, and a vendor. The clock is virtual.
type world struct {
	*WithT
	t      tester
	ctx    context.Context
	clock  *clocktesting.FakePassiveClock
	vendor *emulator.Server
	url    string
	token  string
	// cluster is what a person sees, and has the operator's client under it.
	cluster client.WithWatch
	// written are the claims that were written since they were checked.
	written map[types.NamespacedName]bool
	// op is called before and after each request of the operator's to the API server; it may panic with crash.
	op func(when, verb string, object client.Object)
	// fail is an error of the API server for a request of the operator's.
	fail func(verb string, object client.Object) error
	// due are the passes to come, by controller and name.
	due    map[string]map[types.NamespacedName]time.Time
	run    map[string]reconcile.Reconciler
	writes int
	events []string
	uids   int
}

type crash struct{}

// indexes collects the indexes of a cache.
type indexes struct{ builder *fake.ClientBuilder }

func (i indexes) IndexField(_ context.Context, object client.Object, field string, extract client.IndexerFunc) error {
	i.builder.WithIndex(object, field, extract)
	return nil
}

// Eventf is part of events.EventRecorder.
func (w *world) Eventf(_, _ runtime.Object, kind, reason, _, note string, args ...any) {
	text := kind + " " + reason + ": " + fmt.Sprintf(note, args...)
	w.events = append(w.events, text)
	w.secretFree(text)
}

func (w *world) secretFree(text string) {
	w.t.Helper()
	if found := leaks.Search(text); found != "" {
		w.t.Errorf("R24: the secret %q stands in %s", found, text)
	}
}

func newWorld(t tester, change func(*v1alpha1.PartnerAccount)) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), WithT: NewWithT(t), clock: clocktesting.NewFakePassiveClock(time.Now().Truncate(time.Second)), token: "gac.0123456789abcdefghij"}
	leaks.Add(w.token)
	scheme := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	builder := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.PartnerAccount{}, &v1alpha1.InstanceClaim{})
	w.Expect(claims.SetupIndexes(w.ctx, indexes{builder})).To(Succeed())
	w.cluster, w.written = w.noting(builder.Build()), map[types.NamespacedName]bool{}
	w.vendor = emulator.New(emulator.Options{Now: w.clock.Now, RateInterval: -1, OnToken: func(token string) { leaks.Add(token) }})
	w.vendor.AddAccount(emulator.Account{Name: "reseller", Token: w.token})
	server := httptest.NewServer(w.vendor)
	t.Cleanup(func() { w.vendor.Close(); server.Close() })
	w.url = server.URL
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: shop, Labels: map[string]string{"greenapi-claims": "allowed"}}})
	w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "reseller-partner"}, Data: map[string][]byte{"partnerToken": []byte(w.token)}})
	account := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: "reseller", Generation: 1}, Spec: v1alpha1.PartnerAccountSpec{
		PartnerAPIURL: w.url, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: "reseller-partner"}, Messenger: "whatsapp", OwnerKey: "prod-eu",
		AllowedNamespaces: &metav1.LabelSelector{MatchLabels: map[string]string{"greenapi-claims": "allowed"}},
		Limits:            v1alpha1.PartnerLimits{MaxInstances: 5, MaxCreatesPerHour: 10}, Mode: v1alpha1.ModeCreateAndDelete,
	}}
	if change != nil {
		change(account)
	}
	w.create(account)
	w.restart()
	return w
}

// create creates an object as the API server does.
func (w *world) create(object client.Object) {
	w.t.Helper()
	w.uids++
	object.SetUID(types.UID(fmt.Sprintf("uid-%d", w.uids)))
	object.SetCreationTimestamp(metav1.NewTime(w.clock.Now()))
	w.Expect(w.cluster.Create(w.ctx, object)).To(Succeed())
}

// intercepted is a cluster whose writes go through a function.
func intercepted(cluster client.WithWatch, do func(verb string, object client.Object, call func() error) error) client.WithWatch {
	return interceptor.NewClient(cluster, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			return do("create", o, func() error { return c.Create(ctx, o, options...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.UpdateOption) error {
			return do("update", o, func() error { return c.Update(ctx, o, options...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.DeleteOption) error {
			return do("delete", o, func() error { return c.Delete(ctx, o, options...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, options ...client.PatchOption) error {
			return do("patch", o, func() error { return c.Patch(ctx, o, patch, options...) })
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, o client.Object, options ...client.SubResourceUpdateOption) error {
			return do("status", o, func() error { return c.SubResource(sub).Update(ctx, o, options...) })
		},
	})
}

// noting notes which claims are written.
func (w *world) noting(cluster client.WithWatch) client.WithWatch {
	return intercepted(cluster, func(_ string, object client.Object, call func() error) error {
		if _, ok := object.(*v1alpha1.InstanceClaim); ok {
			w.written[client.ObjectKeyFromObject(object)] = true
		}
		return call()
	})
}

// operators is the operator's client.
func (w *world) operators() client.WithWatch {
	return intercepted(w.cluster, func(verb string, object client.Object, call func() error) error {
		if w.op != nil {
			w.op("before", verb, object)
		}
		w.writes++
		var err error
		if w.fail != nil {
			err = w.fail(verb, object)
		}
		if err == nil {
			err = call()
		}
		if w.op != nil && err == nil {
			w.op("after", verb, object)
		}
		return err
	})
}

// process makes an operator's process: its two reconcilers, and what its watches would wake.
func (w *world) process() (run map[string]reconcile.Reconciler, book *partner.Book) {
	vendor := greenapi.New(greenapi.Options{Timeout: callTimeout, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "story"})
	operators := w.operators()
	book = &partner.Book{}
	return map[string]reconcile.Reconciler{
		"account": &accounts.Reconciler{Options: accounts.Options{Namespace: system}, Client: operators, Live: operators, Clock: w.clock, Recorder: w, Connect: vendor.Partner, Book: book},
		"claim": &claims.Reconciler{Options: claims.Options{CallTimeout: callTimeout}, Client: operators, Live: operators, Clock: w.clock, Recorder: w, Book: book,
			Connect: func(target greenapi.Target) (claims.Line, error) { return vendor.Instance(target) }},
	}, book
}

// reconciler is that of claims.
func (w *world) reconciler() *claims.Reconciler {
	w.t.Helper()
	reconciler, ok := w.run["claim"].(*claims.Reconciler)
	w.Expect(ok).To(BeTrue())
	return reconciler
}

// restart replaces the process; the new one looks at everything.
func (w *world) restart() {
	run, book := w.process()
	w.run, w.due = run, map[string]map[types.NamespacedName]time.Time{"account": {}, "claim": {}}
	book.OnWanted(func(account string) { w.wake("account", types.NamespacedName{Name: account}) })
	book.OnNews(func(claim types.NamespacedName) { w.wake("claim", claim) })
	w.wake("account", types.NamespacedName{Name: "reseller"})
	w.wakeAll()
}

func (w *world) wake(controller string, name types.NamespacedName) {
	w.due[controller][name] = w.clock.Now()
}

// wakeAll wakes all claims, as a change of their account or namespace does.
func (w *world) wakeAll() {
	list := &v1alpha1.InstanceClaimList{}
	w.Expect(w.cluster.List(w.ctx, list)).To(Succeed())
	for i := range list.Items {
		w.wake("claim", client.ObjectKeyFromObject(&list.Items[i]))
	}
}

// next is the pass that is due first, accounts before claims.
func (w *world) next() (controller string, name types.NamespacedName, at time.Time) {
	for _, c := range []string{"account", "claim"} {
		names := make([]types.NamespacedName, 0, len(w.due[c]))
		for n := range w.due[c] {
			names = append(names, n)
		}
		slices.SortFunc(names, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
		for _, n := range names {
			if due := w.due[c][n]; controller == "" || due.Before(at) {
				controller, name, at = c, n, due
			}
		}
	}
	return controller, name, at
}

// forward lets time pass, with every pass that is due.
func (w *world) forward(d time.Duration) {
	w.t.Helper()
	until := w.clock.Now().Add(d)
	for {
		controller, name, at := w.next()
		if controller == "" || at.After(until) {
			break
		}
		if at.After(w.clock.Now()) {
			w.clock.SetTime(at)
		}
		w.pass(controller, name)
	}
	w.clock.SetTime(until)
}

// pass makes one pass. A crash in it replaces the process.
func (w *world) pass(controller string, name types.NamespacedName) {
	w.t.Helper()
	delete(w.due[controller], name)
	before := w.stalled()
	defer func() {
		switch failure := recover(); failure.(type) {
		case nil:
		case crash:
			w.restart()
		default:
			panic(failure)
		}
	}()
	result, err := w.run[controller].Reconcile(w.ctx, reconcile.Request{NamespacedName: name})
	w.clock.SetTime(w.clock.Now().Add(10 * time.Millisecond))
	after := result.RequeueAfter
	if err != nil {
		w.Expect(apierrors.IsConflict(err) || apierrors.IsServerTimeout(err) || apierrors.IsNotFound(err) && w.gone(name)).To(BeTrue(), "%v", err)
		after = time.Second
	}
	if at, woken := w.due[controller][name]; after > 0 && (!woken || at.After(w.clock.Now().Add(after))) {
		w.due[controller][name] = w.clock.Now().Add(after)
	}
	if w.stalled() != before {
		w.wakeAll()
	}
	w.check()
}

func (w *world) stalled() bool {
	account := &v1alpha1.PartnerAccount{}
	return w.cluster.Get(w.ctx, types.NamespacedName{Name: "reseller"}, account) == nil && apimeta.IsStatusConditionTrue(account.Status.Conditions, v1alpha1.StalledCondition)
}

// claim creates a claim.
func (w *world) claim(name string, change func(*v1alpha1.InstanceClaim)) types.NamespacedName {
	w.t.Helper()
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: name, Generation: 1},
		Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: "reseller"}}}
	if change != nil {
		change(claim)
	}
	w.create(claim)
	// The default of the schema.
	claim.Status.ObservedGeneration = -1
	w.Expect(w.cluster.Status().Update(w.ctx, claim)).To(Succeed())
	key := client.ObjectKeyFromObject(claim)
	w.wake("claim", key)
	return key
}

func (w *world) claimKey(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: shop, Name: name}
}

func (w *world) get(key types.NamespacedName) *v1alpha1.InstanceClaim {
	w.t.Helper()
	claim := &v1alpha1.InstanceClaim{}
	w.Expect(w.cluster.Get(w.ctx, key, claim)).To(Succeed())
	return claim
}

func (w *world) gone(key types.NamespacedName) bool {
	return apierrors.IsNotFound(w.cluster.Get(w.ctx, key, &v1alpha1.InstanceClaim{}))
}

func (w *world) account() *v1alpha1.PartnerAccount {
	w.t.Helper()
	account := &v1alpha1.PartnerAccount{}
	w.Expect(w.cluster.Get(w.ctx, types.NamespacedName{Name: "reseller"}, account)).To(Succeed())
	return account
}

// editAccount changes the account, which wakes it and its claims.
func (w *world) editAccount(change func(*v1alpha1.PartnerAccount)) {
	w.t.Helper()
	account := w.account()
	change(account)
	account.Generation++
	w.Expect(w.cluster.Update(w.ctx, account)).To(Succeed())
	w.wake("account", types.NamespacedName{Name: "reseller"})
	w.wakeAll()
}

func (w *world) edit(key types.NamespacedName, change func(*v1alpha1.InstanceClaim)) {
	w.t.Helper()
	claim := w.get(key)
	change(claim)
	claim.Generation++
	w.Expect(w.cluster.Update(w.ctx, claim)).To(Succeed())
	w.wake("claim", key)
}

func (w *world) delete(key types.NamespacedName) {
	w.t.Helper()
	w.Expect(w.cluster.Delete(w.ctx, &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}})).To(Succeed())
	w.wake("claim", key)
}

// secret returns the values of the Secret of a claim, nil if there is none.
func (w *world) secret(name string) map[string]string {
	w.t.Helper()
	secret := &corev1.Secret{}
	if err := w.cluster.Get(w.ctx, types.NamespacedName{Namespace: shop, Name: name}, secret); err != nil {
		w.Expect(apierrors.IsNotFound(err)).To(BeTrue())
		return nil
	}
	values := map[string]string{}
	for key, value := range secret.Data {
		values[key] = string(value)
	}
	return values
}

// expect expects a condition of a claim to have a status and a reason; none is "".
func (w *world) expect(key types.NamespacedName, condition, want string) {
	w.t.Helper()
	c := apimeta.FindStatusCondition(w.get(key).Status.Conditions, condition)
	if c == nil {
		c = &metav1.Condition{}
	}
	w.Expect(strings.TrimSpace(string(c.Status)+" "+c.Reason)).To(Equal(want), "%s of %s: %s", condition, key, c.Message)
}

// living are the numbers of the vendor's living instances with a name.
func (w *world) living(name string) []int64 {
	var ids []int64
	ended := map[int64]bool{}
	for _, entry := range w.vendor.Ledger() {
		if entry.What == emulator.EntryDeleted {
			ended[entry.ID] = true
		}
	}
	for _, entry := range w.vendor.Sold(name) {
		if !ended[entry.ID] {
			ids = append(ids, entry.ID)
		}
	}
	return ids
}

func (w *world) calls(method string) int { return len(w.vendor.Calls(0, method)) }

// check holds everything against the rules of kstatus, and looks for secrets.
func (w *world) check() {
	w.t.Helper()
	for key := range w.written {
		delete(w.written, key)
		if w.gone(key) {
			continue
		}
		claim := w.get(key)
		text, err := json.Marshal(claim)
		w.Expect(err).NotTo(HaveOccurred())
		w.secretFree(string(text))
		is := func(condition string) bool {
			return apimeta.IsStatusConditionTrue(claim.Status.Conditions, condition)
		}
		w.Expect(is(v1alpha1.ReconcilingCondition) && is(v1alpha1.StalledCondition)).To(BeFalse(), "R26")
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(claim)
		w.Expect(err).NotTo(HaveOccurred())
		verdict, err := status.Compute(&unstructured.Unstructured{Object: object})
		w.Expect(err).NotTo(HaveOccurred())
		want := status.InProgressStatus
		switch {
		case !claim.DeletionTimestamp.IsZero():
			want = status.TerminatingStatus
		case claim.Status.ObservedGeneration != claim.Generation:
		case is(v1alpha1.StalledCondition):
			want = status.FailedStatus
		case is(v1alpha1.ReadyCondition):
			want = status.CurrentStatus
		}
		w.Expect(verdict.Status).To(Equal(want), "%+v", claim.Status.Conditions)
	}
}

// sum adds up what the account's status counts, so that stories can compare it.
func (w *world) counts() v1alpha1.PartnerInstances {
	if found := w.account().Status.Instances; found != nil {
		return *found
	}
	return v1alpha1.PartnerInstances{}
}

var _ tester = (*testing.T)(nil)
