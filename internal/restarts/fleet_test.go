// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package restarts

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
)

// town is some fleets, and the time that passes.
type town struct {
	fleets *Fleets
	rules  Rules
	now    time.Time
	woken  []string
}

const (
	settle = 6 * time.Minute
	probe  = 15 * time.Minute
)

func newTown() *town {
	w := &town{rules: Rules{SlowStart: 1, BrakeAfter: 2, ProbeAfter: probe}, now: start}
	w.restart()
	return w
}

// restart is another process, which knows the statuses alone.
func (w *town) restart() { w.fleets = NewFleets(w.rules) }

func (w *town) line(namespace string, i int) fairqueue.Waiter {
	return asking(namespace, i, func(key types.NamespacedName) { w.woken = append(w.woken, key.String()) })
}

// ask asks for a first attempt, and begins it if it may go.
func (w *town) ask(line fairqueue.Waiter, fleet string) Answer {
	answer := w.fleets.Ask(Ask{Waiter: line, Fleet: fleet, First: true}, w.now)
	if answer.OK {
		w.fleets.Begin(line.Resource, w.now.Add(settle))
	}
	return answer
}

// end ends a restart.
func (w *town) end(line fairqueue.Waiter, fleet string, well bool) {
	status := Line{Fleet: fleet, Started: w.now.Add(-time.Minute)}
	if well {
		status.Well = w.now
	} else {
		status.Badly, status.Why = w.now, "SettingsNotPersisted"
	}
	w.fleets.Note(line.Resource, status)
	w.fleets.Release(line.Resource)
	w.fleets.Grant(w.now)
}

// TestR33RoundByRound: one, then two, then four.
func TestR33RoundByRound(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	var rounds []int
	rest := make([]fairqueue.Waiter, 0, 12)
	for i := range 12 {
		rest = append(rest, w.line("shop", i))
	}
	for len(rest) > 0 {
		var gone, held []fairqueue.Waiter
		for _, line := range rest {
			if w.ask(line, "shop").OK {
				gone = append(gone, line)
			} else {
				held = append(held, line)
			}
		}
		g.Expect(gone).NotTo(BeEmpty())
		rounds = append(rounds, len(gone))
		w.now = w.now.Add(time.Minute)
		for _, line := range gone {
			w.end(line, "shop", true)
		}
		rest = held
	}
	g.Expect(rounds).To(Equal([]int{1, 2, 4, 5}))
}

// TestR33WellCountsForAnHour, and since the last that ended badly.
func TestR33WellCountsForAnHour(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	for i := range 3 {
		line := w.line("shop", i)
		g.Expect(w.ask(line, "shop").OK).To(BeTrue())
		w.now = w.now.Add(10 * time.Minute)
		w.end(line, "shop", true)
	}
	g.Expect(w.fleets.Standing("shop", w.now).Allowance).To(Equal(4))
	g.Expect(w.fleets.Standing("shop", w.now.Add(39*time.Minute+59*time.Second)).Allowance).To(Equal(4))
	g.Expect(w.fleets.Standing("shop", w.now.Add(40*time.Minute)).Allowance).To(Equal(3))
	g.Expect(w.fleets.Standing("shop", w.now.Add(time.Hour)).Allowance).To(Equal(1))
	g.Expect(w.fleets.Standing("elsewhere", w.now).Allowance).To(Equal(1))

	w = newTown()
	for i, well := range []bool{true, true, false, true} {
		line := w.line("shop", i)
		g.Expect(w.ask(line, "shop").OK).To(BeTrue())
		w.now = w.now.Add(time.Minute)
		w.end(line, "shop", well)
	}
	g.Expect(w.fleets.Standing("shop", w.now)).To(And(HaveField("Allowance", 2), HaveField("Halted", false)))
}

// TestR34TwoBadOnesInARowHalt their fleet, and no other. One is let through after a while, and one only.
func TestR34TwoBadOnesInARowHalt(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	for i := range 2 {
		line := w.line("shop", i)
		g.Expect(w.ask(line, "shop").OK).To(BeTrue())
		w.now = w.now.Add(time.Minute)
		w.end(line, "shop", false)
	}
	halted := w.now
	first, second := w.line("shop", 2), w.line("shop", 3)
	answer := w.ask(first, "shop")
	g.Expect(answer.OK).To(BeFalse())
	g.Expect(answer.Standing.Halted).To(BeTrue())
	g.Expect(answer.Again).To(BeTemporally("==", halted.Add(probe)))
	g.Expect(answer.Standing.Failures).To(HaveLen(2))
	g.Expect(answer.Standing.Failures[0]).To(And(HaveField("Why", "SettingsNotPersisted"), HaveField("At", halted)))
	g.Expect(w.ask(second, "shop").Again).To(BeTemporally(">", halted.Add(probe)))
	g.Expect(w.ask(w.line("mall", 0), "mall").OK).To(BeTrue(), "another fleet")
	_, stopped := w.fleets.Waiting(w.now)
	g.Expect(stopped).To(Equal(1))
	// A bad line's own next attempt waits as well; a person's word goes past.
	g.Expect(w.fleets.Ask(Ask{Waiter: w.line("shop", 0), Fleet: "shop"}, w.now).OK).To(BeFalse())
	w.fleets.Release(w.line("shop", 0).Resource)
	g.Expect(w.fleets.Ask(Ask{Waiter: w.line("shop", 9), Fleet: "shop", First: true, Past: true}, w.now).OK).To(BeTrue())
	w.fleets.Release(w.line("shop", 9).Resource)

	w.now = halted.Add(probe - time.Second)
	g.Expect(w.ask(first, "shop").OK).To(BeFalse())
	w.now = halted.Add(probe)
	g.Expect(w.ask(second, "shop").OK).To(BeFalse(), "the first one goes")
	g.Expect(w.woken).To(ContainElement("shop/2"))
	g.Expect(w.ask(first, "shop").OK).To(BeTrue())
	g.Expect(w.ask(second, "shop").OK).To(BeFalse(), "one only")
	w.now = w.now.Add(time.Minute)
	w.end(first, "shop", false)
	g.Expect(w.ask(second, "shop").Standing.Failures).To(HaveLen(3))
	w.now = w.now.Add(probe)
	g.Expect(w.ask(second, "shop").OK).To(BeTrue())
	w.now = w.now.Add(time.Minute)
	w.end(second, "shop", true)
	g.Expect(w.fleets.Standing("shop", w.now)).To(And(HaveField("Halted", false), HaveField("Allowance", 2)))
	_, stopped = w.fleets.Waiting(w.now)
	g.Expect(stopped).To(Equal(0))
}

// TestR34AProbeWithoutAnEndIsAProbe: one whose end nobody saw, or that was not authorized by then, counts neither way, and the next
// follows as late.
func TestR34AProbeWithoutAnEndIsAProbe(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	for i := range 2 {
		g.Expect(w.ask(w.line("shop", i), "shop").OK).To(BeTrue())
		w.end(w.line("shop", i), "shop", false)
	}
	w.now = w.now.Add(probe)
	tried, next := w.line("shop", 2), w.line("shop", 3)
	g.Expect(w.ask(tried, "shop").OK).To(BeTrue())
	w.fleets.Note(tried.Resource, Line{Fleet: "shop", Started: w.now})
	w.fleets.Release(tried.Resource)
	w.now = w.now.Add(probe - time.Second)
	g.Expect(w.ask(next, "shop").OK).To(BeFalse())
	w.now = w.now.Add(time.Second)
	g.Expect(w.ask(next, "shop").OK).To(BeTrue())
}

// TestR34AFurtherAttemptIsNoFirstOne: it neither waits nor counts in a fleet that is not halted.
func TestR34AFurtherAttemptIsNoFirstOne(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	g.Expect(w.fleets.Ask(Ask{Waiter: w.line("shop", 0), Fleet: "shop"}, w.now).OK).To(BeTrue())
	g.Expect(w.ask(w.line("shop", 1), "shop").OK).To(BeTrue())
	g.Expect(w.fleets.Ask(Ask{Waiter: w.line("shop", 2), Fleet: "shop"}, w.now).OK).To(BeTrue())
	g.Expect(w.ask(w.line("shop", 3), "shop").OK).To(BeFalse())
}

// TestR34TheBrakeHoldsWhoHasNotBegun, and nobody who has.
func TestR34TheBrakeHoldsWhoHasNotBegun(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	w.rules.SlowStart = 3
	w.restart()
	waits := w.line("shop", 2)
	g.Expect(w.fleets.Ask(Ask{Waiter: waits, Fleet: "shop", First: true}, w.now).OK).To(BeTrue())
	begun := w.line("shop", 3)
	g.Expect(w.ask(begun, "shop").OK).To(BeTrue())
	for i := range 2 {
		w.end(w.line("shop", i), "shop", false)
	}
	g.Expect(w.ask(waits, "shop").OK).To(BeFalse(), "it waits for its turn still")
	g.Expect(w.fleets.Look(waits.Resource)).To(Equal(Waiting))
	g.Expect(w.ask(begun, "shop").OK).To(BeTrue())
	g.Expect(w.fleets.Look(begun.Resource)).To(Equal(Restarting))
}

// TestR34WhoWaitsIsToldThatTheBrakeHolds, and that it does not any more: what it waits for is another thing then.
func TestR34WhoWaitsIsToldThatTheBrakeHolds(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	first, second := w.line("shop", 0), w.line("shop", 1)
	g.Expect(w.ask(first, "shop").OK).To(BeTrue())
	for i := 1; i < 6; i++ {
		g.Expect(w.ask(w.line("shop", i), "shop").OK).To(BeFalse())
	}
	w.end(first, "shop", false)
	g.Expect(w.woken).To(Equal([]string{"shop/1"}))
	g.Expect(w.ask(second, "shop").OK).To(BeTrue())
	w.woken = nil
	w.end(second, "shop", false)
	g.Expect(w.woken).To(ConsistOf("shop/2", "shop/3", "shop/4", "shop/5"))
	g.Expect(w.fleets.Look(w.line("shop", 3).Resource)).To(Equal(Told))
	g.Expect(w.ask(w.line("shop", 3), "shop").Standing.Halted).To(BeTrue())
	g.Expect(w.fleets.Look(w.line("shop", 3).Resource)).To(Equal(Waiting))
	w.now = w.now.Add(probe)
	third := w.line("shop", 2)
	g.Expect(w.ask(third, "shop").OK).To(BeTrue())
	w.woken = nil
	w.end(third, "shop", true)
	g.Expect(w.woken).To(ContainElements("shop/3", "shop/4", "shop/5"))
}

// TestR34WhoseTimeIsOverAsksAnew: a restart whose end nobody saw lets its line pass no brake.
func TestR34WhoseTimeIsOverAsksAnew(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	w.rules.SlowStart = 3
	w.restart()
	unseen := w.line("shop", 2)
	g.Expect(w.ask(unseen, "shop").OK).To(BeTrue())
	for i := range 2 {
		g.Expect(w.ask(w.line("shop", i), "shop").OK).To(BeTrue())
		w.end(w.line("shop", i), "shop", false)
	}
	g.Expect(w.ask(unseen, "shop").OK).To(BeTrue(), "it is under way")
	w.now = w.now.Add(settle)
	g.Expect(w.ask(unseen, "shop").OK).To(BeFalse())
}

// TestR33NamespacesTakeTurnsInAFleet.
func TestR33NamespacesTakeTurnsInAFleet(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	first := w.line("many", 0)
	g.Expect(w.ask(first, "all").OK).To(BeTrue())
	for i := 1; i < 5; i++ {
		g.Expect(w.ask(w.line("many", i), "all").OK).To(BeFalse())
	}
	g.Expect(w.ask(w.line("one", 0), "all").Ahead).To(Equal(1))
	w.now = w.now.Add(time.Minute)
	w.end(first, "all", true)
	g.Expect(w.woken).To(ConsistOf("many/1", "one/0"))
}

// TestR34WithoutASlowStartNothingIsHeld.
func TestR34WithoutASlowStartNothingIsHeld(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	w.rules.SlowStart = 0
	w.restart()
	for i := range 5 {
		w.end(w.line("shop", i), "shop", false)
		g.Expect(w.ask(w.line("shop", 10+i), "shop").OK).To(BeTrue())
	}
}

// TestR34WithoutABrakeNothingHalts, however many end badly.
func TestR34WithoutABrakeNothingHalts(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	w.rules.BrakeAfter = 0
	w.restart()
	for i := range 3 {
		g.Expect(w.ask(w.line("shop", i), "shop").OK).To(BeTrue())
		w.end(w.line("shop", i), "shop", false)
	}
}

// TestR34ALineThatIsGoneHoldsNobody: what ended badly counts no more once its resource says nothing of it.
func TestR34ALineThatIsGoneHoldsNobody(t *testing.T) {
	g := NewWithT(t)
	w := newTown()
	for i := range 2 {
		w.end(w.line("shop", i), "shop", false)
	}
	g.Expect(w.ask(w.line("shop", 2), "shop").OK).To(BeFalse())
	w.fleets.Note(w.line("shop", 0).Resource, Line{})
	g.Expect(w.ask(w.line("shop", 2), "shop").OK).To(BeTrue())
}

// TestR34WhatTurnedBadIsOutlastedToTheSecond: after a restart that seemed to have ended well and turned bad, others count once they have lasted
// twice as long.
func TestR34WhatTurnedBadIsOutlastedToTheSecond(t *testing.T) {
	for early, counts := range map[time.Duration]int{time.Second: 1, 0: 3} {
		g := NewWithT(t)
		w := newTown()
		bad, good := w.line("shop", 0), w.line("shop", 1)
		w.fleets.Note(bad.Resource, Line{Fleet: "shop", Started: start.Add(-10 * time.Minute), Badly: start, Why: "NotAuthorized", Lasted: 5 * time.Minute})
		w.fleets.Note(good.Resource, Line{Fleet: "shop", Started: start.Add(time.Minute), Well: start.Add(2 * time.Minute)})
		w.fleets.Note(w.line("shop", 2).Resource, Line{Fleet: "shop", Started: start.Add(time.Minute), Well: start.Add(12*time.Minute - time.Second)})
		w.now = start.Add(12*time.Minute - early)
		begun := 0
		for i := range 5 {
			if w.ask(w.line("shop", 10+i), "shop").OK {
				begun++
			}
		}
		g.Expect(begun).To(Equal(counts), "%s early", early)
	}
}

// TestR34OfABadChangeOnlySoManyAreEverRestarted plays fleets against the statement of the design, with processes that die and
// resources that move, and lines that end well and badly.
func TestR34OfABadChangeOnlySoManyAreEverRestarted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewWithT(t)
		rules := Rules{SlowStart: rapid.IntRange(1, 3).Draw(t, "slow start"), BrakeAfter: rapid.IntRange(1, 3).Draw(t, "brake after"), ProbeAfter: probe}
		fleets, now := NewFleets(rules), start
		wake := func(types.NamespacedName) {}
		const lines = 24
		type resource struct {
			fairqueue.Waiter
			status Line
			until  time.Time
			done   bool
		}
		all := make([]*resource, lines)
		for i := range all {
			all[i] = &resource{Waiter: asking(fmt.Sprint(i%3), i, wake), status: Line{Fleet: "all"}}
		}
		good := rapid.IntRange(0, 6).Draw(t, "good ones before")
		finished, restarted := 0, 0
		var badBegun []time.Time
		allowance := 0
		step := func() {
			for _, r := range all {
				if r.until.IsZero() || now.Before(r.until) {
					continue
				}
				r.until, r.status.Until, r.done = time.Time{}, time.Time{}, true
				if finished++; finished <= good {
					r.status.Well = now
				} else {
					r.status.Badly, r.status.Why = now, "Bad"
				}
				fleets.Note(r.Resource, r.status)
				fleets.Release(r.Resource)
				fleets.Grant(now)
			}
		}
		for range rapid.IntRange(50, 400).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"ask", "ask", "ask", "ask", "ask", "time", "die", "move", "leave"}).Draw(t, "what") {
			case "ask":
				r := rapid.SampledFrom(all).Draw(t, "who")
				if r.done || !r.until.IsZero() {
					continue
				}
				if standing := fleets.Standing("all", now); finished <= good {
					allowance = max(allowance, standing.Allowance)
				}
				if fleets.Ask(Ask{Waiter: r.Waiter, Fleet: "all", First: true}, now).OK {
					restarted++
					if finished >= good {
						badBegun = append(badBegun, now)
					}
					r.until = now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "minutes")) * time.Minute)
					r.status.Started, r.status.Until, r.status.First = now, now.Add(settle), true
					fleets.Begin(r.Resource, r.status.Until)
					fleets.Note(r.Resource, r.status)
				}
			case "time":
				now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "seconds")) * time.Second)
				step()
			case "die":
				fleets = NewFleets(rules)
				for _, r := range all {
					fleets.Note(r.Resource, r.status)
				}
			case "move":
				r := rapid.SampledFrom(all).Draw(t, "who")
				fleets.Note(r.Resource, r.status)
			case "leave":
				r := rapid.SampledFrom(all).Draw(t, "who")
				if r.until.IsZero() {
					fleets.StopWaiting(r.Resource)
				}
			}
			// What was under way when the first bad one ended, and those that the brake lets end badly, and then probes.
			probes := int(now.Sub(start)/probe) + 1
			g.Expect(len(badBegun)).To(BeNumerically("<=", rules.BrakeAfter+allowance+rules.SlowStart+probes))
		}
		// From the moment on that it is halted there is one in each time of the probe.
		if standing := fleets.Standing("all", now); standing.Halted {
			begun := len(badBegun)
			for range 40 {
				now = now.Add(time.Minute)
				step()
				for _, r := range all {
					if !r.done && r.until.IsZero() && fleets.Ask(Ask{Waiter: r.Waiter, Fleet: "all", First: true}, now).OK {
						badBegun = append(badBegun, now)
						r.until, r.status.Started, r.status.Until = now.Add(time.Minute), now, now.Add(settle)
						fleets.Begin(r.Resource, r.status.Until)
						fleets.Note(r.Resource, r.status)
					}
				}
			}
			g.Expect(len(badBegun)-begun).To(BeNumerically("<=", 3), "one per --retry-apply-after")
			for i := begun + 1; i < len(badBegun); i++ {
				g.Expect(badBegun[i].Sub(badBegun[i-1])).To(BeNumerically(">=", probe))
			}
		}
		for _, r := range all {
			fleets.Forget(r.Resource)
		}
		g.Expect([]int{len(fleets.fleets), len(fleets.lines), len(fleets.waiters), len(fleets.admitted)}).To(Equal([]int{0, 0, 0, 0}), "nothing is left")
	})
}

// BenchmarkAskAHaltedFleet is what it costs to ask in a fleet of ten thousand.
func BenchmarkAskAHaltedFleet(tb *testing.B) {
	w := newTown()
	for i := range 10_000 {
		w.fleets.Note(w.line("shop", i).Resource, Line{Fleet: "shop", Started: w.now, Badly: w.now})
	}
	waits := w.line("shop", 20_000)
	for tb.Loop() {
		if w.fleets.Ask(Ask{Waiter: waits, Fleet: "shop", First: true}, w.now).OK {
			tb.Fatal("it is halted")
		}
	}
}
