// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// serveFault answers a call that meets a scripted fault.
func (s *Server) serveFault(w http.ResponseWriter, x *exchange) {
	f, ctx := x.fault, x.request.Context()
	if f.KeepWaiting {
		ctx = context.WithoutCancel(ctx)
	}
	s.wait(ctx, f.DelayBefore)
	var out answer
	if f.AfterEffect || !f.replaces() {
		out = s.effect(x)
	}
	ctx = x.request.Context()
	s.wait(ctx, f.DelayAfter)
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Hang:
		select {
		case <-ctx.Done():
		case <-s.closed:
		}
		panic(http.ErrAbortHandler)
	}
	out = f.shape(x, out)
	s.conclude(x, out.status)
	switch {
	case f.Answer == AnswerCutOff:
		cutOff(w, out)
	case f.Drip > 0:
		s.drip(w, x, out)
	default:
		out.write(w)
	}
}

// wait lets real time pass. If the caller leaves or the server closes meanwhile, the call ends here: the connection is
// closed without an answer.
func (s *Server) wait(ctx context.Context, duration time.Duration) {
	if duration <= 0 {
		return
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return
	case <-ctx.Done():
	case <-s.closed:
	}
	panic(http.ErrAbortHandler)
}

// shape makes the answer that the fault asks for out of the true one.
func (f *Fault) shape(x *exchange, out answer) answer {
	switch f.Answer {
	case AnswerTruncated:
		out.body = out.body[:len(out.body)/2]
	case AnswerHuge:
		if missing := cmp.Or(f.Size, defaultSize) - len(out.body); missing > 0 {
			out.body = append(out.body, bytes.Repeat([]byte(" "), missing)...)
		}
	}
	if f.replaces() {
		out = f.replacement(x)
	} else if f.Status != 0 {
		out.status = f.Status
	}
	for name, value := range f.Header {
		if out.header == nil {
			out.header = map[string]string{}
		}
		out.header[name] = x.fill(value)
	}
	return out
}

// replacement is the answer that has nothing to do with the true one.
func (f *Fault) replacement(x *exchange) answer {
	status := f.Status
	switch {
	case f.Location != "":
		return answer{status: cmp.Or(status, http.StatusFound), header: map[string]string{"Location": x.fill(f.Location)}}
	case f.Message != "":
		return x.refusal(cmp.Or(status, http.StatusBadRequest), x.fill(f.Message))
	case f.Body != "":
		body := x.fill(f.Body)
		return answer{status: cmp.Or(status, http.StatusOK), header: map[string]string{"Content-Type": contentType(body)}, body: []byte(body)}
	}
	switch f.Answer {
	case AnswerCodeInBody:
		code := cmp.Or(status, http.StatusUnauthorized)
		return jsonAnswer(http.StatusOK, map[string]any{"code": code, "description": http.StatusText(code)})
	case AnswerEmpty:
		return answer{status: cmp.Or(status, http.StatusOK)}
	case AnswerNull:
		return jsonAnswer(cmp.Or(status, http.StatusOK), nil)
	case AnswerWrongType:
		return jsonAnswer(cmp.Or(status, http.StatusOK), "maintenance")
	}
	return x.ofStatus(status)
}

// ofStatus is what the vendor, or the proxy in front of it, answers with a code.
func (x *exchange) ofStatus(status int) answer {
	switch {
	case status < http.StatusBadRequest || status == http.StatusUnauthorized:
		return answer{status: status}
	case status == http.StatusNotFound || status == http.StatusBadGateway || status == http.StatusGatewayTimeout:
		return htmlAnswer(status)
	case status == statusQuota:
		quota := map[string]any{"method": x.method, "used": 100, "total": 100, "status": false}
		return jsonAnswer(status, map[string]any{"invokeStatus": quota})
	case status == http.StatusBadRequest:
		return x.refusal(status, messageBadRequest)
	case status == statusClientClosed:
		return x.refusal(status, "Client Closed Request")
	}
	return x.refusal(status, cmp.Or(http.StatusText(status), "Error"))
}

func contentType(body string) string {
	body = strings.TrimSpace(body)
	switch {
	case strings.HasPrefix(body, "<"):
		return "text/html"
	case strings.HasPrefix(body, "{"), strings.HasPrefix(body, "["):
		return "application/json; charset=utf-8"
	}
	return "text/plain; charset=utf-8"
}

// cutOff announces the whole answer and closes the connection in its middle.
func cutOff(w http.ResponseWriter, out answer) {
	w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
	out.body = out.body[:len(out.body)/2]
	out.write(w)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// drip sends the answer byte by byte.
func (s *Server) drip(w http.ResponseWriter, x *exchange, out answer) {
	body := out.body
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	out.body = nil
	out.write(w)
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		if i < len(body)-1 {
			s.wait(x.request.Context(), x.fault.Drip)
		}
	}
}
