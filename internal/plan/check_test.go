// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// check holds one decision to what is true of every decision.
func (w *world) check(in plan.Input, d plan.Decision) {
	w.t.Helper()
	if d.Synced == "" || d.LookAgain < 0 {
		w.fail("says %q and looks again in %s", d.Synced, d.LookAgain)
	}
	if len(d.Send) == 0 {
		return
	}
	seen := in.History.SyncedHash == in.Desired.Hash && in.History.SyncedSecretVersion == in.Desired.SecretVersion
	record := in.History.Record
	switch {
	case in.State == "starting" || in.State == "":
		w.fail("sends %v while the instance is starting", d.Send)
	case in.Policy == v1alpha1.PolicyObserve:
		w.fail("sends %v under Observe", d.Send)
	case in.Policy == v1alpha1.PolicyOnSpecChange && seen && !in.Requested:
		w.fail("sends %v under OnSpecChange, though the wish was seen in effect", d.Send)
	case d.History.Record.Attempt > in.Limits.MaxAttempts && d.History.Record.Reason != v1alpha1.ApplyRequested:
		w.fail("makes attempt %d", d.History.Record.Attempt)
	case !slices.IsSorted(d.Send):
		w.fail("sends %v, which is not sorted", d.Send)
	}
	for _, name := range d.Send {
		at := slices.IndexFunc(in.Desired.Settings, func(s plan.Setting) bool { return s.Name == name })
		if at < 0 {
			w.fail("sends %s, which is not managed", name)
		}
		wished := in.Desired.Settings[at]
		if in.Observed[name].Text != wished.Value {
			continue
		}
		superseded := record.Active() && slices.ContainsFunc(record.Settings, func(s v1alpha1.AppliedSetting) bool {
			return s.Setting == name && s.Wish != wished.Wish
		})
		if !superseded {
			w.fail("sends %s, which neither differs nor supersedes an open call", name)
		}
	}
}

// checkCall holds a call that leaves to what has happened at the vendor so far: no two processes are about to call at
// a time, and where the vendor keeps what it says yes to, no call brings only what an earlier one has brought.
func (w *world) checkCall(out flight) {
	w.t.Helper()
	for _, p := range w.processes {
		if p.frozen != nil {
			w.fail("calls while another process is about to call")
		}
	}
	for name, wished := range out.call.wishes {
		if len(w.vendor.never) > 0 || !w.delivered(name, wished) {
			return
		}
	}
	w.fail("brings nothing that an earlier call has not brought: %v", out.call.wishes)
}

// delivered reports whether a wish took effect since it became the wish and since what somebody else wrote last shows.
func (w *world) delivered(name, wished string) bool {
	for _, before := range slices.Backward(w.vendor.calls) {
		if got, about := before.wishes[name]; about && before.restarted {
			return got == wished && before.at.After(w.touched[name])
		}
	}
	return false
}

// checkPaid: where the vendor keeps what it says yes to, there are no more restarts than changes, edits at the console
// and requests, and for one change never more calls than attempts.
func (w *world) checkPaid() {
	w.t.Helper()
	if n := w.vendor.restarts(); n > w.paid {
		w.fail("%d restarts for %d changes, edits and requests", n, w.paid)
	}
	calls := map[int64]int{}
	for _, c := range w.vendor.calls {
		if calls[c.generation]++; calls[c.generation] > int(limits().MaxAttempts) && w.object.requested == 0 && !w.edited {
			w.fail("%d calls for change %d", calls[c.generation], c.generation)
		}
	}
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s: "+format+"\n%s", append([]any{w.now.Sub(noon)}, append(args, w.story())...)...)
}

// story tells what the vendor got so far, and how the record stands.
func (w *world) story() string {
	text := ""
	for _, c := range w.vendor.calls {
		text += "  call at " + c.at.Sub(noon).String() + " " + toJSON(w.t, c.wishes) + "\n"
	}
	return text + "  record " + toJSON(w.t, w.object.history.Record)
}

// calm is a day without faults and edits, in which one process looks after the instance.
func (w *world) calm() {
	for end := w.now.Add(26 * time.Hour); w.now.Before(end); w.rest(time.Hour) {
		w.pass(0, 0, runs, arrives, 0)
	}
}

// request is a person who asks for a reconcile.
func (w *world) request() {
	w.vendor.hidden = nil
	w.paid++
	w.store(func(o *object) { o.requested++ })
}

// converges expects all settings to be as wished after a calm day; if some were given up, after a request.
func (w *world) converges() {
	w.t.Helper()
	w.vendor.hidden = nil
	w.advance(callWindow)
	w.calm()
	if len(w.object.history.Abandoned) > 0 || w.last.Synced == v1alpha1.ReasonSettingsRejected {
		w.request()
		w.calm()
	}
	if !w.asWished() || w.last.Synced != v1alpha1.ReasonUpToDate && w.last.Synced != v1alpha1.ReasonNothingManaged {
		w.fail("after a calm day the vendor shows %v and Synced is %s", w.vendor.values, w.last.Synced)
	}
	if w.object.history.Record.Active() {
		w.fail("after a calm day the record is open still")
	}
}
