// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package kubestatemetrics

import (
	"os"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// TestEveryStateHasASeries: of a state that is not listed kube-state-metrics says nothing.
func TestEveryStateHasASeries(t *testing.T) {
	g := NewWithT(t)
	text, err := os.ReadFile("custom-resource-state.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	found := regexp.MustCompile(`path: \[status, stateInstance\]\s+list: \[([^\]]*)\]`).FindSubmatch(text)
	g.Expect(found).To(HaveLen(2))
	g.Expect(strings.Split(string(found[1]), ", ")).To(ConsistOf(states.Words()))
}
