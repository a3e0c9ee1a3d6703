// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// Names of the samples that the story is about.
const (
	supportLine = "support-line"
	salesLine   = "sales-line"
	newLine     = "new-line"
	newsLine    = "news-line"
	fanLine     = "fan-line"
)

// namespace is that of the samples.
const namespace = "default"

// sample is one instance of config/samples and its Secrets.
type sample struct {
	instance v1alpha1.Instance
	secrets  map[string]*corev1.Secret
}

// sampleFiles returns the files of config/samples that `kubectl apply -k` applies.
func sampleFiles(c sandbox.Checkout) ([]string, error) {
	path := c.Config("samples", "kustomization.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var kustomization struct {
		Resources []string `json:"resources"`
	}
	if err := sigsyaml.Unmarshal(content, &kustomization); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	files := make([]string, 0, len(kustomization.Resources))
	for _, name := range kustomization.Resources {
		files = append(files, c.Config("samples", name))
	}
	return files, nil
}

// readSample reads a sample and puts the emulator's address and fresh random values for its Secrets into it, so that a
// search for them finds nothing but them.
func readSample(scheme *runtime.Scheme, path, apiURL string) (*sample, error) {
	objects, err := sandbox.ReadManifests(scheme, path)
	if err != nil {
		return nil, err
	}
	s := &sample{secrets: map[string]*corev1.Secret{}}
	for _, object := range objects {
		object.SetNamespace(namespace)
		switch o := object.(type) {
		case *corev1.Secret:
			for key := range o.StringData {
				o.StringData[key] = newToken()
			}
			s.secrets[o.Name] = o
		case v1alpha1.Instance:
			o.Core().APIURL = apiURL
			s.instance = o
		}
	}
	if s.instance == nil {
		return nil, fmt.Errorf("%s has no instance", path)
	}
	if s.apiToken() == "" {
		return nil, fmt.Errorf("%s has no Secret with the API token that its instance refers to", path)
	}
	return s, nil
}

// newToken returns random text, which may be a token of the vendor's API.
func newToken() string { return "demo" + rand.Text() }

// id is the number of the instance at the vendor.
func (s *sample) id() int64 { return s.instance.Core().IDInstance }

// messenger is what the vendor calls the kind of the instance.
func (s *sample) messenger() string {
	return instance.KindOf(s.instance).Messenger
}

func (s *sample) apiToken() string {
	ref := s.instance.Core().APITokenSecretRef
	return s.value(ref.Name, ref.KeyOr(v1alpha1.DefaultAPITokenKey))
}

// whatsApp returns the settings in the manifest of a WhatsApp instance, empty ones if it has none.
func (s *sample) whatsApp() *v1alpha1.WhatsAppSettings { return whatsAppSettings(s.instance) }

func whatsAppSettings(i v1alpha1.Instance) *v1alpha1.WhatsAppSettings {
	if settings, ok := i.TypedSettings().(*v1alpha1.WhatsAppSettings); ok {
		return settings
	}
	return &v1alpha1.WhatsAppSettings{}
}

func (s *sample) webhookURL() string { return ptr.Deref(s.whatsApp().WebhookURL, "") }

func (s *sample) webhookToken() string {
	ref := ptr.Deref(s.whatsApp().WebhookURLTokenSecretRef, v1alpha1.SecretKeyReference{})
	return s.value(ref.Name, ref.KeyOr(v1alpha1.DefaultWebhookURLTokenKey))
}

func (s *sample) value(secret, key string) string {
	if found, ok := s.secrets[secret]; ok {
		return found.StringData[key]
	}
	return ""
}
