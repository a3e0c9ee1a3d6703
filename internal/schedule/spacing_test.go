// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// TestTheTotalLimit bounds the calls of all instances together where there is one, and nothing where there is none.
func TestTheTotalLimit(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, none := range []float64{0, -1} {
		unbounded := NewSpacing(none)
		for range 100 {
			g.Expect(unbounded.Reserve(start, 4)).To(Equal(start))
			g.Expect(unbounded.Spare(start)).To(BeTrue())
		}
	}
	bounded := NewSpacing(2)
	g.Expect(bounded.Reserve(start, 4)).To(Equal(start), "one pass fits at once")
	g.Expect(bounded.Spare(start)).To(BeFalse())
	g.Expect(bounded.Reserve(start, 4)).To(Equal(start.Add(2*time.Second)), "two a second")
	g.Expect(bounded.Spare(start.Add(2*time.Second))).To(BeFalse(), "that place is taken")
	g.Expect(bounded.Spare(start.Add(3 * time.Second))).To(BeTrue())
}

// TestR3ACallASecond: of one method of one instance, and what is over holds nothing back and is forgotten.
func TestR3ACallASecond(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := NewSpacing(0)
	one, other := keys.Instance{ID: 7107000001}, keys.Instance{ID: 7107000002}
	g.Expect(s.Take(start, one, time.Minute, "a", "b")).To(BeZero())
	g.Expect(s.Take(start, one, time.Minute, "c", "b")).To(Equal(CallSpacing), "b is under way")
	g.Expect(s.Take(start, one, time.Minute, "c")).To(BeZero(), "nothing was reserved by the one that waits")
	g.Expect(s.Take(start, other, time.Minute, "a")).To(BeZero())
	s.Done(start.Add(300*time.Millisecond), one, "a")
	g.Expect(s.Take(start.Add(time.Second), one, time.Minute, "a")).To(Equal(300 * time.Millisecond))
	g.Expect(s.Take(start.Add(1300*time.Millisecond), one, time.Minute, "a")).To(BeZero())

	third := keys.Instance{ID: 7107000003}
	g.Expect(s.Take(start, third, time.Minute, "a")).To(BeZero())
	g.Expect(s.Take(start.Add(time.Minute), third, time.Minute, "a")).To(Equal(CallSpacing), "it may have ended only now")
	g.Expect(s.Take(start.Add(time.Minute+CallSpacing), third, time.Minute, "a")).To(BeZero())
	s.Release(third, "a")

	kept := func() int { return len(s.next) }
	g.Expect(kept()).To(Equal(4))
	s.Done(start.Add(time.Hour), one, "a")
	g.Expect(kept()).To(Equal(1), "what is over is forgotten")
	s.Done(start.Add(time.Hour+5*time.Second), one, "b")
	g.Expect(kept()).To(Equal(2), "and not at every call")
	s.Done(start.Add(time.Hour+sweepInterval), other, "a")
	g.Expect(kept()).To(Equal(1))
	s.Sweep(start.Add(2 * time.Hour))
	g.Expect(kept()).To(BeZero())
}

// TestJitterIsATenthEitherWay, and uses all of it.
func TestJitterIsATenthEitherWay(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	shortest, longest := time.Hour, time.Duration(0)
	for range 5000 {
		wait := Jitter(time.Minute)
		shortest, longest = min(shortest, wait), max(longest, wait)
	}
	g.Expect(shortest).To(And(BeNumerically(">=", 54*time.Second), BeNumerically("<", 55*time.Second)))
	g.Expect(longest).To(And(BeNumerically("<=", 66*time.Second), BeNumerically(">", 65*time.Second)))
}
