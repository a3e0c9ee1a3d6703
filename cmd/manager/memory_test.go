// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"regexp"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestTheHeapGrowsByThirtyPercent: unless GOGC asks for something else, which it may.
func TestTheHeapGrowsByThirtyPercent(t *testing.T) {
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

// TestWhatKubectlAppliedStays: the cache holds no copy of it, and no write of a status takes it away.
func TestWhatKubectlAppliedStays(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 1)
	const applied = `{"kind":"WhatsAppInstance"}`
	f.edit("line-0", 0, func(r *v1alpha1.WhatsAppInstance) {
		r.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: applied}
	})
	f.launch(newGate(t, environment.Config))
	f.delay("line-0", 1000)
	f.converge("statuses were written")
	f.Expect(f.get("line-0").Annotations).To(HaveKeyWithValue(corev1.LastAppliedConfigAnnotation, applied))
	f.Expect(f.get("line-0").ManagedFields).NotTo(BeEmpty())
}
