// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Account is a partner account: who has its token may list, create and delete instances. PARTNER.md has a table of what can
// go wrong with it.
type Account struct {
	// Name is what Instance.Account says of the account's instances. The vendor has no such name.
	Name string `json:"name"`
	// Token is the partner token, which stands in the path of a URL.
	Token string `json:"partnerToken"`
	// Messenger is that of the instances that it creates: WhatsApp (when empty), MAX or Telegram. What decides about it is
	// not documented.
	Messenger string `json:"typeInstance,omitempty"`
	// Behavior says how the partner methods behave for the account.
	Behavior PartnerBehavior `json:"behavior"`
}

// What getInstances shows in place of the account's instances.
const (
	// ListEmpty is a list of nothing.
	ListEmpty = "empty"
	// ListForeign has the instances of all others, or a made-up one where there are none.
	ListForeign = "foreign"
)

// APIURLNone leaves apiUrl out of answers, as the documentation does.
const APIURLNone = "none"

// PartnerBehavior says how partner methods behave where the documentation leaves room, and what its users report. The zero
// value is a well-behaved account. In JSON durations are texts such as "3m".
type PartnerBehavior struct {
	// Late is how long after createInstance and deleteInstanceAccount their effect shows anywhere. They answer at once.
	Late time.Duration `json:"-"`
	// RefuseNew is how long a new instance answers 401 with an empty body, and CreateTime how long its state is null. The
	// vendor documents up to five minutes for the latter.
	RefuseNew  time.Duration `json:"-"`
	CreateTime time.Duration `json:"-"`
	// KeepDeleted is how long getInstances shows deleted instances; 0 means three months (documented), less than 0 not at all.
	KeepDeleted time.Duration `json:"-"`
	// List is "", ListEmpty or ListForeign.
	List string `json:"list,omitempty"`
	// IDsAsText writes idInstance as a text.
	IDsAsText bool `json:"idsAsText,omitempty"`
	// APIURL is the apiUrl of answers: the address that was called (when empty), APIURLNone, or any other text.
	APIURL string `json:"apiUrl,omitempty"`
}

// partnerFields are the fields of PartnerBehavior without its methods.
type partnerFields PartnerBehavior

// partnerJSON is PartnerBehavior with its durations as texts.
type partnerJSON struct {
	*partnerFields
	Late        durationText `json:"late,omitempty"`
	RefuseNew   durationText `json:"refuseNew,omitempty"`
	CreateTime  durationText `json:"createTime,omitempty"`
	KeepDeleted durationText `json:"keepDeleted,omitempty"`
}

func (b *PartnerBehavior) shadow() partnerJSON {
	return partnerJSON{(*partnerFields)(b), durationText(b.Late), durationText(b.RefuseNew), durationText(b.CreateTime), durationText(b.KeepDeleted)}
}

// MarshalJSON writes durations as texts.
func (b PartnerBehavior) MarshalJSON() ([]byte, error) { return json.Marshal(b.shadow()) }

// UnmarshalJSON reads durations as texts, refuses unknown names, and leaves what is not named as it is.
func (b *PartnerBehavior) UnmarshalJSON(data []byte) error {
	shadow := b.shadow()
	if err := decodeStrictly(bytes.NewReader(data), &shadow); err != nil {
		return err
	}
	b.Late, b.RefuseNew = time.Duration(shadow.Late), time.Duration(shadow.RefuseNew)
	b.CreateTime, b.KeepDeleted = time.Duration(shadow.CreateTime), time.Duration(shadow.KeepDeleted)
	return nil
}

func (b *PartnerBehavior) check() error {
	switch {
	case !slices.Contains([]string{"", ListEmpty, ListForeign}, b.List):
		return fmt.Errorf("list %q: want %q or %q, or nothing for the account's own", b.List, ListEmpty, ListForeign)
	case min(b.Late, b.RefuseNew, b.CreateTime) < 0:
		return errors.New("late, refuseNew and createTime must not be negative")
	}
	return nil
}

func (a *Account) check() error {
	switch {
	case a.Name == "":
		return errors.New("name must not be empty")
	case a.Token == "":
		return errors.New("partnerToken must not be empty")
	case a.Messenger != "" && !slices.Contains([]string{WhatsApp, MAX, Telegram}, a.Messenger):
		return fmt.Errorf("typeInstance %q: want %q, %q (for MAX) or %q", a.Messenger, WhatsApp, MAX, Telegram)
	}
	return a.Behavior.check()
}

// ReadAccounts reads a JSON list of partner accounts and checks them.
func ReadAccounts(r io.Reader) ([]Account, error) {
	var list []Account
	if err := decodeStrictly(r, &list); err != nil {
		return nil, fmt.Errorf("want a JSON list such as [{\"name\": \"reseller\", \"partnerToken\": \"gac.secret\"}]: %w", err)
	}
	names, tokens := map[string]bool{}, map[string]bool{}
	for i, a := range list {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("account %d of the list: %w", i+1, err)
		}
		if names[a.Name] || tokens[a.Token] {
			return nil, fmt.Errorf("account %d of the list: its name or its token is there twice", i+1)
		}
		names[a.Name], tokens[a.Token] = true, true
	}
	return list, nil
}

// AddAccount puts a partner account on the server, in place of one with the same name, whose instances it takes over. It
// panics if the account is not valid, or another has its token.
func (s *Server) AddAccount(a Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.addAccount(a))
}

func (s *Server) addAccount(a Account) error {
	if err := a.check(); err != nil {
		return err
	}
	if other := s.accountOf(a.Token); other != nil && other.Name != a.Name {
		return errors.New("another account has this token")
	}
	s.accounts[a.Name] = &a
	return nil
}

// UpdateAccount lets f change a partner account. f must not call the Server. It panics if there is no such account or f made
// it invalid.
func (s *Server) UpdateAccount(name string, f func(*Account)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.updateAccount(name, func(a *Account) error { f(a); return nil }))
}

func (s *Server) updateAccount(name string, f func(*Account) error) error {
	if s.accounts[name] == nil {
		return errNoAccount(name)
	}
	changed := *s.accounts[name]
	if err := f(&changed); err != nil {
		return err
	}
	if changed.Name != name {
		return errors.New("name cannot be changed")
	}
	return s.addAccount(changed)
}

// Accounts returns copies of all partner accounts by name.
func (s *Server) Accounts() []Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Account{}
	for _, name := range slices.Sorted(maps.Keys(s.accounts)) {
		list = append(list, *s.accounts[name])
	}
	return list
}

// accountOf returns the account with a token; nil if there is none.
func (s *Server) accountOf(token string) *Account {
	for _, a := range s.accounts {
		if a.Token == token {
			return a
		}
	}
	return nil
}

func errNoAccount(name string) error { return fmt.Errorf("there is no account %q", name) }
