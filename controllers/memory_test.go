// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	"github.com/onsi/gomega"
)

// TestAMemoryThatRestsForgetsNothing: what is rare is left out only while there is none of it, and is there again for a pass.
func TestAMemoryThatRestsForgetsNothing(t *testing.T) {
	g := gomega.NewWithT(t)
	m := newMemory("", time.Now())
	m.rest()
	g.Expect(m.rareMemory).To(gomega.BeNil())
	m.wake()
	g.Expect(m.failedSince).To(gomega.BeZero())

	m.firstApply = "tuesday"
	m.rest()
	m.wake()
	g.Expect(m.firstApply).To(gomega.Equal("tuesday"))
}
