// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package poller

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "shop", Name: name}
}

// lineFunc is a Line.
type lineFunc func(ctx context.Context) time.Duration

func (f lineFunc) Poll(ctx context.Context) time.Duration { return f(ctx) }

// told counts who was handed over.
type told struct {
	mu    sync.Mutex
	names []string
}

func (t *told) tell(key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names = append(t.names, key.Name)
}

func (t *told) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string{}, t.names...)
}

// TestALineIsPolledUntilItIsDifferent, then handed over, and told of again until somebody takes it.
func TestALineIsPolledUntilItIsDifferent(t *testing.T) {
	t.Parallel()
	g, now, handed := NewWithT(t), clocktesting.NewFakePassiveClock(time.Unix(0, 0)), &told{}
	p := New(now, handed.tell)
	polls, again := 0, time.Minute
	line := lineFunc(func(context.Context) time.Duration { polls++; return again })
	p.Watch(key("a"), line, 10*time.Second)
	due := func() time.Duration {
		at, watched := p.Next(key("a"))
		g.Expect(watched).To(BeTrue())
		return at.Sub(now.Now())
	}
	g.Expect(due()).To(Equal(10 * time.Second))
	now.SetTime(now.Now().Add(10 * time.Second))
	p.PollNow(t.Context(), key("a"))
	g.Expect(polls).To(Equal(1))
	g.Expect(due()).To(Equal(time.Minute))
	p.Wake(key("a"))
	g.Expect(due()).To(BeZero())
	again = 0
	p.PollNow(t.Context(), key("a"))
	g.Expect(handed.list()).To(Equal([]string{"a"}))
	p.Wake(key("a"))
	g.Expect(due()).To(Equal(retell), "who is handed over is not polled")
	p.PollNow(t.Context(), key("a"))
	g.Expect(polls).To(Equal(2))
	g.Expect(handed.list()).To(Equal([]string{"a", "a"}))
	g.Expect(p.Take(key("a"))).NotTo(BeNil())
	g.Expect(p.Take(key("a"))).To(BeNil())
	g.Expect(p.Len()).To(BeZero())
	_, watched := p.Next(key("a"))
	g.Expect(watched).To(BeFalse())
	p.Wake(key("a"))
	p.PollNow(t.Context(), key("a"))
	g.Expect(polls).To(Equal(2))
}

// TestALineThatIsTakenIsNotPolledAnyMore: a poll under way is broken off, and over when Take returns, whatever it came to.
func TestALineThatIsTakenIsNotPolledAnyMore(t *testing.T) {
	t.Parallel()
	g, handed := NewWithT(t), &told{}
	p := New(clock.RealClock{}, handed.tell)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- p.Start(ctx) }()
	for name, again := range map[string]time.Duration{"same": time.Nanosecond, "different": 0} {
		out, polling := atomic.Bool{}, make(chan struct{})
		p.Watch(key(name), lineFunc(func(ctx context.Context) time.Duration {
			out.Store(true)
			close(polling)
			<-ctx.Done()
			out.Store(false)
			return again
		}), 0)
		<-polling
		g.Expect(p.Take(key(name))).NotTo(BeNil())
		g.Expect(out.Load()).To(BeFalse())
	}
	g.Expect(handed.list()).To(BeEmpty())
	g.Expect(p.Len()).To(BeZero())
	stop()
	g.Expect(<-stopped).To(Succeed())
}

// TestManyLinesAreEachPolled by few workers, in the order in which they are due, while others come and go; one that panics is
// handed over.
func TestManyLinesAreEachPolled(t *testing.T) {
	t.Parallel()
	g, handed := NewWithT(t), &told{}
	p := New(clock.RealClock{}, handed.tell)
	p.SetWorkers(4)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- p.Start(ctx) }()
	polls := make([]atomic.Int64, 100)
	p.Watch(key("panic"), lineFunc(func(context.Context) time.Duration { panic("no such thing") }), 0)
	for i := range polls {
		p.Watch(key(fmt.Sprint(i)), lineFunc(func(context.Context) time.Duration {
			polls[i].Add(1)
			return time.Millisecond
		}), time.Duration(i)*time.Microsecond)
	}
	for i := range polls {
		g.Eventually(polls[i].Load, time.Minute).Should(BeNumerically(">", 2))
		if i%2 == 0 {
			p.Take(key(fmt.Sprint(i)))
		}
	}
	seen := make([]int64, len(polls))
	for i := range polls {
		seen[i] = polls[i].Load()
	}
	g.Eventually(polls[1].Load, time.Minute).Should(BeNumerically(">", seen[1]+2))
	for i := range polls {
		if i%2 == 0 {
			g.Expect(polls[i].Load()).To(Equal(seen[i]), "taken")
		}
	}
	g.Expect(handed.list()).To(ContainElement("panic"))
	stop()
	g.Expect(<-stopped).To(Succeed())
	g.Expect(p.Len()).To(Equal(51), "what is watched stays for whoever starts again")
}

// TestTheFirstDueIsPolledFirst, and none before its time.
func TestTheFirstDueIsPolledFirst(t *testing.T) {
	t.Parallel()
	g, now := NewWithT(t), clocktesting.NewFakePassiveClock(time.Unix(0, 0))
	p := New(now, func(types.NamespacedName) {})
	var order []string
	for name, after := range map[string]time.Duration{"a": time.Second, "b": 2 * time.Second, "c": 3 * time.Second} {
		p.Watch(key(name), lineFunc(func(context.Context) time.Duration { order = append(order, name); return time.Hour }), after)
	}
	for range 10 {
		poll, wait := p.first(t.Context())
		if poll != nil {
			poll()
			continue
		}
		now.SetTime(now.Now().Add(wait))
		if len(order) == 3 {
			break
		}
	}
	g.Expect(order).To(Equal([]string{"a", "b", "c"}))
	ended, stop := context.WithCancel(t.Context())
	stop()
	now.SetTime(now.Now().Add(time.Hour))
	poll, wait := p.first(ended)
	g.Expect(poll).To(BeNil())
	g.Expect(wait).To(Equal(idle))
}

// TestALineThatIsWokenWhileItIsPolledIsPolledAgain at once, and once: what woke it may have come after it was looked for.
func TestALineThatIsWokenWhileItIsPolledIsPolledAgain(t *testing.T) {
	t.Parallel()
	g, now, handed := NewWithT(t), clocktesting.NewFakePassiveClock(time.Unix(0, 0)), &told{}
	p := New(now, handed.tell)
	wake, again := true, time.Hour
	p.Watch(key("a"), lineFunc(func(context.Context) time.Duration {
		if wake {
			p.Wake(key("a"))
		}
		return again
	}), 0)
	due := func() time.Duration {
		p.PollNow(t.Context(), key("a"))
		at, _ := p.Next(key("a"))
		return at.Sub(now.Now())
	}
	g.Expect(due()).To(BeZero())
	wake = false
	g.Expect(due()).To(Equal(time.Hour), "it is woken once")
	wake, again = true, 0
	g.Expect(due()).To(Equal(retell))
	g.Expect(handed.list()).To(Equal([]string{"a"}), "what is different is handed over, woken or not")
}
