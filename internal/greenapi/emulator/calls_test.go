// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCallsRecordWhatArrivedAndWhatWasAnswered(t *testing.T) {
	w := start(t, Options{})
	began := w.clock.Now()
	w.must(http.MethodPost, "/v3"+path("setSettings"), map[string]any{"stateWebhook": "yes", "delaySendMessagesMilliseconds": 5000})
	w.clock.advance(time.Second)
	w.must(http.MethodGet, "/waInstance7107000001/getIncomingStatuses/wrong?minutes=5", nil)
	w.must(http.MethodPut, "/waInstance5/updateApiToken/x", "not JSON")
	calls := w.Calls(0, "")
	for i := range calls {
		if calls[i].Connection == "" {
			t.Error("there is no connection")
		}
		calls[i].Connection = ""
	}
	equal(t, "calls", calls, []Call{
		{Seq: 1, Time: began, ID: id, Method: "setSettings", Verb: "POST", V3: true, TokenOK: true, State: StateAuthorized, Status: 200, Effect: true,
			Body: map[string]any{"stateWebhook": "yes", "delaySendMessagesMilliseconds": 5000}},
		{Seq: 2, Time: began.Add(time.Second), ID: id, Method: "getIncomingStatuses", Verb: "GET", Query: "minutes=5", State: StateStarting, Status: 401},
		{Seq: 3, Time: began.Add(time.Second), ID: 5, Method: "updateApiToken", Verb: "PUT", Status: 404, Body: "not JSON"},
	})
}

func TestCallsAreFilteredByInstanceAndMethod(t *testing.T) {
	w := start(t, Options{}, Instance{ID: 1}, Instance{ID: 2})
	for _, path := range []string{"/waInstance1/getSettings/", "/waInstance1/qr/", "/waInstance2/qr/"} {
		w.must(http.MethodGet, path+token, nil)
	}
	for _, c := range []struct {
		id     int64
		method string
		want   int
	}{{0, "", 3}, {1, "", 2}, {0, "qr", 2}, {1, "qr", 1}, {3, "", 0}, {2, "getSettings", 0}} {
		equal(t, fmt.Sprint(c), len(w.Calls(c.id, c.method)), c.want)
	}
}

func TestCallsKeepTheTokenOnlyWhenAsked(t *testing.T) {
	for _, record := range []bool{false, true} {
		w := start(t, Options{RecordTokens: record})
		w.get("getSettings")
		equal(t, "token", w.Calls(0, "")[0].Token, map[bool]string{true: token}[record])
	}
}

func TestCallsAreCopies(t *testing.T) {
	w := start(t, Options{})
	w.saved(map[string]any{"stateWebhook": "yes"})
	w.Calls(0, "")[0].Body.(map[string]any)["stateWebhook"] = "changed"
	equal(t, "body", w.Calls(0, "")[0].Body, map[string]any{"stateWebhook": "yes"})
}

func TestCallsAreForgottenOnResetWhileNumbersGoOn(t *testing.T) {
	w := start(t, Options{})
	w.get("getSettings")
	w.ResetCalls()
	equal(t, "calls", len(w.Calls(0, "")), 0)
	w.get("getSettings")
	equal(t, "seq", w.Calls(0, "")[0].Seq, 2)
}

func TestCallsBeyondTheLimitAreForgottenOldestFirst(t *testing.T) {
	w := start(t, Options{CallLimit: 3})
	for range 10 {
		w.get("getSettings")
	}
	seqs := []int{}
	for _, call := range w.Calls(0, "") {
		seqs = append(seqs, call.Seq)
	}
	equal(t, "seqs", seqs, []int{8, 9, 10})
	equal(t, "default", New(Options{}).options.CallLimit, DefaultCallLimit)
}

// checkingWriter looks at the record when the answer is about to be sent.
type checkingWriter struct {
	*httptest.ResponseRecorder
	check func()
}

func (w checkingWriter) WriteHeader(status int) {
	w.check()
	w.ResponseRecorder.WriteHeader(status)
}

func TestCallsAreCompleteBeforeTheCallerHasTheAnswer(t *testing.T) {
	w := start(t, Options{})
	checked := 0
	writer := checkingWriter{httptest.NewRecorder(), func() {
		checked++
		equal(t, "status", w.Calls(0, "")[checked-1].Status, 200)
	}}
	for _, fault := range []Fault{{}, {Answer: AnswerEmpty}, {Drip: 1}} {
		w.Fault(fault)
		w.ServeHTTP(writer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path("getSettings"), http.NoBody))
	}
	w.ServeHTTP(writer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path("getSettings"), http.NoBody))
	equal(t, "answers", checked, 4)
}

func TestCallsOverOneAndSeveralConnectionsCanBeTold(t *testing.T) {
	w := start(t, Options{})
	w.get("getSettings")
	w.http.CloseIdleConnections()
	w.get("getSettings")
	w.get("getSettings")
	calls := w.Calls(0, "")
	if calls[0].Connection == calls[1].Connection || calls[1].Connection != calls[2].Connection {
		t.Errorf("got %q, %q and %q, want a new one and then the same", calls[0].Connection, calls[1].Connection, calls[2].Connection)
	}
}

func TestOnCallIsToldOfEveryCallOnceItIsOver(t *testing.T) {
	told := make(chan Call, 10)
	w := start(t, Options{OnCall: func(c Call) { told <- c }})
	w.get("getSettings")
	w.must(http.MethodGet, "/nonsense", nil)
	w.must(http.MethodGet, "/emulator/healthz", nil)
	w.Fault(Fault{Drop: true})
	_, _ = w.do(http.MethodPost, path("setSettings"), "{}")
	for _, want := range []int{200, 404, 0} {
		equal(t, "status", (<-told).Status, want)
	}
	equal(t, "more", len(told), 0)
}

func TestOversizedRequestIsRefused(t *testing.T) {
	w := start(t, Options{})
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path("setSettings"), strings.NewReader(strings.Repeat(" ", maxRequest+1)))
	w.ServeHTTP(recorder, request)
	equal(t, "status", recorder.Code, http.StatusRequestEntityTooLarge)
	equal(t, "status in the record", w.Calls(id, "")[0].Status, http.StatusRequestEntityTooLarge)
}

func TestServerBearsManyCallersAtOnce(t *testing.T) {
	w := start(t, Options{RestartTime: -1}, Instance{ID: 1}, Instance{ID: 2})
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			in := int64(i%2 + 1)
			for n := range 10 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				w.Fault(Fault{Method: "qr"})
				_, _ = w.doContext(ctx, http.MethodPost, fmt.Sprintf("/waInstance%d/setSettings/%s", in, token), map[string]any{"stateWebhook": "yes"})
				_, _ = w.doContext(ctx, http.MethodGet, fmt.Sprintf("/waInstance%d/getSettings/%s", in, token), nil)
				_, _ = w.doContext(ctx, http.MethodGet, "/emulator/calls", nil)
				w.Edit(in, map[string]any{"incomingWebhook": "yes"})
				w.Update(in, func(in *Instance) { in.Phone = fmt.Sprint(n) })
				w.Suspend(in, w.clock.Now())
				w.Get(in)
				w.clock.advance(time.Second)
				cancel()
			}
		})
	}
	wait.Wait()
	equal(t, "restarts", w.Restarts(1)+w.Restarts(2), 80)
	equal(t, "calls", len(w.Calls(0, "")), 160)
}
