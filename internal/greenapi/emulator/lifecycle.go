// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"cmp"
	"time"
)

// line is one instance with what is to become of it.
type line struct {
	// in has the state as of the last advance, and the settings that last.
	in Instance
	// plan are the changes of state to come, the next one first.
	plan []step
	// settled is the last state that was neither starting nor null; "" if there was none.
	settled string
	// veils are in front of settings that getSettings shows otherwise for a time.
	veils map[string]veil
	// called says when each method was last let through by the rate limit.
	called map[string]time.Time
	// born is when the instance came or will come to be, deleted when it was or will be deleted (zero for never), and
	// refusedUntil until when a new one knows no token.
	born, deleted, refusedUntil time.Time
	// history are the states that getStateInstanceHistory shows, the oldest first.
	history []stateRow
	// logoutEnd is when a logout that is under way is over.
	logoutEnd time.Time
	// pairing is the latest authorization code.
	pairing pairing
}

// step is a change of state to come.
type step struct {
	at    time.Time
	state string
}

// veil makes getSettings show another value than the lasting one: first until restartEnd, then until oldEnd.
type veil struct {
	restarting any
	restartEnd time.Time
	old        any
	oldEnd     time.Time
}

// absent in a veil means that the setting is not shown at all.
type absent struct{}

func newLine(in Instance, now time.Time) *line {
	l := &line{in: in.clone(), veils: map[string]veil{}, called: map[string]time.Time{}, born: now}
	l.in.complete()
	if in.Deleted {
		l.deleted = now
	}
	l.enter(l.in.State, now)
	return l
}

// advance lets everything happen that is due.
func (l *line) advance(now time.Time) {
	if !l.deleted.IsZero() && !now.Before(l.deleted) {
		l.in.Deleted = true
	}
	for len(l.plan) > 0 && !now.Before(l.plan[0].at) {
		next := l.plan[0]
		l.plan = l.plan[1:]
		l.arrive(next.state, next.at)
	}
}

// enter puts the instance into a state, whatever was planned.
func (l *line) enter(state string, now time.Time) {
	l.plan, l.logoutEnd = nil, time.Time{}
	l.arrive(state, now)
}

// arrive gives the instance a state. A suspension ends by itself if its end is known.
func (l *line) arrive(state string, now time.Time) {
	l.in.State = state
	l.record(state, now)
	switch state {
	case StateStarting, StateNull:
		return
	case StateSuspended:
		if end := time.Unix(l.in.SuspendedUntil, 0); end.After(now) && len(l.plan) == 0 {
			l.plan = []step{{end, StateAuthorized}}
		}
	case StateAuthorized, StateNotAuthorized:
		l.in.SuspendedUntil = 0
	}
	l.settled = state
}

// restart makes the instance starting until end, and then gives it the state after, or the planned one if that is "".
func (l *line) restart(end time.Time, after string) {
	plan := []step{{end, after}}
	if after == "" {
		plan[0].state = l.stateAt(end)
		for _, next := range l.plan {
			if next.at.After(end) {
				plan = append(plan, next)
			}
		}
	}
	l.in.State, l.plan = StateStarting, plan
	l.in.Restarts++
}

// stateAt tells which state the instance will have if nobody interferes.
func (l *line) stateAt(at time.Time) string {
	state := l.in.State
	for _, next := range l.plan {
		if next.at.After(at) {
			break
		}
		state = next.state
	}
	return state
}

// reboot restarts the instance, which is the documented way out of yellowCard and of a starting that does not end. What
// setSettings has not yet brought to light takes as long again.
func (l *line) reboot(now, end time.Time, after string) {
	if after == "" {
		switch l.stateAt(end) {
		case StateYellowCard:
			after = StateAuthorized
		case StateStarting:
			after = cmp.Or(l.settled, StateAuthorized)
		}
	}
	l.restart(end, after)
	for name, v := range l.veils {
		if now.Before(v.oldEnd) {
			delay := v.oldEnd.Sub(v.restartEnd)
			v.restartEnd, v.oldEnd = end, end.Add(delay)
			l.veils[name] = v
		}
	}
}

// set keeps what setSettings sent, as far as the instance keeps it, and restarts.
func (l *line) set(now, end time.Time, sent map[string]any, b *Behavior) {
	shown := l.settings(now)
	for name, value := range sent {
		old, had := shown[name]
		if !had {
			old = absent{}
		}
		v := veil{restarting: old, restartEnd: end, old: old, oldEnd: end.Add(b.ApplyDelay)}
		if b.ShowNew {
			v.restarting = value
		}
		l.veils[name] = v
		if b.keeps(name) {
			l.in.Settings[name] = value
		}
	}
	l.restart(end, b.StateAfterSet)
}

// settings returns what getSettings shows, and drops the veils whose time is over.
func (l *line) settings(now time.Time) map[string]any {
	shown := copied(l.in.Settings)
	if _, ok := shown["wid"]; ok && !hasAccount(l.in.State) && l.in.State != StateStarting {
		shown["wid"] = ""
	}
	for name, v := range l.veils {
		value := v.old
		switch {
		case now.Before(v.restartEnd):
			value = v.restarting
		case !now.Before(v.oldEnd):
			delete(l.veils, name)
			continue
		}
		if value == (absent{}) {
			delete(shown, name)
		} else {
			shown[name] = value
		}
	}
	return shown
}

// edit changes settings without a restart, and shows them at once.
func (l *line) edit(values map[string]any) {
	merge(l.in.Settings, values)
	for name := range values {
		delete(l.veils, name)
	}
}

// snapshot returns the instance as it is now.
func (l *line) snapshot(now time.Time) Instance {
	l.advance(now)
	out := l.in.clone()
	out.Settings = l.settings(now)
	return out
}

// hasAccount tells whether the account method shows an account in this state. It is documented that it does not while
// notAuthorized, blocked and starting; that it does not while somebody is logging in is guessed.
func hasAccount(state string) bool {
	switch state {
	case StateNotAuthorized, StateBlocked, StateStarting, StateNull, StatePendingCode, StatePendingPassword:
		return false
	}
	return true
}
