// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package states_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// TestEachReasonIsOneOfTheAPI, so that whoever reads a condition finds it documented.
func TestEachReasonIsOneOfTheAPI(t *testing.T) {
	g := NewWithT(t)
	api, err := os.ReadFile("../../api/v1alpha1/conditions.go")
	g.Expect(err).NotTo(HaveOccurred())
	var reasons []string
	for _, found := range regexp.MustCompile(`(?m)^\tReason\w+ += "(\w+)"$`).FindAllStringSubmatch(string(api), -1) {
		reasons = append(reasons, found[1])
	}
	for _, word := range append(states.Words(), states.Creating, "a word of tomorrow") {
		g.Expect(reasons).To(ContainElement(states.Of(word).Reason), word)
	}
}

// TestEachStateIsWhole: it has a text, and no word or reason stands twice.
func TestEachStateIsWhole(t *testing.T) {
	g := NewWithT(t)
	var words, reasons []string
	for _, word := range append(states.Words(), states.Creating) {
		s := states.Of(word)
		g.Expect(s.Word).To(Equal(word))
		g.Expect(s.Message).NotTo(BeEmpty())
		g.Expect(s.Available).To(BeElementOf("True", "False"))
		g.Expect(words).NotTo(ContainElement(word))
		g.Expect(reasons).NotTo(ContainElement(s.Reason))
		g.Expect(s.Restarting && s.Interrupts).To(BeFalse(), "what restarts cannot be interrupted: "+word)
		words, reasons = append(words, word), append(reasons, s.Reason)
	}
	g.Expect(states.Known(states.Creating)).To(BeFalse())
	g.Expect(states.Known("a word of tomorrow")).To(BeFalse())
}

// TestAnUnknownStateInterrupts: the safe side of a restart.
func TestAnUnknownStateInterrupts(t *testing.T) {
	g := NewWithT(t)
	s := states.Of("a word of tomorrow")
	g.Expect([]any{s.Available, s.Interrupts, s.Restarting, s.Alarm}).To(Equal([]any{"Unknown", true, false, states.AlarmNever}))
	g.Expect(slices.Contains(states.Words(), s.Word)).To(BeFalse())
}
