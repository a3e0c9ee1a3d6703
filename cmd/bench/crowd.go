// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"
)

// The namespaces of the crowd and of the lonely ones, and the first numbers of their instances.
const (
	crowdNamespace, lonelyNamespace = "crowd", "lonely"
	crowdID                         = firstID + 1_000_000
	lonelyID                        = firstID + 2_000_000
)

// mostLonely is how often the lonely one is tried at the most: a half of the fleet's number if that is less.
const mostLonely = 20

// crowd stands many failing instances of one namespace beside single ones of another, when a new process looks at all of
// them for the first time.
func (b *bench) crowd(ctx context.Context) error {
	k := b.options.failing
	if k < 0 {
		k = b.n
	}
	if k == 0 {
		return nil
	}
	b.stopManager()
	lonely := min(mostLonely, b.n/2)
	err := errors.Join(b.addNamespace(ctx, crowdNamespace), b.addNamespace(ctx, lonelyNamespace), b.broken.delay(ctx, b.options.latency, 500), b.broken.resetCounts())
	if err != nil {
		return err
	}
	b.show.track(k, "creating %d instances at a vendor that answers 500", k)
	err = sideBySide(ctx, k, creators, b.show.set, func(ctx context.Context, i int) error {
		l := line{id: crowdID + int64(i), namespace: crowdNamespace, apiURL: b.broken.Origin}
		return errors.Join(b.admin.Create(ctx, l.secret()), b.admin.Create(ctx, l.resource()))
	})
	b.show.end()
	if err != nil {
		return err
	}
	m, err := b.startManager(ctx)
	if err != nil {
		return err
	}
	// In the middle of the first look at the failing ones.
	b.show.track((k+1)/2, "the first look at half of the failing ones")
	err = errors.Join(m.await(ctx), b.broken.awaitLooks(ctx, (k+1)/2, b.limit, b.show.set))
	b.show.end()
	if err != nil {
		return err
	}
	b.show.track(lonely, "%d new instances beside %d failing ones of another namespace", lonely, k)
	defer b.show.end()
	list, err := b.delays(ctx, lonely, func(ctx context.Context, i int) (int64, time.Time, error) {
		return b.declare(ctx, line{id: lonelyID + int64(i), namespace: lonelyNamespace})
	})
	b.result.setDelays(keyLonely50, keyLonely99, list, 0)
	b.result.Failing = k
	return err
}

// hangs is longer than any call is waited for.
const hangs = time.Hour

// hanging lets the crowd's vendor hang, and times the looks at the fleet beside it.
func (b *bench) hanging(ctx context.Context) error {
	without, known := b.result.Figures[keyGap99]
	if b.result.Failing == 0 || !known {
		return nil
	}
	if err := b.broken.delay(ctx, hangs, 0); err != nil {
		return err
	}
	// Until every worker may have met it, and every instance was looked at.
	if err := b.pass(ctx, b.options.stateInterval, "letting a vendor hang"); err != nil {
		return err
	}
	if err := b.vendor.read(); err != nil {
		return err
	}
	b.vendor.counts.gaps = nil
	if err := b.pass(ctx, b.options.window, "the fleet beside a vendor that hangs"); err != nil {
		return err
	}
	if err := b.vendor.read(); err != nil {
		return err
	}
	beside := b.gap99().Seconds()
	b.result.set(keyHangingGap99, beside)
	b.result.set(keyHangingShare, beside/max(without, 1e-3))
	return nil
}
