// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"
	"time"
)

func TestFaultReplacesTheAnswerBeforeOrAfterTheEffect(t *testing.T) {
	for _, fault := range []Fault{{Status: 504}, {Drop: true}, {Answer: AnswerEmpty}, {Location: "/elsewhere"}, {Message: "no"}, {Body: "no"}} {
		w := start(t, Options{})
		w.Fault(fault)
		_, _ = w.do(http.MethodPost, path("setSettings"), map[string]any{"stateWebhook": "yes"})
		equal(t, "restarts before the effect", w.Restarts(id), 0)
		equal(t, "record", w.Calls(id, "setSettings")[0].Effect, false)
		fault.AfterEffect = true
		w.Fault(fault)
		_, _ = w.do(http.MethodPost, path("setSettings"), map[string]any{"stateWebhook": "yes"})
		equal(t, "restarts after the effect", w.Restarts(id), 1)
		equal(t, "record", w.Calls(id, "setSettings")[1].Effect, true)
		equal(t, "marked", w.Calls(id, "setSettings")[1].Fault, true)
	}
}

func TestFaultTruncatedAndHugeComeAfterTheEffect(t *testing.T) {
	for _, answer := range []string{AnswerTruncated, AnswerHuge, AnswerCutOff} {
		w := start(t, Options{})
		w.Fault(Fault{Answer: answer})
		_, _ = w.do(http.MethodPost, path("setSettings"), map[string]any{"stateWebhook": "yes"})
		equal(t, answer, w.Restarts(id), 1)
	}
}

func TestFaultDropClosesTheConnectionWithoutAnAnswer(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{Method: "setSettings", Drop: true})
	if got, err := w.do(http.MethodPost, path("setSettings"), map[string]any{"stateWebhook": "yes"}); err == nil {
		t.Errorf("got %v, want a broken connection", got)
	}
	equal(t, "status in the record", w.Calls(id, "")[0].Status, 0)
	w.Fault(Fault{Drop: true})
	defer func() { equal(t, "what net/http is told", recover(), http.ErrAbortHandler) }()
	w.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path("getSettings"), http.NoBody))
}

func TestFaultCutOffBreaksTheAnswerInItsMiddle(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{Answer: AnswerCutOff})
	got, err := w.do(http.MethodGet, path("getStateInstance"), nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || got.text != `{"stateInstance` {
		t.Errorf("got %q and %v, want half of it and an unexpected end", got.text, err)
	}
}

func TestFaultHangNeverAnswersUntilTheCallerLeavesOrTheServerCloses(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{Hang: true, AfterEffect: true, Times: 2})
	hang := func(ctx context.Context, n int) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := w.doContext(ctx, http.MethodPost, path("setSettings"), map[string]any{"stateWebhook": "yes"})
			done <- err
		}()
		eventually(t, "the call takes effect", func() bool { return w.Restarts(id) == n })
		return done
	}
	ctx, leave := context.WithCancel(t.Context())
	first := hang(ctx, 1)
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	w.clock.advance(time.Hour)
	second := hang(t.Context(), 2)
	w.Close()
	if err := <-second; err == nil {
		t.Error("got an answer, want a broken connection")
	}
	for _, call := range w.Calls(id, "") {
		equal(t, "status", call.Status, 0)
	}
}

func TestFaultDelayBeforeHasNoEffectIfTheCallerLeavesMeanwhile(t *testing.T) {
	over := make(chan Call, 1)
	w := start(t, Options{OnCall: func(c Call) { over <- c }})
	w.Fault(Fault{DelayBefore: time.Hour})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		eventually(t, "the call arrives", func() bool { return len(w.Calls(id, "")) == 1 })
		leave()
	}()
	if _, err := w.doContext(ctx, http.MethodPost, path("setSettings"), map[string]any{"stateWebhook": "yes"}); err == nil {
		t.Error("got an answer")
	}
	call := <-over
	equal(t, "effect", call.Effect, false)
	equal(t, "status", call.Status, 0)
	equal(t, "restarts", w.Restarts(id), 0)
}

func TestFaultKeepWaitingLetsACallArriveAfterItsCallerHasLeft(t *testing.T) {
	over := make(chan Call, 1)
	w := start(t, Options{OnCall: func(c Call) { over <- c }})
	w.Fault(Fault{DelayBefore: 50 * time.Millisecond, KeepWaiting: true})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		eventually(t, "the call arrives", func() bool { return len(w.Calls(id, "")) == 1 })
		leave()
	}()
	if _, err := w.doContext(ctx, http.MethodPost, path("setSettings"), map[string]any{"stateWebhook": "yes"}); err == nil {
		t.Error("got an answer")
	}
	equal(t, "effect", (<-over).Effect, true)
	equal(t, "restarts", w.Restarts(id), 1)
}

func TestFaultDelayAfterComesBetweenTheEffectAndTheAnswer(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{DelayAfter: time.Hour})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		eventually(t, "the call takes effect", func() bool { return w.Restarts(id) == 1 })
		leave()
	}()
	if _, err := w.doContext(ctx, http.MethodPost, path("setSettings"), map[string]any{"stateWebhook": "yes"}); err == nil {
		t.Error("got an answer")
	}
}

func TestFaultDelaysEndInTheAnswer(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{DelayBefore: 10 * time.Millisecond, DelayAfter: 10 * time.Millisecond})
	began := time.Now()
	equal(t, "state", w.state(), StateAuthorized)
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("took %v, want 20ms at least", took)
	}
}

func TestFaultDripSendsTheAnswerByteByByte(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{Drip: time.Millisecond})
	var firstByte time.Time
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotFirstResponseByte: func() { firstByte = time.Now() }})
	got, err := w.doContext(ctx, http.MethodGet, path("getStateInstance"), nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "state", w.object(got)["stateInstance"], StateAuthorized)
	if took, least := time.Since(firstByte), time.Duration(len(got.text)-1)*time.Millisecond; took < least {
		t.Errorf("took %v, want %v at least", took, least)
	}
}
