// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// tokenOwner is how kubectl is called as the owner of fields of a Secret that it created.
const tokenOwner = "kubectl-create"

// rotatable makes the Secret of a line anew, as a person does who lets the token in it be replaced.
func (s *story) rotatable(owner string, change func(*corev1.Secret)) {
	s.t.Helper()
	in, _ := s.vendor.Get(instanceID)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "line-token", Labels: map[string]string{v1alpha1.RotateLabel: "true"}},
		Data:       map[string][]byte{"apiTokenInstance": []byte(in.Token), "note": []byte("stays")},
	}
	if change != nil {
		change(secret)
	}
	s.Expect(client.IgnoreNotFound(admin.Delete(s.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "line-token"}}))).To(Succeed())
	s.Expect(admin.Create(s.ctx, secret, client.FieldOwner(owner))).To(Succeed())
	s.awaitSecret("line-token", secret.ResourceVersion)
}

// rotated is a line that is in order, and whose token may be replaced.
func (s *story) rotationReady() (old string) {
	s.t.Helper()
	s.instance("line", incoming(true))
	s.rotatable(tokenOwner, nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	in, _ := s.vendor.Get(instanceID)
	return in.Token
}

// askRotation asks for a rotation as a person does.
func (s *story) askRotation(at string) {
	s.t.Helper()
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.APITokenRotation = &v1alpha1.APITokenRotation{RequestedAt: at}
	})
}

func (s *story) rotations() int { return len(s.vendor.Calls(instanceID, "updateApiToken")) }

// token is what the Secret of the line holds.
func (s *story) token() string {
	s.t.Helper()
	secret := &corev1.Secret{}
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: "line-token"}, secret)).To(Succeed())
	return string(secret.Data["apiTokenInstance"])
}

func (s *story) vendorToken() string {
	in, _ := s.vendor.Get(instanceID)
	return in.Token
}

// endsRotation lets time pass until the record has an outcome.
func (s *story) endsRotation(outcome v1alpha1.RotationOutcome) {
	s.t.Helper()
	reached := func() bool {
		record := s.status("line").APITokenRotation
		return record != nil && record.Outcome == outcome
	}
	if !s.until(2*time.Hour, reached) {
		s.t.Fatalf("the record is %+v, want %s; conditions %+v\ncalls:\n%s", s.status("line").APITokenRotation, outcome, s.status("line").Conditions, strings.Join(s.calls(), "\n"))
	}
}

// counted expects how many rotations ended so.
func (s *story) counted(outcome v1alpha1.RotationOutcome, want int) {
	s.t.Helper()
	s.Expect(s.counter("greenapi_token_rotations_total", "WhatsAppInstance", string(outcome))).To(BeEquivalentTo(want), "%s", outcome)
}

// followSecret lets the cache see what was written into the Secret, as a watch would.
func (s *story) followSecret() {
	s.t.Helper()
	secret := &corev1.Secret{}
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: "line-token"}, secret)).To(Succeed())
	s.awaitSecret("line-token", secret.ResourceVersion)
}

func TestP16ATokenIsReplacedOnceForEachRequest(t *testing.T) {
	s := newStory(t)
	old := s.rotationReady()
	s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(BeEmpty())
	s.counted(v1alpha1.RotationRotated, 0)
	s.askRotation("2026-01-02")
	s.endsRotation(v1alpha1.RotationRotated)
	s.counted(v1alpha1.RotationRotated, 1)
	s.Expect(s.rotations()).To(Equal(1))
	s.Expect(s.token()).To(And(Equal(s.vendorToken()), Not(Equal(old))))
	s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(Equal(v1alpha1.ReasonSucceeded))
	record := s.status("line").APITokenRotation
	s.Expect(record.Request).To(Equal("2026-01-02"))
	s.Expect(record.FinishedTime.Before(record.StartedTime)).To(BeFalse())
	s.followSecret()
	s.forward(3 * time.Hour)
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
	s.Expect(s.condition("line", v1alpha1.CredentialsValidCondition).Status).To(Equal(metav1.ConditionTrue))
	s.Expect(s.rotations()).To(Equal(1))
	s.Expect(s.sets()).To(HaveLen(1), "a new token is no reason to write, and its call no restart")
	s.Expect(s.status("line").Restarts.Total).To(BeEquivalentTo(1))
	s.Expect(s.events.count("Normal TokenRotated")).To(Equal(1))
	s.Expect(s.events.count("Warning CredentialsRejected")).To(BeZero())

	secret := &corev1.Secret{}
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: "line-token"}, secret)).To(Succeed())
	s.Expect(secret.Data).To(HaveKeyWithValue("note", []byte("stays")))

	// What a tool puts back from Git is earlier, and the next request is later.
	s.askRotation("2026-01-01")
	s.forward(time.Hour)
	s.Expect(s.rotations()).To(Equal(1))
	s.askRotation("2026-01-02T10:00:00Z")
	s.Expect(s.until(time.Hour, func() bool { return s.rotations() == 2 })).To(BeTrue(), "the key is the operator's own by now")
	s.followSecret()
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.token()).To(Equal(s.vendorToken()))
	s.counted(v1alpha1.RotationRotated, 2)
}

// TestP16AWebhookTokenOutlivesItsKey: the digests of the status are keyed with the API token.
func TestP16AWebhookTokenOutlivesItsKey(t *testing.T) {
	s := newStory(t)
	s.secret("webhook", map[string]string{"token": "Bearer canary-one-123"})
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) {
		w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "webhook", Key: "token"}
	}))
	s.rotatable(tokenOwner, nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.askRotation("now")
	s.endsRotation(v1alpha1.RotationRotated)
	s.followSecret()
	s.forward(time.Hour)
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
	s.Expect(s.sets()).To(HaveLen(1))
}

func TestP16WhatIsOnlyEchoed(t *testing.T) {
	ask := func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.APITokenRotation = &v1alpha1.APITokenRotation{RequestedAt: "from Git"}
	}
	t.Run("at first sight", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); ask(r) })
		s.rotatable(tokenOwner, nil)
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.restart()
		s.forward(3 * time.Hour)
		s.Expect(s.rotations()).To(BeZero())
		s.Expect(s.status("line").APITokenRotation).To(Equal(&v1alpha1.RotationRecord{Request: "from Git"}))
		s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(BeEmpty())
		s.askRotation("again")
		s.endsRotation(v1alpha1.RotationRotated)
	})
	for name, change := range map[string]func(*v1alpha1.WhatsAppInstance){
		"paused":  func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true },
		"observe": func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rotationReady()
			s.edit("line", func(r *v1alpha1.WhatsAppInstance) { change(r); ask(r) })
			s.forward(time.Hour)
			s.Expect(s.status("line").APITokenRotation.Request).To(Equal("from Git"))
			s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(Equal(v1alpha1.ReasonRotationSkipped))
			s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused, r.Spec.ReconcilePolicy = false, "" })
			s.forward(time.Hour)
			s.Expect(s.rotations()).To(BeZero())
			s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(Equal(v1alpha1.ReasonRotationSkipped))
		})
	}
	t.Run("while a person has to act", func(t *testing.T) {
		s := newStory(t)
		s.rotationReady()
		s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Expired = true })
		s.forward(20 * time.Minute)
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonExpired))
		s.askRotation("from Git")
		s.forward(20 * time.Minute)
		s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Expired = false })
		s.forward(2 * time.Hour)
		s.Expect(s.rotations()).To(BeZero())
	})
}

func TestP15ASecretThatIsNotOurs(t *testing.T) {
	label := func(secret *corev1.Secret) { secret.Labels = nil }
	immutable := func(secret *corev1.Secret) { secret.Immutable = new(true) }
	owned := func(secret *corev1.Secret) {
		secret.OwnerReferences = []metav1.OwnerReference{{APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret", Name: "line", UID: "8d5f3f0e-0c51-4a5e-9c5b-3d1c7a1f0b11", Controller: new(true)}}
	}
	for name, test := range map[string]struct {
		owner  string
		change func(*corev1.Secret)
		reason string
		says   string
	}{
		"no label":         {tokenOwner, label, v1alpha1.ReasonSecretNotOwned, "messaging.greenapi-operator.dev/rotate=true"},
		"immutable":        {tokenOwner, immutable, v1alpha1.ReasonSecretNotWritable, "immutable"},
		"a controller":     {tokenOwner, owned, v1alpha1.ReasonSecretNotOwned, "ExternalSecret"},
		"External Secrets": {"externalsecrets.external-secrets.io/line", nil, v1alpha1.ReasonSecretNotOwned, "put the old token back"},
		"Argo CD":          {"argocd-controller", nil, v1alpha1.ReasonSecretNotOwned, `"argocd-controller"`},
		"Flux":             {"kustomize-controller", nil, v1alpha1.ReasonSecretNotOwned, `"kustomize-controller"`},
		"Helm":             {"helm", nil, v1alpha1.ReasonSecretNotOwned, `"helm"`},
		"Sealed Secrets":   {"controller", nil, v1alpha1.ReasonSecretNotOwned, `"controller"`},
		"another operator": {"manager", nil, v1alpha1.ReasonSecretNotOwned, `"manager"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rotationReady()
			s.rotatable(test.owner, test.change)
			s.askRotation("now")
			s.forward(time.Hour)
			shown := s.condition("line", v1alpha1.TokenRotatedCondition)
			s.Expect(shown.Reason).To(Equal(test.reason))
			s.Expect(shown.Status).To(Equal(metav1.ConditionFalse))
			s.Expect(shown.Message).To(ContainSubstring(test.says))
			s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue), "the settings are in order")
			s.Expect(s.rotations()).To(BeZero())
			s.Expect(s.status("line").APITokenRotation).To(BeNil())
			before := s.get("line").ResourceVersion
			s.forward(time.Hour)
			s.Expect(s.get("line").ResourceVersion).To(Equal(before), "R2: nothing is written meanwhile")

			s.rotatable("kubectl-client-side-apply", nil)
			s.endsRotation(v1alpha1.RotationRotated)
			s.Expect(s.token()).To(Equal(s.vendorToken()))
		})
	}
	t.Run("applied with stringData", func(t *testing.T) {
		s := newStory(t)
		s.rotationReady()
		s.rotatable("kubectl-create", func(secret *corev1.Secret) { secret.Data = nil })
		in, _ := s.vendor.Get(instanceID)
		applied := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "line-token"},
			StringData: map[string]string{"apiTokenInstance": in.Token}}
		//nolint:staticcheck // An object that is applied is what a tool sends.
		s.Expect(admin.Patch(s.ctx, applied, client.Apply, client.FieldOwner("argocd-controller"))).To(Succeed())
		s.awaitSecret("line-token", applied.ResourceVersion)
		s.askRotation("now")
		s.forward(time.Hour)
		s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(Equal(v1alpha1.ReasonSecretNotOwned))
		s.Expect(s.rotations()).To(BeZero())
	})
	t.Run("taken back", func(t *testing.T) {
		s := newStory(t)
		s.rotationReady()
		s.rotatable(tokenOwner, label)
		s.askRotation("now")
		s.forward(time.Hour)
		s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APITokenRotation = nil })
		s.forward(time.Hour)
		s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(BeEmpty())
	})
}

// secretWrites is a client of the operator whose writes of Secrets fail when a function says so.
func (s *story) secretWrites(fails func(dry bool) error, after func(dry bool)) {
	s.wrapClient = func(c client.Client) client.Client {
		return interceptor.NewClient(withoutWatch{c}, interceptor.Funcs{
			Update: func(ctx context.Context, inner client.WithWatch, object client.Object, options ...client.UpdateOption) error {
				if _, ok := object.(*corev1.Secret); !ok {
					return inner.Update(ctx, object, options...)
				}
				applied := &client.UpdateOptions{}
				applied.ApplyOptions(options)
				dry := len(applied.DryRun) > 0
				if err := fails(dry); err != nil {
					return err
				}
				err := inner.Update(ctx, object, options...)
				if after != nil {
					after(dry)
				}
				return err
			},
		})
	}
	s.restart()
}

func TestP16ADryRunComesFirst(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "line-token", errors.New("no right"))
	for name, test := range map[string]struct {
		failure error
		reason  string
		says    string
	}{
		"no right":  {forbidden, v1alpha1.ReasonSecretNotWritable, "partnerAccounts.enabled=true"},
		"a policy":  {apierrors.NewBadRequest("a policy says no"), v1alpha1.ReasonSecretNotWritable, "(BadRequest)"},
		"an outage": {apierrors.NewInternalError(errors.New("etcd is away")), v1alpha1.ReasonRotationPending, "read again"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			failure := test.failure
			s.secretWrites(func(bool) error { return failure }, nil)
			s.rotationReady()
			s.askRotation("now")
			s.forward(10 * time.Minute)
			s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(Equal(test.reason))
			s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Message).To(ContainSubstring(test.says))
			s.Expect(s.rotations()).To(BeZero())
			s.Expect(s.status("line").APITokenRotation).To(BeNil())
			failure = nil
			s.endsRotation(v1alpha1.RotationRotated)
			s.Expect(s.rotations()).To(Equal(1))
		})
	}
}

func TestP16ARotationWaits(t *testing.T) {
	t.Run("for the start", func(t *testing.T) {
		s := newStory(t)
		s.rotationReady()
		s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = emulator.StateStarting })
		s.askRotation("now")
		s.forward(5 * time.Minute)
		s.Expect(s.rotations()).To(BeZero())
		s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(Equal(v1alpha1.ReasonRotationPending))
		s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = emulator.StateAuthorized })
		s.endsRotation(v1alpha1.RotationRotated)
	})
	t.Run("for the end of a write", func(t *testing.T) {
		s := newStory(t)
		s.rotationReady()
		s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.ApplyDelay = 3 * time.Minute })
		s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
			incoming(false)(r)
			r.Spec.APITokenRotation = &v1alpha1.APITokenRotation{RequestedAt: "now"}
		})
		s.Expect(s.until(time.Hour, func() bool { return s.rotations() == 1 })).To(BeTrue())
		s.Expect(s.sets()).To(HaveLen(2))
		s.Expect(s.status("line").Apply.Outcome).To(Equal(v1alpha1.OutcomeConfirmed))
	})
	t.Run("for a reboot", func(t *testing.T) {
		s := newStory(t)
		s.rotationReady()
		s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
			r.Annotations = map[string]string{v1alpha1.RebootRequestedAtAnnotation: "now"}
			r.Spec.APITokenRotation = &v1alpha1.APITokenRotation{RequestedAt: "now"}
		})
		s.Expect(s.until(time.Hour, func() bool { return s.rotations() == 1 })).To(BeTrue())
		rebooted := s.vendor.Calls(instanceID, "reboot")
		s.Expect(rebooted).To(HaveLen(1))
		s.Expect(s.vendor.Calls(instanceID, "updateApiToken")[0].Time.Sub(rebooted[0].Time)).To(BeNumerically(">=", s.options.Limits.SettleTimeout))
	})
}

// TestP16ANewTokenIsStoredWhateverHappensToItsSecret: after the call there is one thing left to do.
func TestP16ANewTokenIsStoredWhateverHappensToItsSecret(t *testing.T) {
	edit := func(s *story) {
		secret := &corev1.Secret{}
		s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: "line-token"}, secret)).To(Succeed())
		secret.Data["note"] = []byte("of somebody else")
		s.Expect(admin.Update(s.ctx, secret)).To(Succeed())
	}
	remove := func(s *story) {
		s.Expect(admin.Delete(s.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "line-token"}})).To(Succeed())
	}
	for name, meanwhile := range map[string]func(*story){"somebody writes another key": edit, "somebody deletes it": remove} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rotationReady()
			s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor {
				return rotator{Vendor: vendor, after: func() { meanwhile(s) }}
			}
			s.restart()
			s.askRotation("now")
			s.endsRotation(v1alpha1.RotationRotated)
			s.Expect(s.token()).To(Equal(s.vendorToken()))
			s.Expect(s.rotations()).To(Equal(1))
			secret := &corev1.Secret{}
			s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: "line-token"}, secret)).To(Succeed())
			s.Expect(secret.Labels).To(HaveKeyWithValue(v1alpha1.RotateLabel, "true"))
			if name == "somebody writes another key" {
				s.Expect(secret.Data).To(HaveKeyWithValue("note", []byte("of somebody else")))
			}
		})
	}
	for name, test := range map[string]struct {
		away     time.Duration
		withStop bool
		stored   bool
	}{
		"an outage of seconds":                    {away: 30 * time.Second, stored: true},
		"an outage of minutes":                    {away: 10 * time.Minute, stored: true},
		"an outage of seconds while it ends":      {away: 15 * time.Second, withStop: true, stored: true},
		"an outage that outlasts the process":     {away: 10 * time.Minute, withStop: true},
		"an answer that is lost after the effect": {stored: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			ctx, stop := context.WithCancel(s.ctx)
			defer stop()
			until, lost := time.Time{}, false
			s.secretWrites(func(dry bool) error {
				if !dry && s.clock.Now().Before(until) {
					return apierrors.NewInternalError(errors.New("etcd is away"))
				}
				return nil
			}, nil)
			s.rotationReady()
			s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor {
				return rotator{Vendor: vendor, after: func() {
					until = s.clock.Now().Add(test.away)
					if test.withStop {
						stop()
					}
				}}
			}
			if name == "an answer that is lost after the effect" {
				s.secretWritesLost(&lost)
			}
			s.restart()
			s.askRotation("now")
			calling := s.ctx
			s.ctx = ctx
			s.until(5*time.Minute, func() bool { return s.rotations() == 1 })
			s.ctx = calling
			if test.stored {
				s.endsRotation(v1alpha1.RotationRotated)
				s.Expect(s.token()).To(Equal(s.vendorToken()))
			} else {
				s.Expect(s.status("line").APITokenRotation.Outcome).To(Equal(v1alpha1.RotationPending))
				s.Expect(s.token()).NotTo(Equal(s.vendorToken()))
			}
			s.Expect(s.rotations()).To(Equal(1))
		})
	}
}

// secretWritesLost loses the answer of the first real write of a Secret.
func (s *story) secretWritesLost(lost *bool) {
	s.wrapClient = func(c client.Client) client.Client {
		return interceptor.NewClient(withoutWatch{c}, interceptor.Funcs{
			Update: func(ctx context.Context, inner client.WithWatch, object client.Object, options ...client.UpdateOption) error {
				applied := &client.UpdateOptions{}
				applied.ApplyOptions(options)
				err := inner.Update(ctx, object, options...)
				if _, ok := object.(*corev1.Secret); ok && len(applied.DryRun) == 0 && !*lost {
					*lost = true
					return context.DeadlineExceeded
				}
				return err
			},
		})
	}
}

// rotator is a vendor's API at whose updateApiToken something happens.
type rotator struct {
	controllers.Vendor
	before, after func()
}

func (v rotator) UpdateAPIToken(ctx context.Context, permit greenapi.Permit) (greenapi.Secret, error) {
	if v.before != nil {
		v.before()
	}
	token, err := v.Vendor.UpdateAPIToken(ctx, permit)
	if v.after != nil {
		v.after()
	}
	return token, err
}

// dieRotating makes passes until the process dies, and starts a new one.
func (s *story) dieRotating() {
	s.t.Helper()
	died := false
	for range 50 {
		func() {
			defer func() {
				switch r := recover().(type) {
				case nil:
				case killed:
					died = true
				default:
					panic(r)
				}
			}()
			s.pass("line")
		}()
		if died {
			break
		}
		s.clock.SetTime(s.clock.Now().Add(20 * time.Second))
	}
	s.Expect(died).To(BeTrue())
	s.wrapVendor, s.wrapClient = nil, nil
	s.due["line"] = s.clock.Now()
	s.restart()
}

// TestP17AProcessThatDiesAtAnyInstantRotatesOnce: what it left is found out, and nothing is called twice.
func TestP17AProcessThatDiesAtAnyInstantRotatesOnce(t *testing.T) {
	die := func() { panic(killed{}) }
	outcomeWrite := func(s *story) {
		s.wrapClient = func(c client.Client) client.Client {
			return failingStatus(c, func(status *v1alpha1.InstanceStatus) error {
				if record := status.APITokenRotation; record != nil && record.Outcome == v1alpha1.RotationRotated {
					die()
				}
				return nil
			})
		}
		s.restart()
	}
	for name, test := range map[string]struct {
		arrange func(*story)
		outcome v1alpha1.RotationOutcome
		calls   int
	}{
		"before the call": {func(s *story) {
			s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor { return rotator{Vendor: vendor, before: die} }
			s.restart()
		}, v1alpha1.RotationNotRotated, 0},
		"after the call": {func(s *story) {
			s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor { return rotator{Vendor: vendor, after: die} }
			s.restart()
		}, v1alpha1.RotationLost, 1},
		"after the Secret": {func(s *story) {
			s.secretWrites(func(bool) error { return nil }, func(dry bool) { _ = dry || func() bool { die(); return true }() })
		}, v1alpha1.RotationRecovered, 1},
		"before the outcome": {outcomeWrite, v1alpha1.RotationRecovered, 1},
		"before the dry run": {func(s *story) {
			once := false
			s.secretWrites(func(bool) error {
				if !once {
					once = true
					die()
				}
				return nil
			}, nil)
		}, v1alpha1.RotationRotated, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rotationReady()
			test.arrange(s)
			s.askRotation("now")
			s.dieRotating()
			s.followSecret()
			s.endsRotation(test.outcome)
			s.followSecret()
			s.forward(3 * time.Hour)
			s.Expect(s.rotations()).To(Equal(test.calls))
			s.Expect(s.status("line").APITokenRotation.Outcome).To(Equal(test.outcome))
			if test.outcome != v1alpha1.RotationLost {
				s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
				s.Expect(s.token()).To(Equal(s.vendorToken()))
			}
			s.Expect(s.sets()).To(HaveLen(1))
		})
	}
}

func TestP17AnAnswerThatIsLost(t *testing.T) {
	t.Run("before the effect", func(t *testing.T) {
		s := newStory(t)
		s.rotationReady()
		s.vendor.Fault(emulator.Fault{Method: "updateApiToken", Drop: true})
		s.askRotation("now")
		s.Expect(s.until(time.Minute, func() bool { return s.rotations() == 1 })).To(BeTrue())
		s.forward(50 * time.Second)
		s.Expect(s.status("line").APITokenRotation.Outcome).To(Equal(v1alpha1.RotationPending), "the call may be under way still")
		s.endsRotation(v1alpha1.RotationNotRotated)
		s.forward(3 * time.Hour)
		s.Expect(s.rotations()).To(Equal(1), "R21: never repeated")
		s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(Equal(v1alpha1.ReasonNotRotated))
		s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
		s.askRotation("once more")
		s.endsRotation(v1alpha1.RotationRotated)
	})
	t.Run("after the effect", func(t *testing.T) {
		s := newStory(t)
		old := s.rotationReady()
		s.vendor.Fault(emulator.Fault{Method: "updateApiToken", Drop: true, AfterEffect: true})
		s.askRotation("now")
		s.endsRotation(v1alpha1.RotationLost)
		s.counted(v1alpha1.RotationLost, 1)
		asked := s.vendor.Calls(instanceID, "updateApiToken")[0].Time
		s.Expect(s.clock.Now().Sub(asked)).To(BeNumerically(">=", 100*time.Second), "three looks after a minute")
		stalled := s.condition("line", v1alpha1.StalledCondition)
		s.Expect(stalled.Reason).To(Equal(v1alpha1.ReasonTokenLost))
		s.Expect(stalled.Message).To(ContainSubstring("vendor's console"))
		s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(Equal(v1alpha1.ReasonTokenLost))
		s.Expect(s.events.count("Warning TokenLost")).To(Equal(1))
		s.restart()
		s.askRotation("again")
		s.forward(3 * time.Hour)
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonTokenLost), "also by another process")
		s.Expect(s.rotations()).To(Equal(1), "a lost token is not replaced")
		s.Expect(s.token()).To(Equal(old))

		s.secret("line-token", map[string]string{"apiTokenInstance": s.vendorToken()})
		s.endsRotation(v1alpha1.RotationRecovered)
		s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Reason).To(Equal(v1alpha1.ReasonSucceeded))
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.forward(time.Hour)
		s.Expect(s.rotations()).To(Equal(1))
	})
	t.Run("a person is faster", func(t *testing.T) {
		s := newStory(t)
		s.rotationReady()
		s.vendor.Fault(emulator.Fault{Method: "updateApiToken", Drop: true, AfterEffect: true})
		s.askRotation("now")
		s.Expect(s.until(time.Minute, func() bool { return s.rotations() == 1 })).To(BeTrue())
		s.forward(30 * time.Second)
		s.secret("line-token", map[string]string{"apiTokenInstance": s.vendorToken()})
		s.endsRotation(v1alpha1.RotationRecovered)
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(BeEmpty())
	})
	for name, fault := range map[string]emulator.Fault{
		"a limit":   {Method: "updateApiToken", Status: 429},
		"a refusal": {Method: "updateApiToken", Answer: emulator.AnswerCodeInBody},
	} {
		t.Run(name+" is no lost answer", func(t *testing.T) {
			s := newStory(t)
			s.rotationReady()
			s.vendor.Fault(fault)
			s.askRotation("now")
			s.endsRotation(v1alpha1.RotationNotRotated)
			s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Message).To(ContainSubstring("did not take the call"))
			s.forward(time.Hour)
			s.Expect(s.rotations()).To(Equal(1))
			s.Expect(s.condition("line", v1alpha1.TokenRotatedCondition).Message).To(ContainSubstring("did not take the call"))
		})
	}
}

// TestP16WithoutAStoredIntentThereIsNoCall, as for settings (R10).
func TestP16WithoutAStoredIntentThereIsNoCall(t *testing.T) {
	s := newStory(t)
	s.rotationReady()
	fail := true
	s.wrapClient = func(c client.Client) client.Client {
		return failingStatus(c, func(status *v1alpha1.InstanceStatus) error {
			if fail && status.APITokenRotation.Open() {
				return apierrors.NewConflict(schema.GroupResource{}, "line", errors.New("somebody else"))
			}
			return nil
		})
	}
	s.restart()
	s.askRotation("now")
	s.forward(10 * time.Minute)
	s.Expect(s.rotations()).To(BeZero())
	fail = false
	s.wake()
	s.endsRotation(v1alpha1.RotationRotated)
	s.Expect(s.rotations()).To(Equal(1))
}

// TestP16EveryKindRotates, and a Secret that a claim made is the operator's own.
func TestP16EveryKindRotates(t *testing.T) {
	for name, kind := range map[string]struct {
		messenger string
		resource  v1alpha1.Instance
	}{"Telegram": {emulator.Telegram, &v1alpha1.TelegramInstance{}}, "MAX": {emulator.MAX, &v1alpha1.MaxInstance{}}} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.create("line", kind.messenger, kind.resource)
			s.rotatable(instance.FieldOwner, nil)
			s.settled("line", v1alpha1.ReasonSucceeded)
			resource := instance.Kinds[s.kinds["line"]].New()
			s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: "line"}, resource)).To(Succeed())
			resource.Core().APITokenRotation = &v1alpha1.APITokenRotation{RequestedAt: "now"}
			s.Expect(admin.Update(s.ctx, resource)).To(Succeed())
			s.await(resource)
			s.endsRotation(v1alpha1.RotationRotated)
			s.Expect(s.token()).To(Equal(s.vendorToken()))
		})
	}
}

// TestP16ANewTokenIsStoredWhilePaused: nobody who pauses a line means that its token is to be lost with the process.
func TestP16ANewTokenIsStoredWhilePaused(t *testing.T) {
	s := newStory(t)
	until := time.Time{}
	s.secretWrites(func(dry bool) error {
		if !dry && s.clock.Now().Before(until) {
			return apierrors.NewInternalError(errors.New("etcd is away"))
		}
		return nil
	}, nil)
	s.rotationReady()
	s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor {
		return rotator{Vendor: vendor, after: func() { until = s.clock.Now().Add(10 * time.Minute) }}
	}
	s.restart()
	s.askRotation("now")
	s.Expect(s.until(5*time.Minute, func() bool { return s.rotations() == 1 })).To(BeTrue())
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	s.forward(20 * time.Minute)
	s.Expect(s.token()).To(Equal(s.vendorToken()))
	s.Expect(s.status("line").APITokenRotation.Outcome).To(Equal(v1alpha1.RotationRotated))
	s.Expect(s.condition("line", v1alpha1.PausedCondition).Status).To(Equal(metav1.ConditionTrue))
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = false })
	s.followSecret()
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.rotations()).To(Equal(1))
}

// TestP16ANewTokenIsStoredInASecretThatWasDeletedDuringAnOutage.
func TestP16ANewTokenIsStoredInASecretThatWasDeletedDuringAnOutage(t *testing.T) {
	s := newStory(t)
	until := time.Time{}
	s.secretWrites(func(dry bool) error {
		if !dry && s.clock.Now().Before(until) {
			return apierrors.NewInternalError(errors.New("etcd is away"))
		}
		return nil
	}, nil)
	s.rotationReady()
	s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor {
		return rotator{Vendor: vendor, after: func() { until = s.clock.Now().Add(5 * time.Minute) }}
	}
	s.restart()
	s.askRotation("now")
	s.Expect(s.until(5*time.Minute, func() bool { return s.rotations() == 1 })).To(BeTrue())
	s.Expect(admin.Delete(s.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "line-token"}})).To(Succeed())
	s.forward(20 * time.Minute)
	s.Expect(s.token()).To(Equal(s.vendorToken()))
}
