// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"regexp"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestTheHeapGrowsByThirtyPercent: unless GOGC asks for something else, which it may.
func TestTheHeapGrowsByThirtyPercent(t *testing.T) {
	t.Parallel()
	for environment, want := range map[string]string{"GOGC=": "30", "GOGC=80": "80"} {
		t.Run(environment, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			address := w.servingWith(func(command *exec.Cmd) { command.Env = append(command.Env, environment) }, "--metrics-secure=false")
			percent := regexp.MustCompile(`(?m)^go_gc_gogc_percent (.*)$`)
			w.Eventually(func() []string {
				_, body := scrape(t, "http://"+address, "", nil)
				return percent.FindStringSubmatch(body)
			}, patience).Should(HaveExactElements(Not(BeEmpty()), want))
		})
	}
}

// TestMetadataThatIsNotReadStays: the cache holds no copy of it, and no write of a status takes it away.
func TestMetadataThatIsNotReadStays(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 1)
	const applied = `{"kind":"WhatsAppInstance"}`
	f.edit("line-0", 0, func(r *v1alpha1.WhatsAppInstance) {
		r.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: applied, "of.example/note": "stays"}
		r.Labels = map[string]string{"team": "support"}
		r.Finalizers = []string{"of.example/tool"}
		r.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: "an-owner"}}
	})
	before := f.get("line-0").ResourceVersion
	f.launch(newGate(t, environment.Config))
	f.delay("line-0", 1000)
	f.converge("statuses were written")
	line := f.get("line-0")
	f.Expect(line.ResourceVersion).NotTo(Equal(before))
	f.Expect(line.Annotations).To(HaveKeyWithValue(corev1.LastAppliedConfigAnnotation, applied))
	f.Expect(line.Annotations).To(HaveKeyWithValue("of.example/note", "stays"))
	f.Expect(line.Labels).To(HaveKeyWithValue("team", "support"))
	f.Expect(line.Finalizers).To(Equal([]string{"of.example/tool"}))
	f.Expect(line.OwnerReferences).To(HaveLen(1))
	f.Expect(line.ManagedFields).NotTo(BeEmpty())
	f.edit("line-0", 0, func(r *v1alpha1.WhatsAppInstance) { r.Finalizers, r.OwnerReferences = nil, nil })
}
