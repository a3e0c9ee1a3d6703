// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxRequest is how much of a request's body is read, in bytes.
const maxRequest = 1 << 20

// exchange is one request to the vendor's interface and what is known of it.
type exchange struct {
	request *http.Request
	id      int64
	method  string
	token   string
	// partner tells a partner method from one of an instance.
	partner bool
	// path is that of the URL as it was sent, which error bodies repeat.
	path string
	// body is the decoded request, valid tells whether it is JSON.
	body  any
	valid bool
	// now is the time of arrival, and then of the effect.
	now       time.Time
	echoToken bool
	// behavior is that of the instance, or of the fault.
	behavior *Behavior
	// partnerBehavior is that of the partner account, or of the fault.
	partnerBehavior *PartnerBehavior
	fault           *Fault
	call            *Call
}

// ServeHTTP answers the vendor's paths and, under /emulator/, the control interface.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/emulator/") || r.URL.Path == "/emulator" {
		s.control.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	x := parse(r)
	x.body, x.valid = decodeBody(body)
	x.readPartner()
	refused := s.arrive(x)
	if err != nil {
		refused = &answer{status: http.StatusRequestEntityTooLarge}
	}
	if s.options.OnCall != nil {
		defer func() { s.options.OnCall(s.recorded(x)) }()
	}
	switch {
	case refused != nil:
		s.send(w, x, *refused)
	case x.fault != nil:
		s.serveFault(w, x)
	default:
		s.send(w, x, s.effect(x))
	}
}

// parse reads /waInstance{id}/{method}/{token} and /partner/{method}/{token}, with or without /v3 in front. A path that is not like that gives an
// exchange with ID 0.
func parse(r *http.Request) *exchange {
	x := &exchange{request: r, path: r.URL.EscapedPath()}
	x.call = &Call{Verb: r.Method, Query: r.URL.RawQuery, Connection: r.RemoteAddr}
	path, v3 := strings.CutPrefix(x.path, "/v3/")
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) != 3 {
		return x
	}
	x.partner = parts[0] == "partner"
	digits, ok := strings.CutPrefix(parts[0], "waInstance")
	id, err := strconv.ParseInt(digits, 10, 64)
	if !x.partner && (!ok || err != nil || id < 1) {
		return x
	}
	token, err := url.PathUnescape(parts[2])
	if err != nil {
		token = parts[2]
	}
	x.id, x.method, x.token = id, parts[1], token
	x.call.ID, x.call.Method, x.call.V3 = id, parts[1], v3
	return x
}

// readPartner notes which instance a partner method is to delete. The vendor is lenient about types.
func (x *exchange) readPartner() {
	if sent, ok := x.body.(map[string]any); ok && x.partner {
		x.call.ID, _ = strconv.ParseInt(fmt.Sprint(sent["idInstance"]), 10, 64)
	}
}

// arrive records the call, and chooses the fault that it meets. It returns an answer if the rate limit stops the call,
// which then meets no fault.
func (s *Server) arrive(x *exchange) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.now = s.options.Now()
	x.call.Time, x.call.Body = x.now, x.body
	if s.options.RecordTokens {
		x.call.Token = x.token
	}
	l := s.at(x.id, x.now)
	if a := s.accountOf(x.token); x.partner && a != nil {
		x.call.Account, x.call.TokenOK = a.Name, true
	}
	if l != nil {
		l.advance(x.now)
		x.call.State = l.in.State
		x.call.TokenOK = x.token == l.in.Token
		x.echoToken = l.in.Behavior.EchoToken
	}
	s.record(x.call)
	if l != nil && x.call.TokenOK && !s.allow(l, x) {
		limited := x.tooMany(s.options.RetryAfter)
		return &limited
	}
	x.fault = s.nextFault(x.call.ID, x.method, hostname(x.request.Host))
	x.call.Fault = x.fault != nil
	return nil
}

// allow keeps the documented limits: a call a second per instance and method, three for qr. Calls with a wrong token or
// a wrong verb do not count, nor do those that were refused.
func (s *Server) allow(l *line, x *exchange) bool {
	m, ok := methods[x.method]
	if !ok || m.verb != x.call.Verb {
		return true
	}
	interval := s.options.RateInterval / time.Duration(max(m.perSecond, 1))
	last, called := l.called[x.method]
	if passed := x.now.Sub(last); called && passed >= 0 && passed < interval {
		return false
	}
	l.called[x.method] = x.now
	return true
}

// effect does what the call asks for, and returns the answer to it.
func (s *Server) effect(x *exchange) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.now = s.options.Now()
	entries := len(s.ledger)
	if x.partner {
		out := s.performPartner(x)
		x.call.Effect = len(s.ledger) != entries
		return out
	}
	l := s.at(x.id, x.now)
	if l == nil {
		return htmlAnswer(http.StatusNotFound)
	}
	l.advance(x.now)
	x.behavior = &l.in.Behavior
	if x.fault != nil && x.fault.Behavior != nil {
		x.behavior = x.fault.Behavior
	}
	x.echoToken = x.behavior.EchoToken
	restarts, state := l.in.Restarts, l.in.State
	out := s.perform(l, x)
	x.call.Effect = l.in.Restarts != restarts || len(s.ledger) != entries ||
		x.method == "logout" && (l.in.State != state || x.now.Before(l.logoutEnd))
	return out
}

// send completes the record and then sends the answer.
func (s *Server) send(w http.ResponseWriter, x *exchange, a answer) {
	s.conclude(x, a.status)
	a.write(w)
}

func (s *Server) conclude(x *exchange, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.call.Status = status
}

func (s *Server) recorded(x *exchange) Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.call.clone()
}

// hostname is a host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
