// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// moment is what has been counted at a moment of the steady state.
type moment struct {
	at    time.Time
	usage usage
	// polls are calls for the state, of which every look has one.
	passes, polls, calls float64
	// seen are the calls that the emulator saw, writes the requests to the API server that changed something.
	seen, writes float64
}

// quietTries is how often a moment is looked for in which no call is under way, so that both sides have counted the same.
// In a large fleet there is none, and a call or two are counted on one side only.
const quietTries = 20

func (b *bench) moment(ctx context.Context) (moment, error) {
	var m moment
	// What follows needs memory of its own, which is not the fleet's.
	used, err := b.usage()
	if err != nil {
		return m, err
	}
	tries := 0
	err = wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		if err := b.vendor.read(); err != nil {
			return false, err
		}
		seen := float64(b.vendor.counts.total)
		quiet := tries > 0 && seen == m.seen
		if quiet || tries > quietTries {
			return true, nil
		}
		tries++
		m = moment{at: time.Now(), seen: seen}
		f, err := b.manager.metrics.scrape(ctx)
		m.passes, m.polls, m.calls = f.passes(), f.polls(), f.calls()
		return false, err
	})
	if err != nil {
		return m, err
	}
	m.usage = used
	m.writes, err = b.kubernetesWrites(ctx)
	return m, err
}

// steady measures a fleet that nothing happens to.
func (b *bench) steady(ctx context.Context) error {
	o := &b.options
	// Half an interval after the first look the next one is far enough away: the window begins and ends between two.
	if err := b.pass(ctx, o.stateInterval/2, "letting the first look pass"); err != nil {
		return err
	}
	before, err := b.moment(ctx)
	if err != nil {
		return err
	}
	b.vendor.counts.gaps = nil
	if err := b.pass(ctx, o.window, "the steady state"); err != nil {
		return err
	}
	after, err := b.moment(ctx)
	if err != nil {
		return err
	}
	r, took := b.result, after.at.Sub(before.at)
	r.set(keyGap99, b.gap99().Seconds())
	polls, calls := after.polls-before.polls, after.calls-before.calls
	r.set(keyCalls, calls/float64(b.n)/took.Minutes())
	r.set(keyCallsCounted, calls)
	r.set(keyCallsSeen, after.seen-before.seen)
	r.set(keyWrites, after.writes-before.writes)
	r.set(keySteadyPasses, (after.passes-before.passes)/took.Seconds())
	r.set(keySteadyPolls, polls/took.Seconds())
	if r.NoProc {
		return nil
	}
	used := after.usage.cpu() - before.usage.cpu()
	r.set(keyCores, used.Seconds()/took.Seconds())
	if polls > 0 {
		r.set(keyCPUPerPoll, float64(used.Microseconds())/polls)
		r.set(keyUserPerPoll, float64((after.usage.user-before.usage.user).Microseconds())/polls)
		r.set(keySystemPerPoll, float64((after.usage.system-before.usage.system).Microseconds())/polls)
	}
	r.set(keyEmpty, mebibytes(b.empty))
	r.set(keyResident, mebibytes(after.usage.resident))
	r.set(keyPeak, mebibytes(after.usage.peak))
	r.set(keyPerThousand, mebibytes(after.usage.resident-b.empty)/float64(b.n)*1000)
	return nil
}

// gap99 is the 99th percentile of the times from one look at an instance to the next, since they were last forgotten.
func (b *bench) gap99() time.Duration {
	slices.Sort(b.vendor.counts.gaps)
	return percentile(b.vendor.counts.gaps, 99)
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// pace is the time between two new instances, or two edits.
const pace = 200 * time.Millisecond

// delays does something to so many lines, one after the other, waits until each got a setSettings, and returns how long each waited,
// sorted.
func (b *bench) delays(ctx context.Context, k int, do func(context.Context, int) (int64, time.Time, error)) ([]time.Duration, error) {
	came, err := b.vendor.watchSets(ctx)
	if err != nil {
		return nil, err
	}
	at, i := map[int64]time.Time{}, 0
	err = wait.PollUntilContextCancel(ctx, pace, true, func(ctx context.Context) (bool, error) {
		if i == k {
			return true, nil
		}
		id, when, err := do(ctx, i)
		at[id] = when
		i++
		b.show.set(i)
		return i == k, errors.Join(err, came.read(ctx))
	})
	if err != nil {
		return nil, err
	}
	missing := len(at)
	err = wait.PollUntilContextTimeout(ctx, 10*pollInterval, b.limit, true, func(ctx context.Context) (bool, error) {
		err := came.read(ctx)
		missing = len(at)
		for id := range at {
			if _, ok := came.first[id]; ok {
				missing--
			}
		}
		return missing == 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("%d of %d instances got no setSettings: %w", missing, len(at), err)
	}
	list := make([]time.Duration, 0, len(at))
	for id, when := range at {
		list = append(list, came.first[id].Sub(when))
	}
	slices.Sort(list)
	return list, nil
}

// percentile is the nearest rank of a sorted list.
func percentile(sorted []time.Duration, percent float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(int(math.Ceil(percent/100*float64(len(sorted))))-1, 0)]
}

// declare makes a new line, to which nobody is logged in and whose setting the vendor has otherwise, and returns when its resource was
// sent off. Those that are at work begin slowly (R33).
func (b *bench) declare(ctx context.Context, l line) (int64, time.Time, error) {
	if err := b.add(ctx, l, emulator.StateNotAuthorized, other); err != nil {
		return l.id, time.Time{}, err
	}
	when := time.Now()
	return l.id, when, b.admin.Create(ctx, l.resource())
}

// fresh creates instances that need a write in the steady state.
func (b *bench) fresh(ctx context.Context) error {
	k := some(b.options.fresh, b.n)
	if k == 0 {
		return nil
	}
	b.show.track(k, "%d new instances that need a write", k)
	defer b.show.end()
	list, err := b.delays(ctx, k, func(ctx context.Context, i int) (int64, time.Time, error) { return b.declare(ctx, fleetLine(b.n+i)) })
	b.result.setDelays(keyFresh50, keyFresh99, list, 0)
	return err
}

// drift edits instances in the console and asks for them to be looked at: else they would be found by the next look at
// their settings. From the first reading on the operator waits for --settle-poll, by design, and reads again.
func (b *bench) drift(ctx context.Context) error {
	k := some(b.options.drifting, b.n)
	if k == 0 {
		return nil
	}
	b.show.track(k, "%d instances edited in the console", k)
	defer b.show.end()
	list, err := b.delays(ctx, k, func(ctx context.Context, i int) (int64, time.Time, error) {
		l := fleetLine(i)
		if err := b.vendor.Edit(ctx, l.id, map[string]any{setting: other}); err != nil {
			return l.id, time.Time{}, err
		}
		return l.id, time.Now(), b.request(ctx, l)
	})
	b.result.setDelays(keyDrift50, keyDrift99, list, 0)
	b.result.setDelays(keyOwn50, keyOwn99, list, b.options.settlePoll)
	return err
}
