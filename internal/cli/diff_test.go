// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// toTheEmulator are the flags for calls to the vendor of the tests.
var toTheEmulator = []string{"--insecure-api", "--allowed-api-hosts=127.0.0.1"}

// diff runs the verb with the real kubectl.
func (d *desk) diff(arguments ...string) result {
	d.t.Helper()
	return d.kubectl(append(append([]string{"diff"}, toTheEmulator...), arguments...)...)
}

// same writes what differs from run to run in one way.
func (d *desk) same(text string) string {
	return strings.NewReplacer(d.ns, "NAMESPACE", d.url, "http://VENDOR", strings.TrimPrefix(d.url, "http://"), "VENDOR").Replace(text)
}

func (d *desk) secret(name string, values map[string]string) {
	d.t.Helper()
	d.Expect(admin.Create(d.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name}, StringData: values})).To(Succeed())
}

func TestDiffShowsWhatTheOperatorWouldChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.secrets.Add("canary-webhook-token-of-the-spec", "canary-webhook-token-at-the-vendor", "canary-path-of-the-webhook")
	d.secret("support-line-webhook", map[string]string{"webhookUrlToken": "canary-webhook-token-of-the-spec"})
	line := d.line("support-line", 1, func(i *v1alpha1.WhatsAppInstance) {
		i.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{
			IncomingWebhook: new(true), OutgoingWebhook: new(false), DelaySendMessagesMilliseconds: new(int32(5000)),
			WebhookURL:               new("https://shop.example/canary-path-of-the-webhook"),
			WebhookURLTokenSecretRef: &v1alpha1.SecretKeyReference{Name: "support-line-webhook"},
			AdditionalSettings:       []v1alpha1.AdditionalSetting{{Name: "autoTyping", Value: "3"}, {Name: "brandNew", Value: "yes"}},
		}}
	})
	d.vendor.Edit(line.Spec.IDInstance, map[string]any{
		"webhookUrlToken": "canary-webhook-token-at-the-vendor", "delaySendMessagesMilliseconds": 0, "autoTyping": "some text",
	})
	shown := d.diff("support-line")
	d.Expect(shown.err).To(BeEmpty())
	golden(t, "diff", d.same(shown.out))
	d.Expect(shown.code).To(Equal(exitNo))
	d.Expect(d.vendor.Calls(line.Spec.IDInstance, "setSettings")).To(BeEmpty())

	asJSON := d.diff("-o", "json")
	golden(t, "diff-json", d.same(asJSON.out))
	d.Expect(asJSON.code).To(Equal(exitNo))
	asYAML := d.diff("-o", "yaml")
	var fromJSON, fromYAML any
	d.Expect(json.Unmarshal([]byte(asJSON.out), &fromJSON)).To(Succeed())
	d.Expect(yaml.Unmarshal([]byte(asYAML.out), &fromYAML)).To(Succeed())
	d.Expect(fromYAML).To(Equal(fromJSON))
}

func TestDiffSaysNothingAndSucceedsWhereNothingDiffers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support-line", 1, func(i *v1alpha1.WhatsAppInstance) {
		i.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true), WebhookURL: new("HTTPS://Shop.Example:443")}}
	})
	d.vendor.Edit(line.Spec.IDInstance, map[string]any{"incomingWebhook": true, "webhookUrl": "https://shop.example/"})
	d.Expect(d.diff("wai/support-line")).To(Equal(result{}))
}

func TestDiffShowsNoTokenThatTheVendorShowsElsewhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support-line", 1, func(i *v1alpha1.WhatsAppInstance) {
		i.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{WebhookURL: new("https://shop.example")}}
	})
	instance, _ := d.vendor.Get(line.Spec.IDInstance)
	d.vendor.Edit(line.Spec.IDInstance, map[string]any{"webhookUrl": "https://" + instance.Token + ".example/"})
	shown := d.diff()
	d.Expect(shown.code).To(Equal(exitNo))
	d.Expect(shown.out).To(ContainSubstring(`-webhookUrl: (a text with a secret in it, not shown)`))
}
