// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// instant is a moment in the life of a write at which a process is ended. arm makes ready that end is called then.
type instant struct {
	name string
	arm  func(f *fleet, g *gate, end func())
}

// instants are all the moments at which it matters that a process ends (R10, R11).
var instants = []instant{
	{"before the intent is stored", atWrite(turns(v1alpha1.OutcomePending), false)},
	{"after the intent is stored", atWrite(turns(v1alpha1.OutcomePending), true)},
	{"while the call is under way, which then has no effect", atCall(emulator.Fault{DelayBefore: 500 * time.Millisecond})},
	{"while the call is under way, which then arrives late", atCall(emulator.Fault{DelayBefore: 500 * time.Millisecond, KeepWaiting: true})},
	{"after the effect, before the answer", atCall(emulator.Fault{DelayAfter: 500 * time.Millisecond, AfterEffect: true})},
	{"after the answer, before the outcome is stored", atWrite(turns(v1alpha1.OutcomeSettling), false)},
	{"after the outcome is stored", atWrite(turns(v1alpha1.OutcomeSettling), true)},
	{"before the confirmation is stored", atWrite(turns(v1alpha1.OutcomeConfirmed), false)},
	{"after the confirmation is stored", atWrite(turns(v1alpha1.OutcomeConfirmed), true)},
	{"at some moment", func(_ *fleet, _ *gate, end func()) { time.AfterFunc(rand.N(3*time.Second), end) }},
}

func atWrite(matches func(stored, written *v1alpha1.InstanceStatus) bool, stored bool) func(*fleet, *gate, func()) {
	return func(_ *fleet, g *gate, end func()) { g.set(&trap{matches: matches, stored: stored, fire: end}) }
}

func atCall(fault emulator.Fault) func(*fleet, *gate, func()) {
	method := cmp.Or(fault.Method, "setSettings")
	fault.Method = method
	return func(f *fleet, _ *gate, end func()) {
		f.vendor.Fault(fault)
		calls := func() int { return len(f.vendor.Calls(0, method)) }
		before := calls()
		go func() {
			for calls() == before && f.ctx.Err() == nil {
				lasts(f.ctx, 5*time.Millisecond)
			}
			if fault.AfterEffect {
				f.awaitEffect(method, before)
			}
			end()
		}()
	}
}

// awaitEffect waits until a call since then has had its effect.
func (f *fleet) awaitEffect(method string, before int) {
	for f.ctx.Err() == nil {
		for _, call := range f.vendor.Calls(0, method)[before:] {
			if call.Effect {
				return
			}
		}
		lasts(f.ctx, 5*time.Millisecond)
	}
}

// rounds is how many rounds a harness makes: a few with the tests, many by `make kill`.
func rounds(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("ROUNDS")
	if text == "" {
		return few
	}
	many, err := strconv.Atoi(text)
	if err != nil || many < 1 {
		t.Fatalf("ROUNDS=%q: want a positive number", text)
	}
	return many
}

// upset changes lines at random, by their users and by the vendor, so that at least one write is due.
func (f *fleet) upset(round int) {
	f.t.Helper()
	wish := int32(1000 + 10*round)
	f.delay(f.names[round%len(f.names)], wish)
	for i, name := range f.names {
		if i == round%len(f.names) {
			continue
		}
		switch rand.N(6) {
		case 0:
			f.delay(name, wish)
		case 1:
			f.edit(name, 1, func(r *v1alpha1.WhatsAppInstance) {
				r.Spec.Settings.IncomingWebhook = new(round%2 == 0)
				r.Spec.Settings.WebhookURL = new(fmt.Sprintf("https://shop.example/%d", round))
			})
		case 2:
			if f.get(name).Spec.Settings == nil {
				continue
			}
			// Drift of a managed setting, corrected once.
			if _, managed := f.vendor.Get(f.id(name)); managed && f.get(name).Spec.Settings.DelaySendMessagesMilliseconds != nil {
				f.vendor.Edit(f.id(name), map[string]any{"delaySendMessagesMilliseconds": 77000 + round})
				f.restarts[name]++
			}
		case 3:
			// The vendor is slow to show what it was told.
			f.vendor.Update(f.id(name), func(in *emulator.Instance) {
				in.Behavior.ApplyDelay = rand.N(2 * time.Second)
				in.Behavior.ShowNew = rand.N(2) == 0
			})
		}
	}
}

// TestR10KilledAtEveryInstant ends the process by SIGKILL at every instant that matters, with several writes under way,
// and starts it again: one restart for each change, nothing lost from the status, everything as wished. Each instant meets lines
// that other instants were survived by; the fleets share the rounds, since a round waits most of the time.
func TestR10KilledAtEveryInstant(t *testing.T) {
	t.Parallel()
	const fleets = 3
	for number := range fleets {
		t.Run(fmt.Sprint("fleet ", number), func(t *testing.T) {
			t.Parallel()
			killed(t, number, fleets)
		})
	}
}

// killed makes every so many-th round of TestR10KilledAtEveryInstant, from the first one on.
func killed(t *testing.T, first, step int) {
	t.Helper()
	f := newFleet(t, admin, 4)
	g := newGate(t, environment.Config)
	for round := first; round < rounds(t, len(instants)); round += step {
		at := instants[round%len(instants)]
		f.upset(round)
		p := f.launch(g)
		at.arm(f, g, p.kill)
		p.expectExit(at.name)
		g.disarm()
		f.vendor.ClearFaults()
		for range rand.N(3) {
			again := f.launch(g)
			time.AfterFunc(rand.N(2*time.Second), again.kill)
			again.expectExit("at some moment")
		}
		p = f.launch(g)
		f.converge(fmt.Sprintf("round %d, killed %s", round, at.name))
		p.kill()
	}
	f.Expect(f.sets()).NotTo(BeZero())
}

// TestR20KilledAroundAReboot: a process that is killed around a reboot that a person asked for leaves at most one, which
// is not repeated, and the request is done with.
func TestR20KilledAroundAReboot(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 1)
	g := newGate(t, environment.Config)
	intended := func(stored, written *v1alpha1.InstanceStatus) bool {
		return written.LastHandledRebootAt != stored.LastHandledRebootAt
	}
	counted := func(stored, written *v1alpha1.InstanceStatus) bool {
		return written.Restarts != nil && (stored.Restarts == nil || written.Restarts.Total > stored.Restarts.Total)
	}
	line := f.names[0]
	p := f.launch(g)
	f.converge("at the beginning")
	for round, at := range []instant{
		{"before the intent is stored", atWrite(intended, false)},
		{"after the intent is stored", atWrite(intended, true)},
		{"while the call is under way", atCall(emulator.Fault{Method: "reboot", DelayBefore: 500 * time.Millisecond, KeepWaiting: true})},
		{"before it is counted", atWrite(counted, false)},
		{"after it is counted", atWrite(counted, true)},
	} {
		before := f.reboots()
		at.arm(f, g, p.kill)
		request := fmt.Sprint(round)
		f.edit(line, 0, func(r *v1alpha1.WhatsAppInstance) {
			r.Annotations = map[string]string{v1alpha1.RebootRequestedAtAnnotation: request}
		})
		p.expectExit(at.name)
		g.disarm()
		p = f.launch(g)
		f.Eventually(func() string { return f.get(line).Status.LastHandledRebootAt }, patience).Should(Equal(request), at.name)
		f.Eventually(f.problem, patience).Should(BeEmpty(), at.name)
		f.Expect(f.reboots()-before).To(BeNumerically("<=", 1), "%s\n%s", at.name, f.history(line))
	}
	// Nothing of it comes later, while a change is carried out.
	before := f.reboots()
	f.delay(line, 1000)
	f.Eventually(f.problem, patience).Should(BeEmpty())
	f.Expect(f.reboots()).To(Equal(before))
	f.Expect(f.sets()).To(Equal(1))
}

// reboots counts the reboots that the vendor was asked for.
func (f *fleet) reboots() int { return len(f.vendor.Calls(0, "reboot")) }
