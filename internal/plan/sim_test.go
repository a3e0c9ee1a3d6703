// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// drawVendor draws an honest vendor: what it says yes to shows within the settle time, whenever within the call window
// the call left.
func drawVendor(t *rapid.T) *vendor {
	value := rapid.SampledFrom([]string{"yes", "no"})
	v := newVendor(map[string]string{
		incoming: value.Draw(t, "incoming"), outgoing: value.Draw(t, "outgoing"), plan.WebhookTokenName: "",
	})
	const longest = int((settle - callWindow) / time.Second)
	v.startsAfter = time.Duration(rapid.SampledFrom([]int{0, 0, 10, 45}).Draw(t, "starts after")) * time.Second
	v.restartTime = time.Duration(rapid.SampledFrom([]int{0, 30, 120, longest - 50}).Draw(t, "restart")) * time.Second
	v.applyDelay = time.Duration(rapid.SampledFrom([]int{0, 15, 90, longest - 5}).Draw(t, "delay")) * time.Second
	v.oldWhenStart = rapid.Bool().Draw(t, "old values while starting")
	return v
}

// spec is what a user wants: each setting on, off or not managed, and a token or none.
type spec struct{ incoming, outgoing, token string }

func (s spec) desired(t failer) plan.Desired {
	var settings []string
	for name, value := range map[string]string{incoming: s.incoming, outgoing: s.outgoing} {
		if value != "" {
			settings = append(settings, fmt.Sprintf("%q:%s", name, value))
		}
	}
	if s.token != "" {
		settings = append(settings, tokenRef)
	}
	desired := wish(t, strings.Join(settings, ","))
	if s.token != "" {
		// 2 and 3 are the same token: somebody saved the Secret without a change.
		desired.SetToken(strings.ReplaceAll("token-"+s.token, "3", "2"), apiToken, "")
	}
	return desired
}

// drawEdit changes one thing that a user may want.
func drawEdit(t *rapid.T, s spec) spec {
	value := rapid.SampledFrom([]string{"true", "false", ""})
	switch rapid.IntRange(0, 5).Draw(t, "edit") {
	case 0, 1, 2:
		s.incoming = value.Draw(t, "incoming")
	case 3, 4:
		s.outgoing = value.Draw(t, "outgoing")
	default:
		s.token = rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "token")
	}
	return s
}

// Steps of the clock: less than a poll, polls, and in a slow history beyond the settle time and the first retry.
var (
	brisk = []time.Duration{time.Second, 5 * time.Second, poll, poll, poll, time90}
	slow  = append([]time.Duration{settle + time.Minute, 20 * time.Minute, 2 * time.Hour}, slices.Repeat(brisk, 2)...)
)

// drawPass is a pass of one of two processes, with whatever may go wrong.
func drawPass(t *rapid.T, w *world) {
	w.pass(
		rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "process"),
		rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2}).Draw(t, "versions behind"),
		rapid.SampledFrom([]point{runs, runs, runs, runs, runs, runs, beforeIntent, intentUnknown, beforeCall, beforeOutcome}).Draw(t, "crash"),
		rapid.SampledFrom([]fate{arrives, arrives, arrives, arrives, notSent, lostBefore, lostAfter, saysNo}).Draw(t, "fate"),
		rapid.SampledFrom([]time.Duration{0, 0, 5 * time.Second, callWindow}).Draw(t, "leaves after"),
	)
}

// play runs a random history: in each step time passes, and one thing happens.
func play(t *rapid.T, w *world, things map[string]func(), weights []string, after func()) {
	times := rapid.SampledFrom([][]time.Duration{brisk, slow}).Draw(t, "times")
	for range rapid.SampledFrom([]int{20, 80, 240}).Draw(t, "steps") {
		w.advance(rapid.SampledFrom(times).Draw(t, "time"))
		if thing := rapid.SampledFrom(weights).Draw(t, "thing"); thing == "look" {
			drawPass(t, w)
		} else {
			things[thing]()
		}
		after()
	}
}

// TestSimOneRestartForOneChange: whatever is lost, crashes, is stale or not sent, and however the user changes his
// mind, a change costs one restart, and all ends as wished.
func TestSimOneRestartForOneChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := spec{incoming: "true", outgoing: "true"}
		w := newWorld(t, drawVendor(t), want.desired(t))
		w.object.policy = rapid.SampledFrom([]v1alpha1.ReconcilePolicy{v1alpha1.PolicyEnforce, v1alpha1.PolicyOnSpecChange}).Draw(t, "policy")
		play(t, w, map[string]func(){"edit": func() { want = drawEdit(t, want); w.edit(want.desired(t)) }},
			[]string{"look", "look", "look", "edit"}, w.checkPaid)
		w.converges()
		w.checkPaid()
	})
}

// TestSimEveryRestartIsPaidFor: with edits at the console, requests, another policy, a Secret that is touched without a change,
// and a vendor that shows less than all settings now and then, there are no more restarts than changes, edits and requests.
func TestSimEveryRestartIsPaidFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := spec{incoming: "true", outgoing: "true"}
		w := newWorld(t, drawVendor(t), want.desired(t))
		policies := []v1alpha1.ReconcilePolicy{v1alpha1.PolicyEnforce, v1alpha1.PolicyOnSpecChange, v1alpha1.PolicyObserve}
		play(t, w, map[string]func(){
			"edit": func() { want = drawEdit(t, want); w.edit(want.desired(t)) },
			"console": func() {
				w.console(rapid.SampledFrom([]string{incoming, outgoing}).Draw(t, "name"), rapid.SampledFrom([]string{"yes", "no"}).Draw(t, "value"))
			},
			"policy":  func() { w.store(func(o *object) { o.policy = rapid.SampledFrom(policies).Draw(t, "policy") }) },
			"request": w.request,
			"hide": func() {
				w.hide(rapid.SampledFrom([][]string{{incoming}, {outgoing}, {incoming, outgoing, plan.WebhookTokenName}}).Draw(t, "hidden")...)
			},
		}, []string{"look", "look", "look", "look", "look", "look", "look", "edit", "console", "policy", "request", "hide"}, w.checkPaid)
		w.store(func(o *object) { o.policy = v1alpha1.PolicyEnforce })
		w.converges()
		w.checkPaid()
	})
}

// TestSimNeverKept: where the vendor says yes and keeps the old value, three calls reach it, whatever else fails, and
// the setting is given up.
func TestSimNeverKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, drawVendor(t), wish(t, on+`,"outgoingWebhook":true`))
		w.vendor.values[incoming], w.vendor.never[incoming] = "no", true
		play(t, w, nil, []string{"look"}, func() {})
		w.advance(callWindow)
		w.calm()
		w.calm()
		if n := len(w.vendor.calls); n > int(limits().MaxAttempts) {
			w.fail("%d calls for one change that is never kept", n)
		}
		if w.last.Synced != v1alpha1.ReasonSettingsNotPersisted || w.object.history.Abandoned[0].Setting != incoming {
			w.fail("Synced is %s, abandoned %s", w.last.Synced, toJSON(t, w.object.history.Abandoned))
		}
	})
}
