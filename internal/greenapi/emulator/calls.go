// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"encoding/json"
	"time"
)

// Call is the record of a request to the vendor's interface. It is there from the moment the request arrives, and
// complete before the caller sees the answer.
type Call struct {
	// Seq numbers the calls from 1; ResetCalls does not start it anew.
	Seq int `json:"seq"`
	// Time is when the request arrived, by the Server's clock.
	Time time.Time `json:"time"`
	// ID and Method are those of the path, whether they exist or not; 0 and "" if the path is not the vendor's. A partner method
	// has the ID that it is to delete, else 0.
	ID     int64  `json:"idInstance"`
	Method string `json:"method"`
	// Verb is the HTTP method.
	Verb string `json:"verb"`
	// V3 tells whether the path began with /v3.
	V3 bool `json:"v3"`
	// Query is the query of the URL, without the question mark.
	Query string `json:"query,omitempty"`
	// Body is the decoded JSON body with whole numbers as int; a text if it is not JSON, nil if there is none.
	Body any `json:"body,omitempty"`
	// Account is the name of the partner account; "" if it is no partner method, or nobody has the token.
	Account string `json:"partnerAccount,omitempty"`
	// TokenOK tells whether the instance exists and the token was right.
	TokenOK bool `json:"tokenOK"`
	// Token is the token of the path, only with Options.RecordTokens.
	Token string `json:"token,omitempty"`
	// State is the instance's state when the request arrived; "" if there is no such instance.
	State string `json:"state"`
	// Status is the HTTP code of the answer; 0 while there is none, and for good if the caller never got one.
	Status int `json:"status"`
	// Effect tells whether the call changed the instance: it restarted, logged out, was created or deleted, or has another token.
	Effect bool `json:"effect"`
	// Fault tells whether a scripted fault was in play.
	Fault bool `json:"fault"`
	// Connection is the remote address, the same for all calls of one connection.
	Connection string `json:"connection"`
}

// Calls returns the calls so far, the oldest first: of one instance and method, or of all where id is 0 or method "".
func (s *Server) Calls(id int64, method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Call{}
	for _, call := range s.calls {
		if (id == 0 || call.ID == id) && (method == "" || call.Method == method) {
			list = append(list, call.clone())
		}
	}
	return list
}

// ResetCalls forgets the calls so far.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// record keeps a call that has just arrived.
func (s *Server) record(call *Call) {
	s.seq++
	call.Seq = s.seq
	s.calls = append(s.calls, call)
	if excess := len(s.calls) - s.options.CallLimit; excess > 0 {
		clear(s.calls[:excess])
		s.calls = s.calls[excess:]
	}
}

func (c *Call) clone() Call {
	out := *c
	out.Body = normalized(c.Body)
	return out
}

// decodeBody returns what Call.Body says of a body, and whether it is valid JSON.
func decodeBody(body []byte) (any, bool) {
	if len(body) == 0 {
		return nil, false
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil || decoder.More() {
		return string(body), false
	}
	return normalized(value), true
}
