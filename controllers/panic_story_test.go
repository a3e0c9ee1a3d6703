// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// faulty is a vendor's API with a mistake in it, which shows while it has the webhook token in its hands.
type faulty struct{ controllers.Vendor }

func (faulty) SetSettings(_ context.Context, values map[string]any, _ greenapi.Permit) (bool, error) {
	return strings.Repeat("x", -len(values)) == values["webhookUrlToken"], nil
}

// TestR24APanicShowsNoSecret: controller-runtime logs a panic inside a pass with its stack, and goes on.
func TestR24APanicShowsNoSecret(t *testing.T) {
	s := newStory(t)
	const webhookToken = "Bearer panic-canary-0123456789"
	s.secret("webhook", map[string]string{"token": webhookToken})
	s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor { return faulty{vendor} }
	s.restart()
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) {
		w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "webhook", Key: "token"}
	}))
	registered, ok := s.vendor.Get(instanceID)
	s.Expect(ok).To(BeTrue())
	watch := &canary.Watch{}
	watch.Add(webhookToken, registered.Token)
	logger := zap.New(zap.WriteTo(watch), zap.UseDevMode(true), zap.Level(verbose))

	running, err := controller.NewUnmanaged("panicking", controller.Options{
		Reconciler: s.operators[0], SkipNameValidation: new(true),
		LogConstructor: func(*reconcile.Request) logr.Logger { return logger },
	})
	s.Expect(err).NotTo(HaveOccurred())
	request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: s.ns, Name: "line"}}
	s.Expect(running.Watch(source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		queue.Add(request)
		return nil
	}))).To(Succeed())
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- running.Start(ctx) }()
	s.Eventually(watch.String, patience).Should(And(ContainSubstring("negative Repeat count"), ContainSubstring("controllers_test.faulty.SetSettings"), ContainSubstring("[recovered]")))
	stop()
	s.Expect(<-stopped).To(Succeed())
	s.Expect(watch.Hit()).To(BeEmpty())

	// The mistake is mended: the intent that the panic left behind is settled like any other.
	s.wrapVendor = nil
	s.restart()
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}

// broken is a vendor's API that panics where it is called side by side with others.
type broken struct{ controllers.Vendor }

func (broken) Settings(context.Context) (greenapi.Settings, error) { panic("a mistake while reading") }

// TestAPanicWhileReadingIsOneOfThePass: it can be recovered there, and does not end the process.
func TestAPanicWhileReadingIsOneOfThePass(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor { return broken{vendor} }
	s.edit("line", incoming(true))
	s.Expect(func() { s.forward(time.Minute) }).To(PanicWith(ContainSubstring("a mistake while reading")))
	// The same process goes on, and has not forgotten that this generation was not read.
	s.wrapVendor = nil
	s.due["line"] = s.clock.Now()
	s.forward(5 * time.Minute)
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))
	s.Expect(s.sets()).To(HaveLen(1))
}
