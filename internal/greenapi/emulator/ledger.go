// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"slices"
	"time"
)

// What an Entry of the ledger says.
const (
	EntryCreated = "created"
	EntryDeleted = "deleted"
	EntryRotated = "rotated"
)

// Entry is a line of the ledger: something that the vendor sold, ended, or gave a new token, whatever the caller heard of it.
type Entry struct {
	// Time is when the effect took place, which is later than the call where PartnerBehavior.Late says so.
	Time time.Time `json:"time"`
	// What is EntryCreated, EntryDeleted or EntryRotated.
	What string `json:"what"`
	// ID and Name are those of the instance, Account that of the partner account, "" if it belongs to none.
	ID      int64  `json:"idInstance"`
	Name    string `json:"name"`
	Account string `json:"partnerAccount,omitempty"`
}

// Ledger returns what createInstance, deleteInstanceAccount and updateApiToken ever did, in the order of the calls. Nothing
// makes it forget.
func (s *Server) Ledger() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Entry{}, s.ledger...)
}

// Sold returns the entries of the ledger for instances that were created with a name; "" for all.
func (s *Server) Sold(name string) []Entry {
	return slices.DeleteFunc(s.Ledger(), func(e Entry) bool { return e.What != EntryCreated || name != "" && e.Name != name })
}

func (s *Server) note(what string, l *line, at time.Time) {
	s.ledger = append(s.ledger, Entry{Time: at, What: what, ID: l.in.ID, Name: l.in.Name, Account: l.in.Account})
}
