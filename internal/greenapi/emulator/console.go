// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"cmp"
	"reflect"
	"time"
)

// Edit changes settings as a person does in the vendor's console: without a restart, shown at once. Settings that are
// not named stay, and null removes a setting, as if the instance were of an older release. It panics if there is no
// such instance.
func (s *Server) Edit(id int64, settings map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.withLine(id, func(l *line, _ time.Time) { l.edit(settings) }))
}

// SetState gives an instance a state that stays until something else happens. It panics if there is no such instance.
func (s *Server) SetState(id int64, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.setState(id, state))
}

func (s *Server) setState(id int64, state string) error {
	return s.withLine(id, func(l *line, now time.Time) { l.enter(state, now) })
}

// SetStateFor gives an instance a state for a time, and then another: StateNull and then StateNotAuthorized for one
// that is being created, StateStarting and then StateAuthorized for the vendor's maintenance. It panics if there is no
// such instance.
func (s *Server) SetStateFor(id int64, state string, duration time.Duration, then string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.setStateFor(id, state, duration, then))
}

func (s *Server) setStateFor(id int64, state string, duration time.Duration, then string) error {
	return s.withLine(id, func(l *line, now time.Time) {
		l.enter(state, now)
		l.plan = []step{{now.Add(duration), then}}
	})
}

// Suspend puts an instance into the state suspended until then, when it becomes authorized. If the end has passed
// already, or is not known (the zero time), it stays suspended. It panics if there is no such instance.
func (s *Server) Suspend(id int64, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.suspend(id, until))
}

func (s *Server) suspend(id int64, until time.Time) error {
	return s.withLine(id, func(l *line, now time.Time) {
		l.in.SuspendedUntil = 0
		if !until.IsZero() {
			l.in.SuspendedUntil = until.Unix()
		}
		l.enter(StateSuspended, now)
	})
}

// RotateToken gives an instance another API token; the old one is answered 401 from now on. It panics if there is no
// such instance.
func (s *Server) RotateToken(id int64, token string) {
	s.Update(id, func(in *Instance) { in.Token = token })
}

// Remove takes an instance off the server; it is answered 404 from now on. For one that the vendor still knows as
// deleted, set Deleted.
func (s *Server) Remove(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lines, id)
}

// withLine runs f on an instance as it is now.
func (s *Server) withLine(id int64, f func(l *line, now time.Time)) error {
	now := s.options.Now()
	l := s.at(id, now)
	if l == nil {
		return errNoInstance(id)
	}
	l.advance(now)
	f(l, now)
	return nil
}

// replace gives the instance what differs between two snapshots of it.
func (l *line) replace(before, after Instance, now time.Time) {
	lasting := l.in
	after = after.clone()
	l.in = after
	l.in.Messenger = cmp.Or(after.Messenger, WhatsApp)
	l.in.ID, l.in.Restarts, l.in.Settings = lasting.ID, lasting.Restarts, lasting.Settings
	for name, value := range after.Settings {
		if old, ok := before.Settings[name]; !ok || !reflect.DeepEqual(old, value) {
			l.in.Settings[name] = value
			delete(l.veils, name)
		}
	}
	for name := range before.Settings {
		if _, ok := after.Settings[name]; !ok {
			delete(l.in.Settings, name)
			delete(l.veils, name)
		}
	}
	if after.Deleted != before.Deleted {
		l.deleted = time.Time{}
		if after.Deleted {
			l.deleted = now
		}
	}
	if after.State != before.State || after.SuspendedUntil != before.SuspendedUntil {
		l.enter(after.State, now)
	}
}
