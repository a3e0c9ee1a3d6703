// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Answers that a Fault can give by name. The first four replace the true answer, the others damage it, so that the call
// always takes effect.
const (
	// AnswerCodeInBody is 200 with {"code":401,"description":"Unauthorized"} (documented for updateApiToken and the
	// partner interface). Fault.Status is the code in the body then, not that of HTTP.
	AnswerCodeInBody = "codeInBody"
	// AnswerEmpty has no body.
	AnswerEmpty = "empty"
	// AnswerNull has the body null.
	AnswerNull = "null"
	// AnswerWrongType has a JSON text for its body, where no method has one.
	AnswerWrongType = "wrongType"
	// AnswerTruncated is the first half of the true answer, as if it were all.
	AnswerTruncated = "truncated"
	// AnswerCutOff announces the true answer and drops the connection after its first half.
	AnswerCutOff = "cutOff"
	// AnswerHuge is the true answer, valid JSON, with white space up to Fault.Size.
	AnswerHuge = "huge"
)

// defaultSize is that of AnswerHuge, in bytes: a little more than 1 MiB.
const defaultSize = 1<<20 + 4096

// Fault is something that goes wrong with calls. Scripted faults stand in line: a call meets the first one that is for
// it, or none. The zero value goes wrong nowhere: it lets one call pass. In JSON durations are texts such as "90s".
type Fault struct {
	// ID, Method and Host, which is what the call was sent to without its port, say which calls meet the fault; 0 and "" mean all.
	ID     int64  `json:"idInstance,omitempty"`
	Method string `json:"method,omitempty"`
	Host   string `json:"host,omitempty"`
	// Times is how many calls meet it; 0 means one, less than 0 all until ClearFaults.
	Times int `json:"times,omitempty"`

	// Status is the HTTP code of an answer that replaces the true one. Without anything else its body is what such a
	// code comes with: none for 401 and below 400, a page for 404, 502 and 504, a quota for 466, and else the
	// vendor's error body.
	Status int `json:"status,omitempty"`
	// Message makes the body the vendor's error body with this message, and Status 400 if it is 0.
	Message string `json:"message,omitempty"`
	// Body is sent as it is. In it, in Message, Location and Header {id}, {method}, {token} and {path} stand for those
	// of the call.
	Body string `json:"body,omitempty"`
	// Location is the header of a redirect, and makes Status 302 if it is 0.
	Location string `json:"location,omitempty"`
	// Header has more headers.
	Header map[string]string `json:"header,omitempty"`
	// Answer is one of the constants AnswerEmpty and so on.
	Answer string `json:"answer,omitempty"`
	// Size is that of AnswerHuge, in bytes; 0 means a little more than 1 MiB.
	Size int `json:"size,omitempty"`

	// Drop closes the connection without an answer, and Hang never answers.
	Drop bool `json:"drop,omitempty"`
	Hang bool `json:"hang,omitempty"`
	// AfterEffect lets the call take effect before its answer is replaced, dropped or held back. Otherwise it has none.
	AfterEffect bool `json:"afterEffect,omitempty"`

	// DelayBefore passes before the effect and DelayAfter after it, before the answer, in real time. A call whose
	// caller is gone when DelayBefore is over has no effect, unless KeepWaiting: then it arrives late.
	DelayBefore time.Duration `json:"-"`
	DelayAfter  time.Duration `json:"-"`
	KeepWaiting bool          `json:"keepWaiting,omitempty"`
	// Drip sends the answer byte by byte with this time between two, in real time.
	Drip time.Duration `json:"-"`

	// Behavior holds for the call in place of the instance's own, Partner in place of the partner account's.
	Behavior *Behavior        `json:"behavior,omitempty"`
	Partner  *PartnerBehavior `json:"partner,omitempty"`
}

// faultFields are the fields of Fault without its methods.
type faultFields Fault

// faultJSON is Fault with its durations as texts.
type faultJSON struct {
	*faultFields
	DelayBefore durationText `json:"delayBefore,omitempty"`
	DelayAfter  durationText `json:"delayAfter,omitempty"`
	Drip        durationText `json:"drip,omitempty"`
}

// MarshalJSON writes durations as texts.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{(*faultFields)(&f), durationText(f.DelayBefore), durationText(f.DelayAfter), durationText(f.Drip)})
}

// UnmarshalJSON reads durations as texts and refuses unknown names.
func (f *Fault) UnmarshalJSON(data []byte) error {
	shadow := faultJSON{faultFields: (*faultFields)(f)}
	if err := decodeStrictly(bytes.NewReader(data), &shadow); err != nil {
		return err
	}
	f.DelayBefore, f.DelayAfter = time.Duration(shadow.DelayBefore), time.Duration(shadow.DelayAfter)
	f.Drip = time.Duration(shadow.Drip)
	return nil
}

// Fault appends a scripted fault. It panics if the fault is not valid.
func (s *Server) Fault(f Fault) {
	must(s.addFaults(f))
}

func (s *Server) addFaults(list ...Fault) error {
	for i := range list {
		if err := list[i].check(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range list {
		s.faults = append(s.faults, f.clone())
	}
	return nil
}

// ClearFaults forgets all scripted faults. Calls that have met one already go on as they were.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Faults returns the scripted faults that are left, with what is left of their Times.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Fault{}
	for _, f := range s.faults {
		list = append(list, *f.clone())
	}
	return list
}

// nextFault returns the fault that a call meets, and counts it; nil if there is none.
func (s *Server) nextFault(id int64, method, host string) *Fault {
	for i, f := range s.faults {
		if f.ID != 0 && f.ID != id || f.Method != "" && f.Method != method || f.Host != "" && f.Host != host {
			continue
		}
		met := f.clone()
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		f.Times = max(f.Times, -1)
		return met
	}
	return nil
}

func (f *Fault) clone() *Fault {
	out := *f
	if out.Times == 0 {
		out.Times = 1
	}
	out.Header = maps.Clone(f.Header)
	if f.Behavior != nil {
		out.Behavior = new(f.Behavior.clone())
	}
	if f.Partner != nil {
		out.Partner = new(*f.Partner)
	}
	return &out
}

// replaces tells whether the caller gets something else than the true answer.
func (f *Fault) replaces() bool {
	switch f.Answer {
	case AnswerTruncated, AnswerCutOff, AnswerHuge:
		return false
	}
	return f.Answer != "" || f.Status != 0 || f.Message != "" || f.Body != "" || f.Location != "" || f.Drop || f.Hang
}

func (f *Fault) check() error {
	known := slices.Concat(slices.Collect(maps.Keys(methods)), slices.Collect(maps.Keys(partnerMethods)))
	slices.Sort(known)
	switch {
	case f.ID < 0:
		return errors.New("idInstance must be positive, or 0 for all instances")
	case f.Method != "" && !slices.Contains(known, f.Method):
		return fmt.Errorf("method %q: want one of %s, or none for all", f.Method, strings.Join(known, ", "))
	case f.Drop && f.Hang:
		return errors.New("want only one of drop and hang")
	case min(f.DelayBefore, f.DelayAfter, f.Drip) < 0:
		return errors.New("delayBefore, delayAfter and drip must not be negative")
	}
	if f.Behavior != nil {
		if err := f.Behavior.check(); err != nil {
			return fmt.Errorf("behavior: %w", err)
		}
	}
	if f.Partner != nil {
		if err := f.Partner.check(); err != nil {
			return fmt.Errorf("partner: %w", err)
		}
	}
	return f.checkAnswer()
}

func (f *Fault) checkAnswer() error {
	answers := []string{AnswerCodeInBody, AnswerEmpty, AnswerNull, AnswerWrongType, AnswerTruncated, AnswerCutOff, AnswerHuge}
	bodies := 0
	for _, text := range []string{f.Answer, f.Body, f.Message} {
		if text != "" {
			bodies++
		}
	}
	switch {
	case f.Answer != "" && !slices.Contains(answers, f.Answer):
		return fmt.Errorf("answer %q: want one of %s", f.Answer, strings.Join(answers, ", "))
	case f.Status != 0 && (f.Status < http.StatusOK || f.Status > 599):
		return fmt.Errorf("status %d: want an HTTP code from 200 to 599", f.Status)
	case bodies > 1:
		return errors.New("want only one of answer, body and message")
	case f.Size < 0:
		return errors.New("size must not be negative")
	}
	return nil
}
