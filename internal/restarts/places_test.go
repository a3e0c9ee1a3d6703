// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package restarts

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestR29WhoDoesNotComeKeepsNoPlaceInItsFleet: it was let through and woken, and cannot be read, so that it neither begins nor asks.
func TestR29WhoDoesNotComeKeepsNoPlaceInItsFleet(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	first, lost, last := w.line("shop", 0), w.line("shop", 1), w.line("shop", 2)
	g.Expect(w.ask(first, "shop").OK).To(BeTrue())
	g.Expect(w.ask(lost, "shop").OK).To(BeFalse())
	g.Expect(w.ask(last, "shop").OK).To(BeFalse())
	w.now = w.now.Add(time.Minute)
	w.end(first, "shop", false)
	g.Expect(w.woken).To(ConsistOf("shop/1"))
	answer := w.ask(last, "shop")
	g.Expect(answer.OK).To(BeFalse())
	g.Expect(answer.Again).To(BeTemporally("==", w.now.Add(turnTimeout)))
	w.now = answer.Again
	g.Expect(w.ask(last, "shop").OK).To(BeTrue())
	g.Expect(w.ask(lost, "shop").OK).To(BeFalse(), "it waits anew")
}

// TestR34WhoWaitsForAProbeDoesNotAskAllTheTime: while the one that is let through waits for its turn, or does not come.
func TestR34WhoWaitsForAProbeDoesNotAskAllTheTime(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	for i := range 2 {
		g.Expect(w.ask(w.line("shop", i), "shop").OK).To(BeTrue())
		w.end(w.line("shop", i), "shop", false)
	}
	tried, next := w.line("shop", 2), w.line("shop", 3)
	g.Expect(w.ask(tried, "shop").OK).To(BeFalse())
	g.Expect(w.ask(next, "shop").OK).To(BeFalse())
	w.now = w.now.Add(probe + time.Minute)
	g.Expect(w.ask(next, "shop").Again).To(BeTemporally("==", w.now.Add(turnTimeout)), "the other one was woken")
	g.Expect(w.fleets.Ask(Ask{Waiter: tried, Fleet: "shop", First: true}, w.now).OK).To(BeTrue())
	w.now = w.now.Add(time.Hour)
	g.Expect(w.fleets.Ask(Ask{Waiter: tried, Fleet: "shop", First: true}, w.now).OK).To(BeTrue(), "its turn has not come yet")
	answer := w.ask(next, "shop")
	g.Expect(answer.OK).To(BeFalse())
	g.Expect(answer.Again.IsZero()).To(BeTrue(), "it is woken")
}
