// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// bench is one measurement: the world, and what was found out.
type bench struct {
	*world
	n      int
	show   *progress
	result *result
	// limit is how long anything may take that has to do with all instances.
	limit time.Duration
	// empty is the memory of a manager without instances, in bytes.
	empty int64
}

// measure measures with so many instances, and with the manager of a directory, "" for the one that was built beside this program.
func measure(ctx context.Context, o options, n int, build string) (_ *result, err error) {
	// Whoever dies ends this measurement; whoever is stopped after it does not end the next one.
	ctx, stop := context.WithCancelCause(ctx)
	b := &bench{n: n, show: newProgress(os.Stderr), result: newResult(o, n), limit: limitFor(n)}
	b.show.track(1, "%d instances: starting etcd, kube-apiserver and the emulator", n)
	b.world, err = newWorld(ctx, o, build, stop)
	b.show.end()
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
		stop(nil)
		err = errors.Join(err, b.close(err != nil && !errors.Is(err, errInterrupted)))
	}()
	if err != nil {
		return nil, err
	}
	for _, phase := range []func(context.Context) error{b.measureEmpty, b.create, b.adopt, b.sweepAll, b.steady, b.window, b.fresh, b.drift, b.brake, b.crowd, b.hanging, b.claims} {
		if err := phase(ctx); err != nil {
			return nil, err
		}
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
	}
	return b.result, nil
}

// pass lets time pass and shows it.
func (b *bench) pass(ctx context.Context, d time.Duration, doing string) error {
	started := time.Now()
	b.show.track(int(d.Seconds()), "%s", doing)
	defer b.show.end()
	err := wait.PollUntilContextTimeout(ctx, min(d, time.Second), d, false, func(context.Context) (bool, error) {
		b.show.set(int(time.Since(started).Seconds()))
		return false, nil
	})
	if ctx.Err() != nil {
		return err
	}
	return nil
}

// usage reads what the manager has used. Without /proc it is nothing, and the result says so.
func (b *bench) usage() (usage, error) {
	u, err := usageOf(b.manager.PID())
	if errors.Is(err, errNoProc) {
		b.result.NoProc = true
		return u, nil
	}
	return u, err
}

// emptyTime is how long a manager without instances is left alone before its memory is read, and emptyStarts how often: what
// the kernel maps of a program differs by some MiB.
const (
	emptyTime   = 5 * time.Second
	emptyStarts = 3
)

// measureEmpty reads the memory of a manager without instances, the median of some starts.
func (b *bench) measureEmpty(ctx context.Context) error {
	var resident []int64
	for range emptyStarts {
		m, err := b.startManager(ctx)
		if err != nil {
			return err
		}
		if err := m.await(ctx); err != nil {
			return err
		}
		if err := b.pass(ctx, min(emptyTime, b.options.window), "the manager without instances"); err != nil {
			return err
		}
		used, err := b.usage()
		if err != nil {
			return err
		}
		resident = append(resident, used.resident)
		b.stopManager()
	}
	slices.Sort(resident)
	b.empty = resident[emptyStarts/2]
	return nil
}

// await waits until the manager serves its metrics.
func (m *manager) await(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, sandbox.StartTime, true, func(ctx context.Context) (bool, error) {
		_, last = m.metrics.scrape(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("the manager does not start: %w", errors.Join(err, last))
	}
	return nil
}

func (b *bench) create(ctx context.Context) error {
	b.show.track(b.n, "creating %d instances", b.n)
	defer b.show.end()
	return b.populate(ctx, b.n, b.show.set)
}

// adopt lets the manager see the fleet for the first time: everything is as wished, so nothing is written at the vendor.
func (b *bench) adopt(ctx context.Context) error {
	if err := b.vendor.delay(ctx, b.options.latency, 0); err != nil {
		return err
	}
	b.show.track(b.n, "adopting them, %s latency", b.options.latency)
	defer b.show.end()
	before, err := b.writes(ctx, v1alpha1.GroupVersion.Group)
	if err != nil {
		return err
	}
	began := time.Now()
	m, err := b.startManager(ctx)
	if err != nil {
		return err
	}
	if err := m.await(ctx); err != nil {
		return err
	}
	// A scrape counts all instances, so that many of them cost much of the time that is measured.
	scrapeInterval := max(500*time.Millisecond, time.Duration(b.n)*50*time.Microsecond)
	err = wait.PollUntilContextTimeout(ctx, scrapeInterval, b.limit, true, func(ctx context.Context) (bool, error) {
		f, err := m.metrics.scrape(ctx)
		b.show.set(f.ready())
		return f.ready() >= b.n, err
	})
	if err != nil {
		return fmt.Errorf("not all instances became Ready: %w", err)
	}
	b.result.set(keyAdopt, time.Since(began).Seconds())
	after, err := b.writes(ctx, v1alpha1.GroupVersion.Group)
	if err != nil {
		return err
	}
	b.result.set(keyAdoptWrites, (after-before)/float64(b.n))
	used, err := b.usage()
	if err == nil && !b.result.NoProc {
		b.result.set(keyAdoptPeak, mebibytes(used.peak))
	}
	b.stopManager()
	return err
}

// sweepAll times the first look of a new process at all instances with each latency. The last process stays.
func (b *bench) sweepAll(ctx context.Context) error {
	for _, latency := range b.options.sweeps {
		// Without latency it is needed even so: the process is to be gone while the bare loop runs.
		if latency == b.options.latency && latency > 0 {
			continue
		}
		rate, err := b.sweep(ctx, latency)
		if err != nil {
			return err
		}
		b.stopManager()
		if latency > 0 {
			continue
		}
		b.result.set(keyPassRate, rate)
		raw, err := b.raw(ctx)
		if err != nil {
			return err
		}
		b.result.set(keyRawRate, raw)
		b.result.set(keyRawShare, rate/raw)
	}
	_, err := b.sweep(ctx, b.options.latency)
	return err
}

// sweep starts a manager and times its first look at all instances. It returns how many a second it looked at from the
// first on, without what a process needs to start.
func (b *bench) sweep(ctx context.Context, latency time.Duration) (float64, error) {
	if err := b.vendor.delay(ctx, latency, 0); err != nil {
		return 0, err
	}
	// The vendor allows one call a second of each method, and the last ones were just now.
	if err := b.pass(ctx, limitTime, "letting the vendor's limit of one call a second pass"); err != nil {
		return 0, err
	}
	if err := b.vendor.resetCounts(); err != nil {
		return 0, err
	}
	b.show.track(b.n, "the first look of a new process at all, %s latency", latency)
	defer b.show.end()
	began := time.Now()
	m, err := b.startManager(ctx)
	if err != nil {
		return 0, err
	}
	if err := b.vendor.awaitLooks(ctx, b.n, b.limit, b.show.set); err != nil {
		return 0, fmt.Errorf("not all instances were looked at: %w", err)
	}
	b.result.setSweep(latency, time.Since(began), b.n)
	return b.rate(), m.await(ctx)
}

// limitTime is how long nothing is called so that the vendor refuses no call that is one too many.
const limitTime = 2 * time.Second

// raw makes the calls of such a first look from a bare loop, with as many workers: it reads the Secret from the API server
// and the state from the vendor. It returns how many instances a second.
func (b *bench) raw(ctx context.Context) (float64, error) {
	if err := b.pass(ctx, limitTime, "letting the vendor's limit of one call a second pass"); err != nil {
		return 0, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: b.options.concurrency}, Timeout: scrapeTimeout}
	server, err := rest.HTTPClientFor(b.plane.Config)
	if err != nil {
		return 0, err
	}
	if err := b.vendor.resetCounts(); err != nil {
		return 0, err
	}
	b.show.track(b.n, "the same calls from a bare net/http loop")
	defer b.show.end()
	err = sideBySide(ctx, b.n, b.options.concurrency, b.show.set, func(ctx context.Context, i int) error {
		l := fleetLine(i)
		if err := bareCall(ctx, server, fmt.Sprintf("%s/api/v1/namespaces/%s/secrets/%s", strings.TrimSuffix(b.plane.Config.Host, "/"), l.namespace, l.name())); err != nil {
			return err
		}
		return bareCall(ctx, client, fmt.Sprintf("%s/waInstance%d/%s/%s", b.vendor.Origin, l.id, sandbox.MethodState, l.token()))
	})
	client.CloseIdleConnections()
	if err != nil {
		return 0, err
	}
	// The vendor's log times both sides alike.
	err = b.vendor.awaitLooks(ctx, b.n, b.limit, func(int) {})
	return b.rate(), err
}

// rate is how many instances a second were looked at, from the first call to the last.
func (b *bench) rate() float64 { return float64(b.n) / max(b.vendor.counts.span().Seconds(), 1e-3) }

func bareCall(ctx context.Context, client *http.Client, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("a bare call is answered %s", response.Status)
	}
	return nil
}
