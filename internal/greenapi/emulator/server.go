// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Defaults of Options.
const (
	DefaultRateInterval = time.Second
	DefaultRestartTime  = 30 * time.Second
	DefaultCallLimit    = 100_000
)

// Options are what holds for all instances of a Server.
type Options struct {
	// Now is the clock; nil means time.Now. It is called from many goroutines.
	Now func() time.Time
	// RateInterval is the least time between two calls of one method of one instance; 0 means DefaultRateInterval,
	// less than 0 switches the limit off. The method qr may be called three times as often. Both are documented.
	RateInterval time.Duration
	// RetryAfter is what 429 says in its Retry-After header, in whole seconds; 0 leaves the header out, as the vendor
	// does by its documentation.
	RetryAfter time.Duration
	// RestartTime is how long instances restart that do not say; 0 means DefaultRestartTime, less than 0 no time.
	RestartTime time.Duration
	// RecordTokens keeps the token of each call in its record.
	RecordTokens bool
	// CallLimit is how many calls are kept, the latest; 0 means DefaultCallLimit.
	CallLimit int
	// OnToken is told of every token that the emulator makes up, before anybody sees it; nil for nobody. It must not call the
	// Server.
	OnToken func(token string)
	// OnCall is told of every call when it is over; nil for nobody.
	OnCall func(Call)
}

// Server emulates the vendor: an http.Handler with any number of instances. All its methods may be called at any time,
// from any goroutine.
type Server struct {
	options Options
	control http.Handler
	// closed is closed by Close.
	closed    chan struct{}
	closeOnce sync.Once

	mu       sync.Mutex
	lines    map[int64]*line
	accounts map[string]*Account
	ledger   []Entry
	faults   []*Fault
	calls    []*Call
	seq      int
}

// New returns a Server without instances.
func New(options Options) *Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.RateInterval == 0 {
		options.RateInterval = DefaultRateInterval
	}
	if options.RestartTime == 0 {
		options.RestartTime = DefaultRestartTime
	}
	if options.CallLimit <= 0 {
		options.CallLimit = DefaultCallLimit
	}
	s := &Server{options: options, lines: map[int64]*line{}, accounts: map[string]*Account{}, closed: make(chan struct{})}
	s.control = s.newControl()
	return s
}

// Close breaks off the calls that a Fault holds back, now and from then on, so that an HTTP server can stop. It must be
// called before httptest.Server.Close where a call may hang.
func (s *Server) Close() {
	s.closeOnce.Do(func() { close(s.closed) })
}

// Add puts an instance on the server, in place of one with the same ID. It panics if the instance is not valid: an ID
// below 1, no token, an unknown messenger or behavior.
func (s *Server) Add(in Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.add(in))
}

func (s *Server) add(in Instance) error {
	if err := in.check(); err != nil {
		return err
	}
	s.lines[in.ID] = newLine(in, s.options.Now())
	return nil
}

// Update lets f change an instance, which f sees as it is now. A changed State holds from now on, whatever was going
// on; changed Settings are like Edit, except that null is shown as null; ID and Restarts stay. f must not call the
// Server. Update panics if there is no such instance or f made it invalid.
func (s *Server) Update(id int64, f func(*Instance)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.update(id, func(in *Instance) error { f(in); return nil }))
}

func (s *Server) update(id int64, f func(*Instance) error) error {
	now := s.options.Now()
	l := s.at(id, now)
	if l == nil {
		return errNoInstance(id)
	}
	before := l.snapshot(now)
	after := before.clone()
	if err := f(&after); err != nil {
		return err
	}
	if err := after.check(); err != nil {
		return err
	}
	l.replace(before, after, now)
	return nil
}

// Get returns a copy of an instance with the state and the settings that it shows now.
func (s *Server) Get(id int64) (Instance, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	l := s.at(id, now)
	if l == nil {
		return Instance{}, false
	}
	return l.snapshot(now), true
}

// at returns an instance, nil if there is none at that time.
func (s *Server) at(id int64, now time.Time) *line {
	if l := s.lines[id]; l != nil && !now.Before(l.born) {
		return l
	}
	return nil
}

// Instances returns copies of all instances by ID, as Get does.
func (s *Server) Instances() []Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	list := make([]Instance, 0, len(s.lines))
	for _, id := range slices.Sorted(maps.Keys(s.lines)) {
		if l := s.at(id, now); l != nil {
			list = append(list, l.snapshot(now))
		}
	}
	return list
}

// Restarts says how often setSettings and reboot restarted an instance; 0 if there is none.
func (s *Server) Restarts(id int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	l := s.at(id, now)
	if l == nil {
		return 0
	}
	l.advance(now)
	return l.in.Restarts
}

func errNoInstance(id int64) error { return fmt.Errorf("there is no instance %d", id) }

// must ends a test or demo whose script is wrong.
func must(err error) {
	if err != nil {
		panic("emulator: " + err.Error())
	}
}
