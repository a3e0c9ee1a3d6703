// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// named is an object with so many names, of which each is one of a few.
func named(names int) string {
	return `{"stateInstance":"authorized"` + strings.Repeat(`,"x":1`, names-1) + `}`
}

// TestR5AnAnswerWithTooManyNamesIsUnreadable, since each name costs many times its length. Names further inside do not count.
func TestR5AnAnswerWithTooManyNamesIsUnreadable(t *testing.T) {
	for body, want := range map[string]string{
		named(mostNames):                "",
		named(mostNames + 1):            "it has more than 512 names",
		string(manyKeys()):              "it has more than 512 names",
		`{"x":` + named(1000) + `}`:     "",
		`{"code":401,` + named(600)[1:]: "it has more than 512 names",
	} {
		_, err := answering(t, canned{code: 200, body: []byte(body)}).Settings(t.Context())
		got := ""
		if unreadable, ok := errors.AsType[*UnreadableError](err); ok {
			got = unreadable.What
		} else if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%.40s...: %q, want %q", body, got, want)
		}
	}
	// Many answers of such a kind cost no more than their bytes a few times; the race detector adds some.
	hostile := answering(t, canned{code: 200, body: manyKeys()})
	if used, most := allocated(func() { _, _ = hostile.Settings(t.Context()) }), uint64(12*maxBody); used > most {
		t.Errorf("reading 1 MiB of tiny keys allocates %d KiB, at most %d KiB are allowed", used>>10, most>>10)
	}
}

// TestLongAnswersTakeTurns: of long answers, as many are read at once as there is room for; a usual one never waits, and
// what an answer took is given back however its call ends.
func TestLongAnswersTakeTurns(t *testing.T) {
	long := `{"stateInstance":"authorized","x":"` + strings.Repeat("x", 10*usualBody) + `"}`
	statuses := `[` + strings.Repeat(`{"typeMessage":"imageMessage"},`, usualBody) + `{}]`
	var mu sync.Mutex
	body, code := "", 200
	instance := dial(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.WriteHeader(code)
		if strings.Contains(r.URL.Path, MethodGetIncomingStatuses) && body == long {
			_, _ = io.WriteString(w, statuses)
			return
		}
		_, _ = io.WriteString(w, body)
	})
	answers := func(with string, status int) {
		mu.Lock()
		defer mu.Unlock()
		body, code = with, status
	}
	room := newRoom(2 * maxBody)
	instance.client.room = room
	methods := calls(t.Context(), instance)

	if !room.left.TryAcquire(2 * maxBody) {
		t.Fatal("the room is not empty at first")
	}
	answers(`{"stateInstance":"authorized"}`, 200)
	if _, err := instance.State(t.Context()); err != nil {
		t.Errorf("a usual answer waits: %v", err)
	}
	answers(long, 200)
	for name, call := range map[string]func(context.Context) error{
		"an answer": func(ctx context.Context) error { _, err := instance.State(ctx); return err },
		"a list":    func(ctx context.Context) error { _, err := instance.IncomingStatuses(ctx, time.Hour); return err },
	} {
		hurried, cancel := WithTimeout(t.Context(), 50*time.Millisecond)
		err := call(hurried)
		cancel()
		if err == nil || !strings.HasSuffix(err.Error(), "too many other long answers were being read") {
			t.Errorf("%s: %v", name, err)
		}
	}
	room.left.Release(2 * maxBody)

	for _, answer := range []struct {
		body string
		code int
	}{{long, 200}, {long, 500}, {long, 400}, {long[:len(long)-1], 200}, {strings.Repeat(long, 10), 200}} {
		answers(answer.body, answer.code)
		for name, call := range methods {
			_ = call()
			if !room.left.TryAcquire(2 * maxBody) {
				t.Fatalf("%s, %d with %d bytes: the room is not given back", name, answer.code, len(answer.body))
			}
			room.left.Release(2 * maxBody)
		}
	}

	answers(long, 200)
	var running sync.WaitGroup
	failed := make(chan error, 20)
	for range cap(failed) {
		running.Go(func() {
			patient, cancel := WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := instance.Settings(patient)
			failed <- err
		})
	}
	running.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Errorf("one of many long answers: %v", err)
		}
	}
}

// TestAKeptTextKeepsNoAnswer: what is remembered of an answer must not hold all of it.
func TestAKeptTextKeepsNoAnswer(t *testing.T) {
	long := `{"stateInstance":"` + "dozing" + `","phone":"79001234567","x":"` + strings.Repeat("x", maxBody/2) + `"}`
	var kept []string
	instance := answering(t, canned{code: 200, body: []byte(long)})
	before := live()
	for range 40 {
		state, err := instance.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		account, err := instance.Account(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, state, account.Phone)
	}
	if grown := int64(live()) - int64(before); grown > 4<<20 {
		t.Errorf("%d texts such as %q keep %d MiB", len(kept), fmt.Sprint(kept[:2]), grown>>20)
	}
}

// TestOnlyReadsTakeAnotherTimeout, and an error says whether it was the time that was over.
func TestOnlyReadsTakeAnotherTimeout(t *testing.T) {
	hangs := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	usual := func(o *Options, _ *Target) { o.Timeout = time.Hour }
	timedOut := func(what string, err error) {
		t.Helper()
		if transport, ok := errors.AsType[*TransportError](err); !ok || !transport.TimedOut {
			t.Errorf("%s: %v is no time-out", what, err)
		}
	}
	reading, stop := WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	_, err := dial(t, hangs, usual).State(reading)
	timedOut("a shorter time", err)

	usual = func(o *Options, _ *Target) { o.Timeout = 20 * time.Millisecond }
	longer, done := WithTimeout(t.Context(), time.Hour)
	defer done()
	_, err = dial(t, hangs, usual).SetSettings(longer, map[string]any{"a": "b"}, NewPermit(time.Minute))
	timedOut("a write keeps its own time", err)
	_, err = dial(t, hangs, usual).Reboot(longer, NewPermit(time.Minute))
	timedOut("a reboot keeps its own time", err)

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = dial(t, hangs).State(canceled)
	if transport, ok := errors.AsType[*TransportError](err); !ok || transport.TimedOut {
		t.Errorf("a call that was canceled: %v is a time-out", err)
	}
}
