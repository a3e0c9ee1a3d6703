// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package poller looks at what is in order, again and again, and hands over what is different: it is to the vendor what an
// informer is to the API server, made of polls. It knows of keys and times only.
package poller

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// Line is one that is polled.
type Line interface {
	// Poll makes the reads that are due, and returns after how long to poll again, more than 0; or 0, if something is different
	// and the line is to be handed over.
	Poll(ctx context.Context) (again time.Duration)
}

// retell is after how long a line is handed over again that nobody took.
const retell = 10 * time.Second

// Poller polls lines when they are due. A line is either watched here, or belongs to whoever took it.
type Poller struct {
	clock   clock.PassiveClock
	workers int
	tell    func(types.NamespacedName)

	mu    sync.Mutex
	lines map[types.NamespacedName]*watch
	due   queue
	// sooner tells Start that the first line may be due sooner than it believes.
	sooner chan struct{}
}

// watch is a line that is watched.
type watch struct {
	key  types.NamespacedName
	line Line
	at   time.Time
	// place is where it is in the queue, -1 while it is polled.
	place int
	// handed: it is handed over, and nobody took it yet. woken: somebody woke it while it was polled.
	handed, woken bool
	// cancel ends a poll that is under way, and done is closed when it is over.
	cancel context.CancelFunc
	done   chan struct{}
}

// New returns a poller, which tells a function, that must not block, of what is handed over.
func New(clock clock.PassiveClock, tell func(types.NamespacedName)) *Poller {
	return &Poller{clock: clock, workers: 1, tell: tell, lines: map[types.NamespacedName]*watch{}, sooner: make(chan struct{}, 1)}
}

// SetWorkers says how many lines are polled at once, at least one. It is called before Start.
func (p *Poller) SetWorkers(workers int) { p.workers = max(workers, 1) }

// Watch has a line be polled after a while. It replaces one with the same key.
func (p *Poller) Watch(key types.NamespacedName, line Line, after time.Duration) {
	p.Take(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &watch{key: key, line: line, at: p.clock.Now().Add(after)}
	p.lines[key] = w
	heap.Push(&p.due, w)
	p.hurryLocked(w)
}

// Take ends the watching of a line and returns it, nil if there is none. A poll that is under way is broken off and over when Take
// returns.
func (p *Poller) Take(key types.NamespacedName) Line {
	p.mu.Lock()
	w := p.lines[key]
	if w == nil {
		p.mu.Unlock()
		return nil
	}
	delete(p.lines, key)
	if w.place >= 0 {
		heap.Remove(&p.due, w.place)
		p.mu.Unlock()
		return w.line
	}
	cancel, done := w.cancel, w.done
	p.mu.Unlock()
	cancel()
	<-done
	return w.line
}

// Wake makes a line due now, or, while it is polled, right after that.
func (p *Poller) Wake(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch w := p.lines[key]; {
	case w == nil || w.handed:
	case w.place < 0:
		w.woken = true
	default:
		w.at = p.clock.Now()
		heap.Fix(&p.due, w.place)
		p.hurryLocked(w)
	}
}

// Next returns when a line is due; false if it is not watched.
func (p *Poller) Next(key types.NamespacedName) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.lines[key]; w != nil && w.place >= 0 {
		return w.at, true
	}
	return time.Time{}, false
}

// Len is how many lines are watched.
func (p *Poller) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lines)
}

// hurryLocked wakes Start if a line is the first one.
func (p *Poller) hurryLocked(w *watch) {
	if w.place == 0 {
		select {
		case p.sooner <- struct{}{}:
		default:
		}
	}
}

// NeedLeaderElection says that only the leader polls.
func (p *Poller) NeedLeaderElection() bool { return true }

// Start polls until the context ends. Then no poll is under way any more.
func (p *Poller) Start(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	polls := make(chan func())
	defer close(polls)
	for range p.workers {
		running.Go(func() {
			for poll := range polls {
				poll()
			}
		})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		poll, wait := p.first(ctx)
		if poll != nil {
			// Nobody else can end it now, so it is not dropped when the process stops.
			polls <- poll
			continue
		}
		// Those that are due soon after each other are polled together: to wake up for each of them costs more than the poll.
		timer.Reset(wait + together)
		select {
		case <-timer.C:
		case <-p.sooner:
		case <-ctx.Done():
			return nil
		}
	}
}

// together is how much later than it is due a line may be polled.
const together = 200 * time.Millisecond

// idle is how long Start waits if there is nothing to wait for.
const idle = time.Hour

// first returns the poll of the first line if it is due, else how long to wait.
func (p *Poller) first(ctx context.Context) (poll func(), wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.due) == 0 || ctx.Err() != nil {
		return nil, idle
	}
	w := p.due[0]
	if wait := w.at.Sub(p.clock.Now()); wait > 0 {
		return nil, wait
	}
	return p.beginLocked(ctx, w), 0
}

// PollNow polls a line at once, on the caller's goroutine: for tests with a clock of their own.
func (p *Poller) PollNow(ctx context.Context, key types.NamespacedName) {
	p.mu.Lock()
	w := p.lines[key]
	if w == nil || w.place < 0 {
		p.mu.Unlock()
		return
	}
	poll := p.beginLocked(ctx, w)
	p.mu.Unlock()
	poll()
}

// beginLocked takes a line out of the queue and returns its poll, which is to be called.
func (p *Poller) beginLocked(ctx context.Context, w *watch) func() {
	if w.handed {
		w.at = p.clock.Now().Add(retell)
		heap.Fix(&p.due, w.place)
		return func() { p.tell(w.key) }
	}
	heap.Remove(&p.due, w.place)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	w.cancel, w.done = cancel, done
	return func() {
		again := time.Duration(0)
		defer func() {
			// Whoever takes the line over finds out again what panicked here, and a pass recovers from that and says so.
			_ = recover()
			cancel()
			p.over(w, again)
			close(done)
		}()
		again = w.line.Poll(ctx)
	}
}

// over puts a line that was polled back into the queue, or hands it over.
func (p *Poller) over(w *watch, again time.Duration) {
	p.mu.Lock()
	taken := p.lines[w.key] != w
	if !taken {
		w.handed = again <= 0
		switch {
		case w.handed:
			again = retell
		case w.woken:
			again = 0
		}
		w.woken = false
		w.at = p.clock.Now().Add(again)
		heap.Push(&p.due, w)
		p.hurryLocked(w)
	}
	tell := !taken && w.handed
	p.mu.Unlock()
	if tell {
		p.tell(w.key)
	}
}

// queue is a heap of watches, those that are due first in front.
type queue []*watch

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is for package heap.
func (q *queue) Push(x any) {
	w, _ := x.(*watch)
	w.place = len(*q)
	*q = append(*q, w)
}

// Pop is for package heap.
func (q *queue) Pop() any {
	last := len(*q) - 1
	w := (*q)[last]
	(*q)[last], w.place = nil, -1
	*q = (*q)[:last]
	return w
}
