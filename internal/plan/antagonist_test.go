// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// antagonist is somebody who sets a setting back to no, each time after it has shown yes for a while.
type antagonist struct {
	name  string
	after time.Duration
	since time.Time
}

func (a *antagonist) watch(w *world) {
	w.vendor.look(w.now)
	switch {
	case w.vendor.values[a.name] != "yes":
		a.since = time.Time{}
	case a.since.IsZero():
		a.since = w.now
	}
	if !a.since.IsZero() && w.now.Sub(a.since) >= a.after {
		w.console(a.name, "no")
		a.since = time.Time{}
	}
}

// against lets one process and its antagonists go on until then.
func (w *world) against(until time.Time, every time.Duration, antagonists ...*antagonist) {
	for ; w.now.Before(until); w.rest(every) {
		for _, a := range antagonists {
			a.watch(w)
		}
		w.pass(0, 0, runs, arrives, 0)
	}
}

// contested is a world in which three settings are on, as wished, and were seen so.
func contested(t failer, delay, restart time.Duration) *world {
	v := newVendor(map[string]string{incoming: "yes", outgoing: "yes", "stateWebhook": "yes"})
	v.applyDelay, v.restartTime = delay, restart
	w := newWorld(t, v, wish(t, onOn+`,"stateWebhook":true`))
	w.pass(0, 0, runs, arrives, 0)
	return w
}

// TestSimAntagonist: who sets a setting back every time causes three restarts in the first six hours, and then ever
// fewer: one more after each wait, which doubles up to seven days.
func TestSimAntagonist(t *testing.T) {
	// Waits of 6 h, 12 h, 1, 2, 4 and 7, 7, 7 days fill 30 days.
	const inAMonth = 3 + 5 + 4
	for _, after := range []time.Duration{time.Second, 10 * time.Minute, time.Hour} {
		for _, delay := range []time.Duration{0, 4 * time.Minute} {
			t.Run(fmt.Sprintf("back after %s, shown after %s", after, delay), func(t *testing.T) {
				w := contested(t, delay, delay/2)
				a := &antagonist{name: incoming, after: after + delay}
				w.against(noon.Add(flapWindow), 10*time.Minute, a)
				if n := w.vendor.restarts(); n != limits().FlapThreshold {
					w.fail("%d restarts in the first six hours, want %d", n, limits().FlapThreshold)
				}
				w.against(noon.Add(30*24*time.Hour), time.Hour, a)
				if n := w.vendor.restarts(); n <= limits().FlapThreshold+1 || n > inAMonth {
					w.fail("%d restarts in 30 days, want more than %d and at most %d", n, limits().FlapThreshold+1, inAMonth)
				}
				if w.last.Synced != v1alpha1.ReasonDriftFlapping {
					w.fail("Synced is %s, want it to say what goes on", w.last.Synced)
				}
			})
		}
	}
}

// TestSimAntagonistsOfOneInstance: however many settings are set back, in any six hours there are at most twice as many
// restarts as one setting may cause.
func TestSimAntagonistsOfOneInstance(t *testing.T) {
	w := contested(t, 0, 0)
	all := []*antagonist{
		{name: incoming, after: 15 * time.Minute}, {name: outgoing, after: 22 * time.Minute}, {name: "stateWebhook", after: 34 * time.Minute},
	}
	w.against(noon.Add(7*24*time.Hour), 5*time.Minute, all...)
	for i, first := range w.vendor.calls {
		n := 0
		for _, c := range w.vendor.calls[i:] {
			if c.at.Sub(first.at) < flapWindow {
				n++
			}
		}
		if n > 2*limits().FlapThreshold {
			w.fail("%d restarts in the six hours from %s on", n, first.at.Sub(noon))
		}
	}
}

// TestSimAntagonistAtAnyMoment: also who sets a setting back while it settles, so that attempts fail, causes no more
// than the attempts of three corrections.
func TestSimAntagonistAtAnyMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := contested(t, rapid.SampledFrom([]time.Duration{0, time90, 4 * time.Minute}).Draw(t, "delay"), time.Minute)
		most := limits().FlapThreshold * int(limits().MaxAttempts)
		a := &antagonist{name: incoming}
		for end := noon.Add(flapWindow); w.now.Before(end); {
			a.after = rapid.SampledFrom([]time.Duration{0, poll, 2 * time.Minute, 5 * time.Minute, 30 * time.Minute, 5 * time.Hour}).Draw(t, "after")
			w.against(w.now.Add(20*time.Minute), 5*time.Minute, a)
		}
		if n := w.vendor.restarts(); n > most {
			w.fail("%d restarts in six hours, want at most %d", n, most)
		}
	})
}
