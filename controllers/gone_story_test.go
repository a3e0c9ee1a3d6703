// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// drop deletes a resource and makes the pass that the watch asks for. What that pass asks for follows in its time.
func (s *story) drop(name string) {
	s.t.Helper()
	resource := s.get(name)
	s.Expect(admin.Delete(s.ctx, resource)).To(Succeed())
	s.Eventually(func() error {
		return s.cached.Get(s.ctx, client.ObjectKeyFromObject(resource), &v1alpha1.WhatsAppInstance{})
	}, patience).Should(HaveOccurred())
	s.pass(name)
}

// series is how many series of metrics the operator has.
func (s *story) series() int {
	s.t.Helper()
	families, err := s.metrics.Gather()
	s.Expect(err).NotTo(HaveOccurred())
	n := 0
	for _, family := range families {
		n += len(family.GetMetric())
	}
	return n
}
