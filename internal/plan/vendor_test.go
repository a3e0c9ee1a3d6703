// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"maps"
	"slices"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// fate is what becomes of one call on its way to the vendor and back.
type fate string

const (
	arrives    fate = "arrives"     // and the answer comes back
	notSent    fate = "not sent"    // certainly: no connection, 429, 466
	lostBefore fate = "lost before" // it never arrives, and the caller cannot know
	lostAfter  fate = "lost after"  // it takes effect, and the answer is lost
	saysNo     fate = "says no"     // saveSettings: false, nothing is changed
)

// call is a setSettings that reached the vendor.
type call struct {
	at         time.Time
	generation int64
	wishes     map[string]string // name to wish
	restarted  bool
}

// effect is a value that the vendor took and shows from some moment on.
type effect struct {
	at     time.Time
	values map[string]string
}

// vendor is a stand-in for the vendor's instance in virtual time. An honest one shows what it said yes to within the
// settle time; see never.
type vendor struct {
	restartTime  time.Duration     // how long it is `starting` after a write
	startsAfter  time.Duration     // how long after the write it goes into `starting`
	applyDelay   time.Duration     // how long after a write old values are shown
	oldWhenStart bool              // shows the values from before the restart for all of `starting`
	never        map[string]bool   // settings it says yes to and never keeps
	hidden       map[string]bool   // settings it does not show at the moment
	values       map[string]string // what is shown now
	before       map[string]string // what was shown when the last restart began
	effects      []effect          // what is still to be shown
	from, until  time.Time         // the last or next time of `starting`
	calls        []call
}

func newVendor(values map[string]string) *vendor {
	return &vendor{values: maps.Clone(values), before: maps.Clone(values), never: map[string]bool{}}
}

// look brings the vendor up to a moment and returns its state.
func (v *vendor) look(now time.Time) string {
	for len(v.effects) > 0 && !v.effects[0].at.After(now) {
		maps.Copy(v.values, v.effects[0].values)
		v.effects = v.effects[1:]
	}
	if !now.Before(v.from) && now.Before(v.until) {
		return "starting"
	}
	return "authorized"
}

// settings is what getSettings answers.
func (v *vendor) settings(now time.Time) plan.Observed {
	shown := v.values
	if v.look(now) == "starting" && v.oldWhenStart {
		shown = v.before
	}
	observed := plan.Observed{}
	for name, value := range shown {
		if v.hidden[name] {
			continue
		}
		observed[name] = jsonvalue.Value{Type: jsonvalue.String, Text: value}
	}
	return observed
}

// write takes values and restarts, whoever asks for it.
func (v *vendor) write(now time.Time, values map[string]string) {
	v.look(now)
	v.before = maps.Clone(v.values)
	v.from, v.until = now.Add(v.startsAfter), now.Add(v.startsAfter+v.restartTime)
	kept := maps.Clone(values)
	maps.DeleteFunc(kept, func(name, _ string) bool { return v.never[name] })
	v.effects = append(v.effects, effect{at: now.Add(v.applyDelay), values: kept})
}

// set is setSettings. It reports whether the call took effect.
func (v *vendor) set(now time.Time, f fate, made call, values map[string]string) bool {
	if f == notSent || f == lostBefore {
		return false
	}
	made.at, made.restarted = now, f != saysNo
	v.calls = append(v.calls, made)
	if made.restarted {
		v.write(now, values)
	}
	return made.restarted
}

// settling reports whether an earlier call may still come into effect.
func (v *vendor) settling(now time.Time) bool {
	return slices.ContainsFunc(v.calls, func(c call) bool { return c.restarted && now.Sub(c.at) < settle })
}

// restarts counts the restarts that the operator caused.
func (v *vendor) restarts() int {
	n := 0
	for _, c := range v.calls {
		if c.restarted {
			n++
		}
	}
	return n
}
