// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

const webhookHostsAnnotation = "messaging.greenapi-operator.dev/allowed-webhook-hosts"

// policy applies a sample, as it is but for namespaces with a label, and returns a namespace that it holds in. violation
// is something that it refuses: a policy needs a moment to be in effect.
func policy(t *testing.T, sample string, annotations map[string]string, violation map[string]any) *policed {
	t.Helper()
	needControlPlane(t)
	p := &policed{WithT: NewWithT(t), t: t}
	objects := read(p, sample)
	labels := bind(p, objects, strings.TrimSuffix(sample, ".yaml"))
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "policed-", Labels: labels, Annotations: annotations}}
	p.Expect(admin.Create(t.Context(), namespace)).To(Succeed())
	p.namespace = namespace.Name
	// What was there before the policy.
	p.Expect(admin.Create(t.Context(), p.instance(instance.Kinds[0].Name, "old", violation))).To(Succeed())
	for _, object := range objects {
		p.Expect(admin.Create(t.Context(), object)).To(Succeed())
		t.Cleanup(func() { _ = admin.Delete(t.Context(), object) })
	}
	p.Eventually(func() error { return p.create(instance.Kinds[0].Name, violation) }, 30*time.Second).ShouldNot(Succeed(), "the policy comes into effect")
	return p
}

// read returns the objects of a sample.
func read(p *policed, sample string) []*unstructured.Unstructured {
	text, err := os.ReadFile(filepath.Join("..", "config", "samples", "policies", sample))
	p.Expect(err).NotTo(HaveOccurred())
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		p.Expect(err).NotTo(HaveOccurred())
		objects = append(objects, object)
	}
}

// bind has a sample hold in namespaces with labels only, and returns those: the sample's own, or one that no other test has.
func bind(p *policed, objects []*unstructured.Unstructured, name string) map[string]string {
	own := map[string]string{"policy": name}
	path := []string{"spec", "matchResources", "namespaceSelector", "matchLabels"}
	for _, object := range objects {
		if object.GetKind() != "ValidatingAdmissionPolicyBinding" {
			continue
		}
		labels, found, err := unstructured.NestedStringMap(object.Object, path...)
		p.Expect(err).NotTo(HaveOccurred())
		if found {
			return labels
		}
		p.Expect(unstructured.SetNestedStringMap(object.Object, own, path...)).To(Succeed())
	}
	return own
}

type policed struct {
	*WithT
	t         *testing.T
	namespace string
}

// instance is one with these fields of its spec. Labels among them are the instance's own.
func (p *policed) instance(kind, name string, spec map[string]any) *unstructured.Unstructured {
	full := map[string]any{"idInstance": int64(7107000001), "apiTokenSecretRef": map[string]any{"name": "token"}}
	maps.Copy(full, spec)
	labels, _ := full["labels"].(map[string]string)
	delete(full, "labels")
	object := &unstructured.Unstructured{Object: map[string]any{"spec": full}}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	object.SetNamespace(p.namespace)
	object.SetName(name)
	object.SetLabels(labels)
	return object
}

func (p *policed) create(kind string, spec map[string]any) error {
	return admin.Create(p.t.Context(), p.instance(kind, "line", spec), client.DryRunAll)
}

// update changes the spec, and only a label if it is nil, of what was there before the policy.
func (p *policed) update(spec map[string]any) error {
	p.t.Helper()
	object := p.instance(instance.Kinds[0].Name, "old", nil)
	p.Expect(admin.Get(p.t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed())
	if spec == nil {
		object.SetLabels(map[string]string{"touched": "yes"})
	} else {
		object.Object["spec"] = p.instance(object.GetKind(), "old", spec).Object["spec"]
	}
	return admin.Update(p.t.Context(), object, client.DryRunAll)
}

// judge creates an instance of each kind. want is part of the message, "" if it is to be accepted.
func (p *policed) judge(spec map[string]any, want string) {
	p.t.Helper()
	for _, kind := range instance.Kinds {
		p.expectAnswer(p.create(kind.Name, spec), want, "%s %v", kind.Name, spec)
	}
}

func (p *policed) expectAnswer(err error, want, format string, args ...any) {
	p.t.Helper()
	if want == "" {
		p.Expect(err).NotTo(HaveOccurred(), append([]any{format}, args...)...)
	} else {
		p.Expect(err).To(MatchError(ContainSubstring(want)), append([]any{format}, args...)...)
	}
}

// TestSamplePolicyOfAPIHosts: the hosts of apiUrl are those of a list, for all kinds.
func TestSamplePolicyOfAPIHosts(t *testing.T) {
	t.Parallel()
	at := func(url string) map[string]any { return map[string]any{"apiUrl": url} }
	p := policy(t, "allowed-api-hosts.yaml", nil, at("https://evil.example"))
	p.judge(nil, "")
	for url, want := range map[string]string{
		"https://7107.api.greenapi.com":               "",
		"https://7107.API.GreenAPI.com/":              "",
		"https://7107.api.greenapi.com:8443":          "",
		"https://7103.api.green-api.com":              "",
		"https://api.green-api.com":                   "the host api.green-api.com is not allowed",
		"https://7103.api.greenapi.com":               "the host 7103.api.greenapi.com is not allowed in this cluster; allowed are: 7107.api.greenapi.com, *.api.green-api.com",
		"https://evil.example":                        "the host evil.example is not allowed",
		"https://EVIL.example:443":                    "the host evil.example is not allowed",
		"https://xapi.green-api.com":                  "the host xapi.green-api.com is not allowed",
		"https://x.api.green-api.com.evil.io":         "the host x.api.green-api.com.evil.io is not allowed",
		"https://7107.api.greenapi.com@evil.example/": "must be an origin such as",
	} {
		p.judge(at(url), want)
	}
	p.expectAnswer(p.update(nil), "", "a label of what was there already")
	p.expectAnswer(p.update(map[string]any{"apiUrl": "https://evil.example", "paused": true}), "", "pausing what was there already")
	p.expectAnswer(p.update(map[string]any{}), "", "leaving it out")
	p.expectAnswer(p.update(at("https://worse.example")), "the host worse.example is not allowed", "update")
	p.expectAnswer(p.update(at("https://7107.api.greenapi.com")), "", "update")
}

// TestSamplePolicyOfWebhookHosts: the hosts of webhookUrl are those that an annotation of the namespace lists.
func TestSamplePolicyOfWebhookHosts(t *testing.T) {
	t.Parallel()
	to := func(url string) map[string]any {
		return map[string]any{"settings": map[string]any{"webhookUrl": url}}
	}
	p := policy(t, "allowed-webhook-hosts.yaml", map[string]string{webhookHostsAnnotation: " Shop.example,, *.hooks.example "}, to("https://evil.example/x"))
	p.judge(nil, "")
	p.judge(map[string]any{"settings": map[string]any{"incomingWebhook": true}}, "")
	p.judge(map[string]any{"settings": map[string]any{"webhookUrlTokenSecretRef": map[string]any{"name": "any"}}}, "webhookUrlTokenSecretRef: set webhookUrl as well")
	const user = "write it as a URL with a plain host and without a user"
	for url, want := range map[string]string{
		"":                                       "",
		"https://shop.example":                   "",
		"https://SHOP.example/hooks?a=b":         "",
		"https://shop.example:8080/hooks":        "",
		"HTTPS://shop.example":                   "",
		"http://shop.example/hooks":              "write it with https://, since messages and the webhook token are sent there",
		"http://evil.example/hooks":              "write it with https://",
		"https://a.b.hooks.example/":             "",
		"https://shop.example/@evil.example":     "",
		"https://hooks.example/":                 "the host hooks.example is not allowed",
		"https://xhooks.example/":                "the host xhooks.example is not allowed",
		"https://evil.example/x":                 "the host evil.example is not allowed in the namespace " + p.namespace + "; allowed are: shop.example, *.hooks.example. Who may edit the namespace",
		"https://EVIL.example:443?shop.example":  "the host evil.example is not allowed",
		"https://evil.example#@shop.example/":    user,
		"https://shop.example.evil.example/":     "the host shop.example.evil.example is not allowed",
		"https://shop.example@evil.example/":     user,
		"https://evil.example@shop.example/":     user,
		"https://u:p@shop.example/":              user,
		"https://shop.example:80@evil.example/":  user,
		`https://evil.example\@shop.example/`:    user,
		`https://shop.example\.evil.example/`:    user,
		"https://[::1/shop.example":              user,
		"https://shop.example%2eevil.example/":   user,
		"https://[2001:db8::1]/hooks":            user,
		"https://evil.c\u2100.hooks.example/x":   user,
		"https://evil.com\uff0f.hooks.example/x": user,
		"https://evil.com;.hooks.example/":       user,
	} {
		p.judge(to(url), want)
	}
	p.expectAnswer(p.update(nil), "", "a label of what was there already")
	p.expectAnswer(p.update(to("")), "", "switching webhooks off")
	p.expectAnswer(p.update(to("https://worse.example/")), "the host worse.example is not allowed", "update")
	p.expectAnswer(p.update(to("https://shop.example/")), "", "update")

	// A namespace without a list allows none, and what switches webhooks off.
	bare := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "policed-", Labels: map[string]string{"policy": "allowed-webhook-hosts"}}}
	p.Expect(admin.Create(t.Context(), bare)).To(Succeed())
	p.namespace = bare.Name
	p.judge(nil, "")
	p.judge(to(""), "")
	p.judge(to("https://shop.example/"), "the host shop.example is not allowed in the namespace "+bare.Name+", nor is any other")
}
