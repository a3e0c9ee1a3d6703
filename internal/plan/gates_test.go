// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/restarts"
)

// gated is one line of a fleet whose changes pass all gates.
type gated struct {
	fairqueue.Waiter
	in      plan.Input
	status  restarts.Line
	restart time.Time // when the vendor shows what was sent last
	sent    plan.Desired
	calls   map[int64]int
}

// gatehouse is a fleet, the process that looks after it, and the gates that it asks.
type gatehouse struct {
	t      *rapid.T
	now    time.Time
	fleets *restarts.Fleets
	budget *restarts.Budget
	lines  []*gated
	opens  time.Time
	limit  int
}

// crash is another process: it knows what stands in the statuses.
func (h *gatehouse) crash() {
	h.fleets = restarts.NewFleets(restarts.Rules{SlowStart: 1, BrakeAfter: 2, ProbeAfter: retryAfter})
	h.budget = restarts.NewBudget()
	for _, l := range h.lines {
		l.in.Own, l.in.DriftSince = false, nil
		h.fleets.Note(l.Resource, l.status)
		if record := l.in.History.Record; record.Active() {
			h.budget.Add(l.Instance, restarts.Slot{Since: record.StartedTime.Time, Until: record.StartedTime.Add(2 * settle), Started: true})
		}
	}
}

// look is one pass: the gates are asked in their order, and the call is made if none holds it.
func (h *gatehouse) look(l *gated, answers bool) {
	l.in.Now, l.in.Window = h.now, plan.Window{Opens: h.opens, Changes: true, Corrections: true}
	if !l.restart.IsZero() && !h.now.Before(l.restart) {
		l.shows(l.sent)
		l.restart = time.Time{}
	}
	was := l.in.History.Record.Active()
	d := decide(h.t, l.in)
	held := d.Held
	if len(d.Send) > 0 {
		held = h.ask(l, d.History.Record.Attempt == 1)
	}
	if len(d.Send) == 0 || held.By != "" {
		h.release(l, held)
		if held.By == "" || d.Held.By != "" {
			l.in.History, l.in.DriftSince = throughStatus(h.t, d.History), d.DriftSince
		}
		if was && !l.in.History.Record.Active() {
			h.end(l)
		}
		h.noSlotBehindAGate(l, held)
		return
	}
	l.calls[l.in.Generation]++
	if l.calls[l.in.Generation] > 1 {
		h.t.Fatalf("%d calls for one wish", l.calls[l.in.Generation])
	}
	if !h.opens.IsZero() && h.opens.After(h.now) && !l.in.ApplyNow {
		h.t.Fatalf("a call outside of the window")
	}
	l.in.History, l.in.Own, l.in.ApplyNow = throughStatus(h.t, d.History), true, false
	until := h.now.Add(2 * settle)
	h.fleets.Begin(l.Resource, until)
	h.budget.Start(l.Waiter, false, h.now, until)
	l.status.Started, l.status.Until, l.status.First = h.now, until, true
	h.fleets.Note(l.Resource, l.status)
	l.restart, l.sent = h.now.Add(time.Minute), l.in.Desired
	if answers {
		l.in.History.Record.Outcome = v1alpha1.OutcomeSettling
	}
}

// ask asks the fleet, and then for a turn.
func (h *gatehouse) ask(l *gated, first bool) plan.Hold {
	answer := h.fleets.Ask(restarts.Ask{Waiter: l.Waiter, Fleet: "all", First: first, Past: l.in.ApplyNow}, h.now)
	if !answer.OK {
		h.budget.Forget(l.Resource, h.now)
		return plan.Hold{By: plan.HeldByAllowance, For: time.Hour}
	}
	if _, ok := h.budget.Acquire(l.Waiter, h.limit, h.now); !ok {
		return plan.Hold{By: plan.HeldByTurn, For: time.Minute}
	}
	return plan.Hold{}
}

// release gives back what is not needed, as a pass does when its status is stored.
func (h *gatehouse) release(l *gated, held plan.Hold) {
	if held.By != plan.HeldByAllowance && held.By != plan.HeldByTurn && !l.in.History.Record.Active() {
		h.budget.Release(l.Resource, l.Instance)
		h.fleets.Release(l.Resource)
	}
	h.fleets.Grant(h.now)
	h.budget.GrantFree(h.now, func() int { return h.limit })
}

func (h *gatehouse) end(l *gated) {
	l.status.Until = time.Time{}
	if l.in.History.Record.Outcome == v1alpha1.OutcomeConfirmed {
		l.status.Well = h.now
	} else {
		l.status.Badly = h.now
	}
	h.fleets.Note(l.Resource, l.status)
	h.release(l, plan.Hold{})
}

// noSlotBehindAGate: whoever an earlier gate holds keeps no turn.
func (h *gatehouse) noSlotBehindAGate(l *gated, held plan.Hold) {
	slot, waits := h.budget.Look(l.Resource, l.Instance)
	if (held.By == plan.HeldByWindow || held.By == plan.HeldByAllowance) && !l.in.History.Record.Active() && (slot != nil || waits) {
		h.t.Fatalf("held by %s with the slot %+v, waiting %v", held.By, slot, waits)
	}
}

// TestR29OneCallForOneWish plays histories of windows, brakes, turns, crashes and clocks that jump: there is at most one call for one
// wish, none outside of a window, and nobody whom an earlier gate holds has a turn.
func TestR29OneCallForOneWish(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := &gatehouse{t: t, now: noon, limit: rapid.IntRange(1, 3).Draw(t, "limit")}
		for i := range 5 {
			key := types.NamespacedName{Namespace: fmt.Sprint(i % 2), Name: fmt.Sprint(i)}
			l := &gated{calls: map[int64]int{}, status: restarts.Line{Fleet: "all"}, in: plan.Input{
				Now: noon, Generation: 1, Policy: v1alpha1.PolicyEnforce, Desired: wish(t, `"incomingWebhook":true`), Observed: plan.Observed{},
				State: "authorized", StateSince: noon, Limits: limits(),
			}}
			l.shows(wish(t, `"incomingWebhook":true`))
			l.Waiter = fairqueue.Waiter{Resource: keys.Resource{Kind: "kind", NamespacedName: key}, Instance: keys.Instance{ID: int64(i)}, Wake: func(types.NamespacedName) {}}
			h.lines = append(h.lines, l)
		}
		h.crash()
		for _, l := range h.lines {
			h.look(l, true)
		}
		one := rapid.SampledFrom(h.lines)
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"look", "look", "look", "look", "look", "edit", "time", "time", "jump", "shut", "open", "crash", "now"}).Draw(t, "what") {
			case "look":
				h.look(one.Draw(t, "line"), rapid.Bool().Draw(t, "answers"))
			case "edit":
				l := one.Draw(t, "line")
				l.in.Generation++
				l.in.Desired = wish(t, []string{`"incomingWebhook":true`, `"incomingWebhook":false`}[l.in.Generation%2])
			case "time":
				h.now = h.now.Add(time.Duration(rapid.IntRange(1, 120).Draw(t, "seconds")) * time.Second)
			case "jump":
				h.now = h.now.Add(time.Duration(rapid.IntRange(1, 180).Draw(t, "minutes")) * time.Minute)
			case "shut":
				h.opens = h.now.Add(time.Duration(rapid.IntRange(1, 120).Draw(t, "minutes")) * time.Minute)
			case "open":
				h.opens = time.Time{}
			case "crash":
				h.crash()
			case "now":
				one.Draw(t, "line").in.ApplyNow = true
			}
		}
	})
}

// shows makes the vendor show what was wished.
func (l *gated) shows(desired plan.Desired) {
	for _, s := range desired.Settings {
		l.in.Observed[s.Name] = jsonvalue.Value{Type: jsonvalue.String, Text: s.Value}
	}
}
