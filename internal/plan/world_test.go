// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// object is one version of the resource, and of the Secret beside it, in the API server.
type object struct {
	version, generation int64
	desired             plan.Desired
	policy              v1alpha1.ReconcilePolicy
	requested, handled  int
	history             plan.History
}

// point is an instant of a pass at which a process may crash.
type point string

const (
	runs          point = "runs"
	beforeIntent  point = "crash before the intent is written"
	intentUnknown point = "the intent is written, but the process is told that it failed"
	beforeCall    point = "crash before the call"
	beforeOutcome point = "crash before the outcome is written"
)

// process is one process of the operator; what it holds is lost in a crash.
type process struct {
	own        time.Time // when the last record that it wrote was started
	seen       int64     // the version of its own last write: it never decides on an older one
	driftSince map[string]time.Time
	frozen     *flight
}

// flight is a call that a process is about to make.
type flight struct {
	at      time.Time
	fate    fate
	crash   point
	call    call
	values  map[string]string
	started time.Time
	before  plan.History
}

// world is one instance, the API server, and the processes that look after the instance.
type world struct {
	t         failer
	now       time.Time
	vendor    *vendor
	object    object
	past      []object // earlier versions of the object, for stale caches
	processes []*process
	look      time.Duration // when the last pass wants to look again
	last      plan.Decision
	// paid counts what may cost a restart: changes, edits at the console, requests.
	paid    int
	edited  bool                 // somebody wrote at the console
	touched map[string]time.Time // when the wish for a setting was last changed, or what somebody else wrote shows
}

func newWorld(t failer, v *vendor, desired plan.Desired) *world {
	return &world{t: t, now: noon, vendor: v, processes: []*process{{}, {}}, object: object{
		version: 1, generation: 1, desired: desired, policy: v1alpha1.PolicyEnforce,
	}, paid: 1, touched: map[string]time.Time{}}
}

// store writes a version of the object. The status goes through JSON as it does in the API server.
func (w *world) store(change func(*object)) {
	w.past = append(w.past, w.object)
	w.object.history = cloneHistory(w.object.history)
	change(&w.object)
	w.object.version++
	w.object.history = throughStatus(w.t, w.object.history)
}

// edit is what a user does to the spec or the Secret: a change, unless every value is as it was.
func (w *world) edit(desired plan.Desired) {
	w.vendor.hidden = nil
	if desired.Hash != w.object.desired.Hash || desired.SecretVersion != w.object.desired.SecretVersion {
		w.paid++
	}
	for _, s := range slices.Concat(desired.Settings, w.object.desired.Settings) {
		if wishOf(desired, s.Name) != wishOf(w.object.desired, s.Name) {
			w.touched[s.Name] = w.now
		}
	}
	w.store(func(o *object) { o.desired, o.generation = desired, o.generation+1 })
}

// wishOf tells the wish for a setting from any other, "" if it is not managed.
func wishOf(desired plan.Desired, name string) string {
	for _, s := range desired.Settings {
		if s.Name == name {
			return s.Wish
		}
	}
	return ""
}

// advance moves the clock, and lets the calls leave that are on their way.
func (w *world) advance(d time.Duration) {
	end := w.now.Add(d)
	for {
		var next *process
		for _, p := range w.processes {
			if p.frozen != nil && !p.frozen.at.After(end) && (next == nil || p.frozen.at.Before(next.frozen.at)) {
				next = p
			}
		}
		if next == nil {
			w.now = end
			return
		}
		w.now = next.frozen.at
		w.leave(next)
	}
}

// view is what a process sees of the object: the newest version, or one from its cache.
func (w *world) view(p *process, stale int) object {
	at := len(w.past) - stale
	if stale == 0 || at < 0 || w.past[at].version < p.seen {
		return w.object
	}
	return w.past[at]
}

// pass is one pass of a process, as the controller does it. The call leaves after a delay, within the call window.
func (w *world) pass(i, stale int, crash point, f fate, delay time.Duration) {
	p := w.processes[i]
	if p.frozen != nil {
		return
	}
	seen := w.view(p, stale)
	state := w.vendor.look(w.now)
	in := plan.Input{
		Now: w.now, Generation: seen.generation, Policy: seen.policy, Desired: seen.desired, Observed: w.vendor.settings(w.now),
		State: state, StateSince: noon, History: cloneHistory(seen.history), Limits: limits(),
		Own:        seen.history.Record != nil && seen.history.Record.StartedTime.Time.Equal(p.own),
		DriftSince: p.driftSince, Requested: seen.requested != seen.handled,
	}
	d := decide(w.t, in)
	w.check(in, d)
	p.driftSince, w.look, w.last = d.DriftSince, d.LookAgain, d
	if crash == beforeIntent {
		w.processes[i] = &process{}
		return
	}
	if w.object.version != seen.version {
		return // The precondition fails, so nothing is stored and no call goes out.
	}
	if changed := toJSON(w.t, toStatus(d.History)) != toJSON(w.t, toStatus(seen.history)); changed || d.Handled && in.Requested {
		w.store(func(o *object) {
			o.history = d.History
			if d.Handled {
				o.handled = seen.requested
			}
		})
	}
	if len(d.Send) == 0 {
		p.seen = w.object.version
		return
	}
	w.prepare(i, in, d, crash, f, delay)
}

// prepare is a pass from the moment on at which the intent is stored.
func (w *world) prepare(i int, in plan.Input, d plan.Decision, crash point, f fate, delay time.Duration) {
	p := w.processes[i]
	switch crash {
	case intentUnknown:
		return
	case beforeCall:
		w.processes[i] = &process{}
		return
	case runs, beforeIntent, beforeOutcome:
	}
	p.own, p.seen = d.History.Record.StartedTime.Time, w.object.version
	made := call{generation: in.Generation, wishes: map[string]string{}}
	values := map[string]string{}
	for _, s := range in.Desired.Settings {
		if slices.Contains(d.Send, s.Name) {
			made.wishes[s.Name], values[s.Name] = s.Wish, s.Value
		}
	}
	p.frozen = &flight{at: w.now.Add(delay), fate: f, crash: crash, call: made, values: values, started: p.own, before: in.History}
	if delay == 0 {
		w.leave(p)
	}
}

// leave makes the call and stores its outcome. The vendor refuses calls to an instance that is starting.
func (w *world) leave(p *process) {
	out := *p.frozen
	p.frozen = nil
	if out.fate == arrives && w.vendor.look(w.now) == "starting" {
		out.fate = notSent
	}
	if out.fate == saysNo && w.vendor.settling(w.now) {
		out.fate = arrives // A vendor that took a call takes the next one too.
	}
	w.checkCall(out)
	w.vendor.set(w.now, out.fate, out.call, out.values)
	if out.crash == beforeOutcome {
		*p = process{}
		return
	}
	record := w.object.history.Record
	if record == nil || !record.StartedTime.Time.Equal(out.started) || record.Outcome != v1alpha1.OutcomePending {
		return // Another process closed or replaced it.
	}
	switch out.fate {
	case arrives:
		w.store(func(o *object) { o.history.Record.Outcome = v1alpha1.OutcomeSettling })
	case saysNo:
		w.store(func(o *object) { plan.Finish(o.history.Record, v1alpha1.OutcomeNotPersisted, w.now) })
	case notSent:
		w.store(func(o *object) { plan.NotSent(&o.history, out.before, w.now) })
	default:
		return
	}
	p.seen = w.object.version
}

// console is somebody else who changes a setting, which restarts the instance as well.
func (w *world) console(name, value string) {
	w.vendor.hidden = nil
	w.paid++
	w.edited, w.touched[name] = true, w.now.Add(max(w.vendor.applyDelay, w.vendor.startsAfter+w.vendor.restartTime))
	w.vendor.write(w.now, map[string]string{name: value})
}

// hide lets the vendor show some or none of its settings for a while, once all was seen in effect.
func (w *world) hide(names ...string) {
	if !plan.Seen(w.object.history, w.object.desired) || len(w.object.history.Abandoned) > 0 || w.object.history.Record.Active() {
		return
	}
	w.vendor.hidden = map[string]bool{}
	for _, name := range names {
		w.vendor.hidden[name] = true
	}
}

// rest waits as long as the last pass wants to wait, else for the ordinary interval.
func (w *world) rest(ordinary time.Duration) {
	if w.look > 0 {
		ordinary = min(ordinary, w.look)
	}
	w.advance(ordinary)
}

// asWished reports whether the vendor shows all that the spec wants.
func (w *world) asWished() bool {
	w.vendor.look(w.now)
	return !slices.ContainsFunc(w.object.desired.Settings, func(s plan.Setting) bool { return w.vendor.values[s.Name] != s.Value })
}
