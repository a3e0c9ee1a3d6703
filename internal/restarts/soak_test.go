// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package restarts

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"pgregory.net/rapid"
)

// tale is a fleet of many lines that are changed at once, and what becomes of each.
type tale struct {
	*town
	begun  []time.Time
	status []Line
	// turns says after how long a line is logged out that restarted well, 0 for never.
	turns func(i int) time.Duration
	// restarted counts those that began, and before how many had when the first turned bad.
	restarted, before int
	firstBad          time.Time
}

func newTale(size int, turns func(i int) time.Duration) *tale {
	return &tale{town: newTown(), begun: make([]time.Time, size), status: make([]Line, size), turns: turns}
}

// play lets time pass. A restart takes a minute.
func (w *tale) play(d time.Duration) {
	const restart = time.Minute
	for end := w.now.Add(d); w.now.Before(end); w.now = w.now.Add(10 * time.Second) {
		for i := range w.begun {
			line := w.line("shop", i)
			turns, age := w.turns(i), w.now.Sub(w.begun[i])
			switch {
			case w.begun[i].IsZero():
				if !w.ask(line, "shop").OK {
					continue
				}
				w.begun[i], w.restarted = w.now, w.restarted+1
				w.status[i] = Line{Fleet: "shop", Started: w.now, Until: w.now.Add(settle), First: true}
			case age == restart:
				w.status[i] = Line{Fleet: "shop", Started: w.begun[i], Well: w.now}
				w.fleets.Release(line.Resource)
			case turns > 0 && age == restart+turns:
				if w.firstBad.IsZero() {
					w.firstBad, w.before = w.now, w.restarted
				}
				w.status[i] = Line{Fleet: "shop", Started: w.begun[i], Badly: w.now, Why: "NotAuthorized", Lasted: turns}
			default:
				continue
			}
			w.fleets.Note(line.Resource, w.status[i])
			w.fleets.Grant(w.now)
		}
	}
}

// TestR34AChangeThatTurnsBadWithinTheSoakStops: every line restarts well within a minute, and is logged out five minutes later,
// which takes back that it ended well. It has ended badly everywhere, so it stops: with those who went before the first of them
// turned bad, and --brake-after.
func TestR34AChangeThatTurnsBadWithinTheSoakStops(t *testing.T) {
	g := NewWithT(t)
	w := newTale(400, func(i int) time.Duration { return 4*time.Minute + time.Duration(i%7)*20*time.Second })
	w.play(4 * time.Hour)
	probes := int(w.now.Sub(w.firstBad)/probe) + 1
	g.Expect(w.restarted).To(BeNumerically("<=", w.before+w.rules.BrakeAfter+probes))
	g.Expect(w.restarted).To(BeNumerically(">", w.before+probes/2), "probes go on")
}

// TestR34HoweverLateAChangeTurnsBad within the soak, and whenever a process dies: no more begin than those that went before the first
// turned bad, as many as the brake and the allowance let, and probes. Where probes themselves take longer to turn bad than all before,
// each of them may let some more through.
func TestR34HoweverLateAChangeTurnsBad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewWithT(t)
		longest := rapid.IntRange(1, 9).Draw(t, "minutes")
		late := rapid.SliceOfN(rapid.IntRange(longest*3+1, longest*6), 150, 150).Draw(t, "how late, in 10 s")
		w := newTale(len(late), func(i int) time.Duration { return time.Duration(late[i]) * 10 * time.Second })
		w.rules.SlowStart, w.rules.BrakeAfter = rapid.IntRange(1, 3).Draw(t, "slow start"), rapid.IntRange(1, 3).Draw(t, "brake after")
		w.restart()
		for range rapid.IntRange(1, 30).Draw(t, "lives") {
			w.play(time.Duration(rapid.IntRange(1, 10).Draw(t, "minutes of a life")) * time.Minute)
			w.restart()
			for i, status := range w.status {
				w.fleets.Note(w.line("shop", i).Resource, status)
			}
		}
		if w.firstBad.IsZero() {
			return
		}
		probes := int(w.now.Sub(w.firstBad)/probe) + 1
		g.Expect(w.restarted).To(BeNumerically("<=", w.before+w.rules.BrakeAfter+w.rules.SlowStart+probes))
	})
}

// TestR33OneThatTurnsBadDoesNotStopTheOthers: a change is good but for one line, which is logged out some minutes later. The others go
// one by one until those that began after that have lasted as long, and then as fast as ever.
func TestR33OneThatTurnsBadDoesNotStopTheOthers(t *testing.T) {
	g := NewWithT(t)
	w := newTale(400, func(i int) time.Duration {
		if i == 0 {
			return 5 * time.Minute
		}
		return 0
	})
	for range 400 {
		if w.play(10 * time.Second); !w.firstBad.IsZero() {
			break
		}
	}
	for w.restarted < 400 && w.now.Before(start.Add(3*time.Hour)) {
		w.play(time.Minute)
		g.Expect(w.fleets.Standing("shop", w.now).Halted).To(BeFalse())
	}
	g.Expect(w.restarted).To(Equal(400))
}

// TestR34AChangeThatIsMendedGoesOn: probes that last end the brake, and a new process knows no less.
func TestR34AChangeThatIsMendedGoesOn(t *testing.T) {
	g := NewWithT(t)
	var mended time.Time
	var w *tale
	w = newTale(100, func(i int) time.Duration {
		if !mended.IsZero() && w.begun[i].After(mended) {
			return 0
		}
		return 5 * time.Minute
	})
	w.play(30 * time.Minute)
	g.Expect(w.fleets.Standing("shop", w.now).Halted).To(BeTrue())
	restarted := w.restarted
	mended = w.now
	w.restart()
	for i, status := range w.status {
		w.fleets.Note(w.line("shop", i).Resource, status)
	}
	for w.restarted == restarted && w.now.Before(start.Add(time.Hour)) {
		w.play(10 * time.Second)
	}
	w.play(10 * time.Minute)
	g.Expect(w.restarted).To(Equal(restarted+1), "a probe has to last before it counts")
	w.play(2 * time.Hour)
	g.Expect(w.restarted).To(Equal(100))
}
