// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"
)

const (
	id    = int64(7107000001)
	token = "d75b3a66374942c5b3c019c698abc2067e151558acbd451234"
)

// clock is a time that only moves when a test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is an emulator behind a real HTTP server, with a clock.
type world struct {
	*Server
	t     *testing.T
	clock *clock
	url   string
	http  *http.Client
}

// start runs an emulator without a rate limit, unless the options say otherwise.
func start(t *testing.T, options Options, instances ...Instance) *world {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	options.Now = c.Now
	if options.RateInterval == 0 {
		options.RateInterval = -1
	}
	vendor := New(options)
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	t.Cleanup(vendor.Close)
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w := &world{Server: vendor, t: t, clock: c, url: server.URL, http: client}
	if len(instances) == 0 {
		instances = []Instance{{}}
	}
	for _, in := range instances {
		if in.ID == 0 {
			in.ID = id
		}
		if in.Token == "" {
			in.Token = token
		}
		vendor.Add(in)
	}
	return w
}

// reply is what a caller gets.
type reply struct {
	status int
	header http.Header
	text   string
}

// do makes any request; body is sent as JSON unless it is a string or nil.
func (w *world) do(verb, path string, body any) (reply, error) {
	return w.doContext(w.t.Context(), verb, path, body)
}

func (w *world) doContext(ctx context.Context, verb, path string, body any) (reply, error) {
	var content []byte
	switch b := body.(type) {
	case nil:
	case string:
		content = []byte(b)
	default:
		var err error
		if content, err = json.Marshal(b); err != nil {
			w.t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, verb, w.url+path, bytes.NewReader(content))
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := w.http.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(text)}, err
}

// must makes a request that has to be answered.
func (w *world) must(verb, path string, body any) reply {
	w.t.Helper()
	got, err := w.do(verb, path, body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", verb, path, err)
	}
	return got
}

func path(method string) string { return fmt.Sprintf("/waInstance%d/%s/%s", id, method, token) }

// get calls a method of the instance.
func (w *world) get(method string) reply {
	w.t.Helper()
	return w.must(http.MethodGet, path(method), nil)
}

// set calls setSettings of the instance.
func (w *world) set(body any) reply {
	w.t.Helper()
	return w.must(http.MethodPost, path("setSettings"), body)
}

// object reads an answer that has to be 200 with a JSON object.
func (w *world) object(r reply) map[string]any {
	w.t.Helper()
	var value map[string]any
	if r.status != http.StatusOK || json.Unmarshal([]byte(r.text), &value) != nil {
		w.t.Fatalf("got %d %q, want 200 with an object", r.status, r.text)
	}
	return copied(value)
}

func (w *world) state() any {
	w.t.Helper()
	return w.object(w.get("getStateInstance"))["stateInstance"]
}

func (w *world) setting(name string) any {
	w.t.Helper()
	return w.object(w.get("getSettings"))[name]
}

// saved changes settings and expects a yes.
func (w *world) saved(body any) {
	w.t.Helper()
	equal(w.t, "the answer of setSettings", w.object(w.set(body)), map[string]any{"saveSettings": true})
}

// message returns the message of an error body and checks the rest of it.
func (w *world) message(r reply, status int) string {
	w.t.Helper()
	var body struct {
		StatusCode               int
		Timestamp, Path, Message string
	}
	if err := json.Unmarshal([]byte(r.text), &body); err != nil || r.status != status || body.StatusCode != status {
		w.t.Fatalf("got %d %q, want the vendor's error body with %d", r.status, r.text, status)
	}
	if at, err := time.Parse("2006-01-02T15:04:05.000Z", body.Timestamp); err != nil || !at.Equal(w.clock.Now()) {
		w.t.Errorf("timestamp %q, want %v", body.Timestamp, w.clock.Now())
	}
	return body.Message
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("never came true: " + what)
		case <-tick.C:
		}
	}
}

func panics(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: want a panic", what)
		}
	}()
	f()
}
