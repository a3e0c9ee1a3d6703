// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// What all lines are changed to, and back.
const (
	changed  = `{"spec":{"settings":{"incomingWebhook":false}}}`
	shut     = `{"spec":{"settings":{"incomingWebhook":false},"maintenance":{"timeZone":"UTC","windows":[{"start":%q,"duration":"30m"}]}}}`
	reopened = `{"spec":{"settings":{"incomingWebhook":true},"maintenance":null}}`
)

// heldKeys are the figures of one kind of waiting.
type heldKeys struct{ calls, callsShare, cpu, cpuShare, writes string }

var (
	waitingKeys = heldKeys{keyWaitingCalls, keyWaitingCallsShare, keyWaitingCPU, keyWaitingCPUShare, keyWaitingWrites}
	brakeKeys   = heldKeys{keyBrakeCalls, keyBrakeCallsShare, keyBrakeCPU, keyBrakeCPUShare, keyBrakeWrites}
)

// window changes all instances outside of their maintenance window, which opens in half a day, and measures what it costs that they wait.
func (b *bench) window(ctx context.Context) error {
	start := time.Now().UTC().Add(12 * time.Hour).Format("15:04")
	return b.waiting(ctx, waitingFor{"their maintenance window", fmt.Sprintf(shut, start), "window", b.n, waitingKeys})
}

// brake changes all instances to what the vendor refuses, so that the brake is on after two of each fleet, and measures what it costs that
// the others wait.
func (b *bench) brake(ctx context.Context) error {
	if err := b.vendor.refuse(ctx, greenapi.MethodSetSettings, b.options.latency); err != nil {
		return err
	}
	if err := b.waiting(ctx, waitingFor{"their fleet", changed, "halt", max(b.n-2*namespaces, 0), brakeKeys}); err != nil {
		return err
	}
	return b.vendor.delay(ctx, b.options.latency, 0)
}

// waitingFor says what instances are changed to wait for.
type waitingFor struct {
	what, patch string
	// reason is the one of greenapi_held, and least how many show it at least.
	reason string
	least  int
	keys   heldKeys
}

// waiting changes all instances so that they wait, and measures what that costs.
func (b *bench) waiting(ctx context.Context, w waitingFor) error {
	if b.build != "" {
		// Another build may know of neither windows nor a brake.
		return nil
	}
	wait := func(f families) bool { return f.held(w.reason) >= w.least }
	if err := b.patchAll(ctx, "changing all, to wait for "+w.what, w.patch, wait); err != nil {
		return err
	}
	if err := b.pass(ctx, b.options.stateInterval, "letting the looks after that pass"); err != nil {
		return err
	}
	before, err := b.moment(ctx)
	if err != nil {
		return err
	}
	if err := b.pass(ctx, b.options.window, "all of them waiting for "+w.what); err != nil {
		return err
	}
	after, err := b.moment(ctx)
	if err != nil {
		return err
	}
	r, took := b.result, after.at.Sub(before.at)
	calls := (after.calls - before.calls) / float64(b.n) / took.Minutes()
	r.set(w.keys.calls, calls)
	r.set(w.keys.callsShare, calls/max(r.Figures[keyCalls], 1e-9))
	r.set(w.keys.writes, after.writes-before.writes)
	if polls := after.polls - before.polls; !r.NoProc && polls > 0 {
		cpu := float64((after.usage.cpu() - before.usage.cpu()).Microseconds()) / polls
		r.set(w.keys.cpu, cpu)
		r.set(w.keys.cpuShare, cpu/max(r.Figures[keyCPUPerPoll], 1e-9))
	}
	return b.patchAll(ctx, "taking the changes back", reopened, func(f families) bool { return f.held(w.reason) == 0 })
}

// patchAll patches all instances, and waits for what the manager's metrics show then.
func (b *bench) patchAll(ctx context.Context, doing, patch string, shown func(families) bool) error {
	b.show.track(b.n, "%s", doing)
	defer b.show.end()
	err := sideBySide(ctx, b.n, creators, b.show.set, func(ctx context.Context, i int) error {
		l := fleetLine(i)
		resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: l.name()}}
		return b.admin.Patch(ctx, resource, client.RawPatch("application/merge-patch+json", []byte(patch)))
	})
	if err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, time.Second, b.limit, true, func(ctx context.Context) (bool, error) {
		f, err := b.manager.metrics.scrape(ctx)
		return shown(f), err
	})
}
