// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv/flux"
)

// rotatable makes the Secret of a line anew, as a person does who lets the token in it be replaced.
func (d *desk) rotatable(name, owner string) {
	d.t.Helper()
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: d.ns, Name: name}
	d.Expect(admin.Get(d.ctx, key, secret)).To(Succeed())
	d.Expect(admin.Delete(d.ctx, secret)).To(Succeed())
	anew := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name, Labels: map[string]string{v1alpha1.RotateLabel: "true"}}, Data: secret.Data}
	d.Expect(admin.Create(d.ctx, anew, client.FieldOwner(owner))).To(Succeed())
}

// asksFor is what the spec of a line asks for, "" for nothing.
func (d *desk) asksFor(name string) string { return requestedAt(d.get(name)) }

func TestRotateAsksFirstAndWaitsForTheNewToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support", 1, nil)
	d.rotatable("support-token", "kubectl-create")
	d.Expect(d.kubectl("rotate", "support", "--yes").err).To(ContainSubstring("was not looked at yet, and a request that is there at first sight is ignored"))
	d.operate()
	d.ready("support")
	before, _ := d.vendor.Get(line.Spec.IDInstance)

	silent := d.kubectl("rotate", "support")
	d.Expect(silent.code).To(Equal(exitFailed))
	golden(t, "rotate-question", d.named(silent.err))
	for _, answer := range []string{"n\n", "\n", "perhaps\n"} {
		command := d.command("rotate", "support")
		command.Stdin = strings.NewReader(answer)
		_ = command.Run()
		d.Expect(command.ProcessState.ExitCode()).To(Equal(exitNo), "%q", answer)
	}
	d.Expect(d.asksFor("support")).To(BeEmpty(), "no is no")

	done := d.kubectl("rotate", "wai", "support", "--yes", "--wait", "--timeout=50s")
	d.Expect(done.code).To(Equal(exitDone), done.err)
	d.Expect(done.out).To(HavePrefix("WhatsAppInstance " + d.ns + "/support: asked for a new API token\n"))
	d.Expect(done.out).To(HaveSuffix("support: the API token was replaced, and Secret \"support-token\" has the new one\n"))
	after, _ := d.vendor.Get(line.Spec.IDInstance)
	d.secrets.Add(after.Token)
	d.search(done)
	d.Expect(after.Token).NotTo(Equal(before.Token))
	d.Expect(d.vendor.Calls(line.Spec.IDInstance, "updateApiToken")).To(HaveLen(1))
	asked, err := time.Parse(time.RFC3339, d.asksFor("support"))
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(asked.Location()).To(Equal(time.UTC))

	page := d.kubectl("status", "support").out
	d.Expect(page).To(MatchRegexp(`\d+s ago: the API token was replaced, and the Secret has the new one \(Rotated\)`))
	told := d.kubectl("events", "support").out
	d.Expect(strings.Count(told, "API token was replaced")).To(Equal(1), told)
}

func TestRotateSaysWhatTheVendorRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support", 1, nil)
	d.rotatable("support-token", "kubectl-create")
	d.operate()
	d.ready("support")
	d.vendor.Fault(emulator.Fault{Method: "updateApiToken", Status: 429, Times: -1})
	refused := d.kubectl("rotate", "support", "--yes", "--wait", "--timeout=50s")
	d.Expect(refused.code).To(Equal(exitNo))
	d.Expect(refused.err).To(Equal("error: WhatsAppInstance " + d.ns + "/support: the token was not replaced, and the old one is in force\n  To try once more: kubectl greenapi rotate wai/support -n " + d.ns + "\n"))
	d.Expect(d.vendor.Calls(line.Spec.IDInstance, "updateApiToken")).To(HaveLen(1), "once, whatever comes of it")
}

// TestRotateLooksAtTheSecretFirst, with the rights of whoever asks, and says what the operator says where those do not reach.
func TestRotateLooksAtTheSecretFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support", 1, nil)
	d.operate()
	d.ready("support")
	bare := d.kubectl("rotate", "support", "--yes")
	d.Expect(bare.code).To(Equal(exitFailed))
	d.Expect(bare.err).To(ContainSubstring("kubectl -n " + d.ns + " label secret support-token messaging.greenapi-operator.dev/rotate=true"))
	d.rotatable("support-token", "external-secrets")
	d.Expect(d.kubectl("rotate", "support", "--yes").err).To(ContainSubstring(`is written by "external-secrets", which would put the old token back`))
	d.Expect(d.asksFor("support")).To(BeEmpty(), "nothing is asked for in vain")

	admins := d.kubeconfig
	d.asUser("editor", rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"get", "list", "patch"}})
	unseen := d.kubectl("rotate", "support", "--yes", "--wait", "--timeout=50s")
	d.Expect(unseen.code).To(Equal(exitNo))
	d.Expect(unseen.err).To(HavePrefix(`note: you may not read Secret "support-token"`))
	d.Expect(unseen.err).To(ContainSubstring("support: nothing was called. Key \"apiTokenInstance\" of Secret \"support-token\" is written by \"external-secrets\""))
	d.Expect(unseen.err).To(ContainSubstring("\n  The request stays: once the Secret is put right, the token is replaced."))
	d.Expect(d.vendor.Calls(line.Spec.IDInstance, "updateApiToken")).To(BeEmpty())

	d.kubeconfig = admins
	d.Expect(admin.Delete(d.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "support-token"}})).To(Succeed())
	d.Expect(d.kubectl("rotate", "support", "--yes").err).To(MatchRegexp(`Secret "support-token" is not there|waits for a person first`))
}

func TestRotateIsRefusedWhereItWouldBeIgnored(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("watched", 1, func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve })
	d.line("asleep", 2, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	states := map[string]func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time){
		"stalled": func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			set(s, at(time.Hour), v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ReasonUnauthorized, "The vendor refuses the API token")
		},
		"unanswered": func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			set(s, at(time.Hour), v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonObservationStale, "No answer")
		},
		"open": func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			s.APITokenRotation = &v1alpha1.RotationRecord{Request: "2026-01-02", StartedTime: &metav1.MicroTime{Time: at(time.Hour).Time}, Outcome: v1alpha1.RotationPending}
		},
		"lost": func(s *v1alpha1.InstanceStatus, _ func(time.Duration) metav1.Time) {
			s.APITokenRotation = &v1alpha1.RotationRecord{Request: "2026-01-02", Outcome: v1alpha1.RotationLost}
		},
		"claimless": func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
			set(s, at(time.Hour), v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonClaimNotReady, "The claim waits")
		},
	}
	number := 2
	for name, change := range states {
		number++
		d.craft(name, number, change)
	}
	for name, want := range map[string]string{
		"watched":    "has the policy Observe, under which no token is replaced\n  Remove spec.reconcilePolicy first",
		"asleep":     "is paused, so nobody reads it\n  Resume it first: kubectl greenapi resume wai/asleep -n " + d.ns,
		"stalled":    "waits for a person first (Unauthorized), and a request that comes before that is ignored\n  See what: kubectl greenapi status wai/stalled -n " + d.ns,
		"unanswered": "the vendor has not answered for some time, and a request meanwhile is ignored\n  See whether the operator reaches the vendor",
		"open":       "a rotation is under way, and it is not known yet whether the vendor made a new token\n  Wait for what comes of it: kubectl greenapi status wai/open -n " + d.ns,
		"lost":       "the token was lost in an earlier rotation. Another one cannot be asked for without a token\n  Copy apiTokenInstance",
		"claimless":  "its InstanceClaim does not have the instance, so there is no token to replace\n  See what",
	} {
		refused := d.kubectl("rotate", name, "--yes")
		d.Expect(refused.code).To(Equal(exitFailed), name)
		d.Expect(refused.err).To(ContainSubstring(want))
		d.Expect(d.asksFor(name)).To(BeEmpty(), name)
	}
	d.Expect(d.kubectl("rotate").err).To(ContainSubstring("Write kubectl greenapi rotate NAME"))
	d.Expect(d.kubectl("rotate", "watched", "asleep", "--yes").err).To(ContainSubstring("rotate is about one instance, and 2 names were given"))
	d.Expect(d.kubectl("rotate", "-A", "--yes").err).To(ContainSubstring("unknown shorthand flag: 'A'"), "no token of a fleet is replaced by one word")
}

// TestRotateKnowsWhatGitPutsBack: a time that is put back asks for nothing, and any other text would ask once more.
func TestRotateKnowsWhatGitPutsBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, value := range map[string]string{"by-time": "2026-01-02", "by-word": "please"} {
		line := d.craft(name, len(name), func(s *v1alpha1.InstanceStatus, _ func(time.Duration) metav1.Time) {
			s.APITokenRotation = &v1alpha1.RotationRecord{Request: value, Outcome: v1alpha1.RotationRotated}
		})
		d.rotatable(name+"-token", "kubectl")
		flux.Apply(t, admin, d.inGit(line, map[string]any{"apiTokenRotation": map[string]any{"requestedAt": value}}))
	}
	byTime := d.kubectl("rotate", "by-time", "--yes")
	d.Expect(byTime.code).To(Equal(exitDone))
	d.Expect(byTime.err).To(Equal("warning: WhatsAppInstance " + d.ns + "/by-time: Flux (kustomize-controller) sets requestedAt from Git, and undoes this at its next reconcile. Change it in Git\n"))
	byWord := d.kubectl("rotate", "by-word", "--yes")
	d.Expect(byWord.code).To(Equal(exitFailed))
	d.Expect(byWord.err).To(MatchRegexp(`The value there, "please", is no time, so putting it back would replace the token a second time\n  Change it in Git, to a time such as 20\d\d-[0-9T:-]+Z\n$`))
	d.Expect(d.asksFor("by-word")).To(Equal("please"))

	// Without such a tool the next apply of the manifest does it.
	alone := d.craft("alone", 3, func(s *v1alpha1.InstanceStatus, _ func(time.Duration) metav1.Time) {
		s.APITokenRotation = &v1alpha1.RotationRecord{Request: "please"}
	})
	alone.Spec.APITokenRotation = &v1alpha1.APITokenRotation{RequestedAt: "please"}
	d.Expect(admin.Update(d.ctx, alone)).To(Succeed())
	d.rotatable("alone-token", "kubectl")
	warned := d.kubectl("rotate", "alone", "--yes")
	d.Expect(warned.code).To(Equal(exitDone))
	d.Expect(warned.err).To(ContainSubstring(`a manifest that still has requestedAt "please" replaces the token once more when it is applied`))
}

// TestTwoWhoAskAtOnceRotateOnce: what changed since the resource was read is looked at before anything is asked for.
func TestTwoWhoAskAtOnceRotateOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := &session{IOStreams: genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &bytes.Buffer{}, ErrOut: &bytes.Buffer{}}, clock: clock.RealClock{}}
	ask := func(name string, meanwhile func(*v1alpha1.WhatsAppInstance)) error {
		read, once := d.get(name), true
		between := interceptor.NewClient(admin, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if once {
				once = false
				meanwhile(d.get(name))
			}
			return c.Patch(ctx, obj, patch, opts...)
		}})
		v := &rotateVerb{session: s, cluster: between}
		_, err := v.ask(d.ctx, read)
		return err
	}
	merge := func(line *v1alpha1.WhatsAppInstance, text string) {
		d.Expect(admin.Patch(d.ctx, line, client.RawPatch(types.MergePatchType, []byte(text)))).To(Succeed())
	}
	d.craft("one", 1, nil)
	d.Expect(ask("one", func(line *v1alpha1.WhatsAppInstance) {
		merge(line, `{"spec":{"apiTokenRotation":{"requestedAt":"2026-01-02"}}}`)
	})).
		To(MatchError(ContainSubstring("another rotation was asked for or carried out meanwhile, so nothing was done")))
	d.Expect(d.asksFor("one")).To(Equal("2026-01-02"))
	d.craft("two", 2, nil)
	d.Expect(ask("two", func(line *v1alpha1.WhatsAppInstance) { merge(line, `{"spec":{"paused":true}}`) })).To(MatchError(ContainSubstring("is paused")))
	d.Expect(d.asksFor("two")).To(BeEmpty())
	d.craft("three", 3, nil)
	d.Expect(ask("three", func(line *v1alpha1.WhatsAppInstance) { merge(line, `{"metadata":{"labels":{"team":"shop"}}}`) })).To(Succeed())
	d.Expect(d.asksFor("three")).NotTo(BeEmpty(), "any other change is no matter")
}

// TestWhatComesOfARotation: each outcome has words, a next step and an exit code.
func TestWhatComesOfARotation(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const at = "2026-11-29T10:00:00Z"
	asked := func() *v1alpha1.WhatsAppInstance {
		line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "line", Generation: 2}}
		line.Spec.APITokenSecretRef.Name, line.Spec.APITokenRotation = "line-token", &v1alpha1.APITokenRotation{RequestedAt: at}
		line.Status.ObservedGeneration = 2
		return line
	}
	ended := func(line *v1alpha1.WhatsAppInstance, before *metav1.Condition, waited time.Duration) bool {
		return rotationEnded(line, at, before, waited)
	}
	var all strings.Builder
	tell := func(line *v1alpha1.WhatsAppInstance) int {
		var out, errOut bytes.Buffer
		v := &rotateVerb{session: &session{IOStreams: genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}}}
		code := report(&errOut, v.conclude(line, at))
		all.WriteString(out.String() + errOut.String())
		return code
	}
	for outcome, want := range map[v1alpha1.RotationOutcome]int{v1alpha1.RotationRotated: exitDone, v1alpha1.RotationRecovered: exitDone,
		v1alpha1.RotationNotRotated: exitNo, v1alpha1.RotationLost: exitNo, "": exitNo} {
		line := asked()
		line.Status.APITokenRotation = &v1alpha1.RotationRecord{Request: at, Outcome: outcome}
		g.Expect(ended(line, nil, 0)).To(BeTrue(), "%q", outcome)
		g.Expect(tell(line)).To(Equal(want), "%q", outcome)
	}
	for _, want := range []string{"has the new one\n", "which the vendor accepts\n", "the old one is in force\n  To try once more: kubectl greenapi rotate wai/line -n shop\n",
		"the old token is dead\n  Copy apiTokenInstance of this instance from the vendor's console into Secret line-token\n", "took note of the request and called nothing"} {
		g.Expect(all.String()).To(ContainSubstring(want))
	}

	line := asked()
	g.Expect(ended(line, nil, time.Hour)).To(BeFalse(), "nobody looked yet")
	line.Status.APITokenRotation = &v1alpha1.RotationRecord{Request: at, Outcome: v1alpha1.RotationPending}
	g.Expect(ended(line, nil, time.Hour)).To(BeFalse())
	line.Status.APITokenRotation.Request = "2026-11-28"
	refused := metav1.Condition{Type: v1alpha1.TokenRotatedCondition, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonSecretNotOwned, Message: "It is not owned", ObservedGeneration: 2}
	line.Status.Conditions = []metav1.Condition{refused}
	g.Expect(ended(line, nil, 0)).To(BeTrue())
	g.Expect(ended(line, &refused, 0)).To(BeFalse(), "it may have been said of an earlier request")
	g.Expect(ended(line, &refused, time.Minute)).To(BeTrue())
	g.Expect(tell(line)).To(Equal(exitNo))
	g.Expect(all.String()).To(HaveSuffix("nothing was called. It is not owned\n  The request stays: once the Secret is put right, the token is replaced. To take it back, remove spec.apiTokenRotation\n"))
	line.Generation = 3
	g.Expect(ended(line, nil, 0)).To(BeFalse(), "it is about an earlier edit")

	line.Spec.APITokenRotation.RequestedAt = "2026-11-28"
	g.Expect(ended(line, nil, 0)).To(BeTrue())
	g.Expect(tell(line)).To(Equal(exitNo))
	g.Expect(all.String()).To(ContainSubstring(`something changed the request to "2026-11-28" before the operator saw it`))
}

// TestARotationIsAskedForAtALaterTime than what was asked for or handled before, also where that was a date or another machine's time.
func TestARotationIsAskedForAtALaterTime(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	now := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct{ wanted, handled, next string }{
		{"", "", "2026-11-29T10:00:00Z"}, {"x", "y", "2026-11-29T10:00:00Z"}, {"2026-11-28", "2026-11-28", "2026-11-29T10:00:00Z"},
		{"", "2026-11-29T10:00:00Z", "2026-11-29T10:00:00.000000001Z"}, {"", "2026-12-01", "2026-12-01T00:00:00.000000001Z"},
		{"2026-12-01", "2026-11-28", "2026-12-01T00:00:00.000000001Z"}, {"x", "2026-11-29T13:00:00+02:00", "2026-11-29T11:00:00.000000001Z"},
	} {
		line := &v1alpha1.WhatsAppInstance{}
		if test.wanted != "" {
			line.Spec.APITokenRotation = &v1alpha1.APITokenRotation{RequestedAt: test.wanted}
		}
		if test.handled != "" {
			line.Status.APITokenRotation = &v1alpha1.RotationRecord{Request: test.handled}
		}
		next := instance.NextRotation(line, now)
		g.Expect(next).To(Equal(test.next), "%+v", test)
		line.Spec.APITokenRotation = &v1alpha1.APITokenRotation{RequestedAt: next}
		g.Expect(instance.NewRotation(line)).To(Equal(next), "%+v", test)
	}
}
