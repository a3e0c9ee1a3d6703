// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// vendor is an emulator: its control interface, and the calls that it logs.
type vendor struct {
	*sandbox.Vendor
	log string
	// offset is how much of the log was read.
	offset int64
	counts callCounts
}

// callCounts is what was called since a moment.
type callCounts struct {
	total int
	// looked are the instances whose state was read, and when that was last; first and last the times of day of the first
	// readings.
	looked      map[int64]time.Time
	first, last time.Time
	// gaps are the times from one reading of an instance's state to the next.
	gaps []time.Duration
}

func newVendor(origin, log string) *vendor {
	return &vendor{Vendor: sandbox.NewVendor(origin), log: log}
}

// delay lets every call take so long from now on, and answer with a status unless that is 0.
func (v *vendor) delay(ctx context.Context, latency time.Duration, status int) error {
	if err := v.Do(ctx, http.MethodDelete, v.Origin+"/emulator/faults", nil, nil); err != nil || latency == 0 && status == 0 {
		return err
	}
	fault := emulator.Fault{Times: -1, DelayBefore: latency, Status: status}
	return v.Do(ctx, http.MethodPost, v.Origin+"/emulator/faults", fault, nil)
}

// refuse lets every call of a method be refused from now on, and every call take so long. Of several faults the first one counts.
func (v *vendor) refuse(ctx context.Context, method string, latency time.Duration) error {
	if err := v.delay(ctx, 0, 0); err != nil {
		return err
	}
	for _, fault := range []emulator.Fault{{Method: method, Message: "These values are refused"}, {}} {
		fault.Times, fault.DelayBefore = -1, latency
		if err := v.Do(ctx, http.MethodPost, v.Origin+"/emulator/faults", fault, nil); err != nil {
			return err
		}
	}
	return nil
}

// resetCounts counts calls from now on.
func (v *vendor) resetCounts() error {
	err := v.read()
	v.counts = callCounts{looked: map[int64]time.Time{}}
	return err
}

// tooMany is the status of a call that the vendor did not answer, so that nobody has looked at anything.
const tooMany = "429"

// read counts what the log has more than at the last time. A line is there once its call is over:
//
//	15:04:05.000 GET  7107000001 getStateInstance -> 200
func (v *vendor) read() error {
	file, err := os.Open(v.log)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	text := make([]byte, info.Size()-v.offset)
	n, err := file.ReadAt(text, v.offset)
	if n < len(text) {
		return err
	}
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return nil
		}
		v.offset += int64(len(line) + 1)
		text = rest
		v.counts.add(bytes.Fields(line))
	}
}

func (c *callCounts) add(fields [][]byte) {
	if len(fields) < 6 || string(fields[4]) != "->" {
		return
	}
	c.total++
	id, err := strconv.ParseInt(string(fields[2]), 10, 64)
	status := bytes.TrimSuffix(fields[5], []byte(","))
	if err != nil || c.looked == nil || string(fields[3]) != sandbox.MethodState || string(status) == tooMany {
		return
	}
	at, err := time.Parse("15:04:05.000", string(fields[0]))
	if err != nil {
		return
	}
	before, again := c.looked[id]
	c.looked[id] = at
	if again {
		c.gaps = append(c.gaps, between(before, at))
		return
	}
	if len(c.looked) == 1 {
		c.first = at
	}
	c.last = at
}

// span is the time from the first of the first readings to the last one.
func (c *callCounts) span() time.Duration { return between(c.first, c.last) }

// between is the time from one time of day to a later one, which may be after midnight.
func between(from, to time.Time) time.Duration {
	took := to.Sub(from)
	if took < 0 {
		took += 24 * time.Hour
	}
	return took
}

// pollInterval is how often it is looked whether something has come about.
const pollInterval = 50 * time.Millisecond

// awaitLooks waits until the states of so many instances were read, and tells of the progress.
func (v *vendor) awaitLooks(ctx context.Context, n int, limit time.Duration, progress func(int)) error {
	return wait.PollUntilContextTimeout(ctx, pollInterval, limit, true, func(context.Context) (bool, error) {
		err := v.read()
		progress(len(v.counts.looked))
		return len(v.counts.looked) >= n, err
	})
}

// sets are when each instance got its first setSettings since a moment. The emulator keeps so many calls only, so they are read again and
// again while more come.
type sets struct {
	vendor *vendor
	first  map[int64]time.Time
	latest int
}

// watchSets begins with those that come from now on.
func (v *vendor) watchSets(ctx context.Context) (*sets, error) {
	s := &sets{vendor: v, first: map[int64]time.Time{}}
	err := s.read(ctx)
	clear(s.first)
	return s, err
}

// read takes down those that came since it was read last.
func (s *sets) read(ctx context.Context) error {
	calls, err := s.vendor.Calls(ctx, 0, sandbox.MethodSet, s.latest)
	for _, call := range calls {
		if _, known := s.first[call.ID]; !known {
			s.first[call.ID] = call.Time
		}
		s.latest = call.Seq
	}
	return err
}
