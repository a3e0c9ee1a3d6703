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
)

// shut changes a line whose restarts may begin in half a day only; reopened takes that back.
const (
	shut     = `{"spec":{"settings":{"incomingWebhook":false},"maintenance":{"timeZone":"UTC","windows":[{"start":%q,"duration":"30m"}]}}}`
	reopened = `{"spec":{"settings":{"incomingWebhook":true},"maintenance":null}}`
)

// waiting changes all instances outside of their maintenance window, and measures what it costs that they wait.
func (b *bench) waiting(ctx context.Context) error {
	if b.build != "" {
		// Another build may know of no windows.
		return nil
	}
	start := time.Now().UTC().Add(12 * time.Hour).Format("15:04")
	if err := b.patchAll(ctx, "changing all outside of their maintenance window", fmt.Sprintf(shut, start), b.n); err != nil {
		return err
	}
	if err := b.pass(ctx, b.options.stateInterval, "letting the looks after that pass"); err != nil {
		return err
	}
	before, err := b.moment(ctx)
	if err != nil {
		return err
	}
	if err := b.pass(ctx, b.options.window, "all of them waiting"); err != nil {
		return err
	}
	after, err := b.moment(ctx)
	if err != nil {
		return err
	}
	r, took := b.result, after.at.Sub(before.at)
	calls := (after.calls - before.calls) / float64(b.n) / took.Minutes()
	r.set(keyWaitingCalls, calls)
	r.set(keyWaitingCallsShare, calls/max(r.Figures[keyCalls], 1e-9))
	r.set(keyWaitingWrites, after.writes-before.writes)
	if polls := after.polls - before.polls; !r.NoProc && polls > 0 {
		cpu := float64((after.usage.cpu() - before.usage.cpu()).Microseconds()) / polls
		r.set(keyWaitingCPU, cpu)
		r.set(keyWaitingCPUShare, cpu/max(r.Figures[keyCPUPerPoll], 1e-9))
	}
	return b.patchAll(ctx, "taking the changes back", reopened, 0)
}

// patchAll patches all instances, and waits until so many wait for a window.
func (b *bench) patchAll(ctx context.Context, doing, patch string, waiting int) error {
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
		return f.waiting() == waiting, err
	})
}
