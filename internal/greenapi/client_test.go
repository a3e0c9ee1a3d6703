// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

const testToken = "c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44"

// dial returns the API of an instance behind a test server.
func dial(t *testing.T, handler http.HandlerFunc, change ...func(*Options, *Target)) *Instance {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	origin, err := ParseOrigin(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	options := Options{Timeout: time.Minute, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "test"}
	target := Target{Origin: origin, ID: 710700000001, Token: testToken, AccountMethod: MethodGetWaSettings}
	for _, f := range change {
		f(&options, &target)
	}
	instance, err := New(options).Instance(target)
	if err != nil {
		t.Fatal(err)
	}
	return instance
}

func answer(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func TestRequestsAreAsTheVendorDocumentsThem(t *testing.T) {
	var got []string
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body))
		_, _ = io.WriteString(w, `{"stateInstance":"authorized","saveSettings":true}`)
	}
	instance := dial(t, handler, func(_ *Options, target *Target) { target.Prefix = "/v3" })
	for _, call := range []func() error{
		func() error { _, err := instance.State(t.Context()); return err },
		func() error { _, err := instance.Settings(t.Context()); return err },
		func() error { _, err := instance.Account(t.Context()); return err },
		func() error {
			_, err := instance.SetSettings(t.Context(), map[string]any{"incomingWebhook": "yes", "delaySendMessagesMilliseconds": json.Number("500")}, NewPermit(time.Minute))
			return err
		},
	} {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	prefix := "/v3/waInstance710700000001/"
	want := []string{
		"GET " + prefix + "getStateInstance/" + testToken + " ",
		"GET " + prefix + "getSettings/" + testToken + " ",
		"GET " + prefix + "getWaSettings/" + testToken + " ",
		"POST " + prefix + "setSettings/" + testToken + ` {"delaySendMessagesMilliseconds":500,"incomingWebhook":"yes"}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("calls:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestR5StateIsReadLeniently(t *testing.T) {
	for body, want := range map[string]string{
		`{"stateInstance":"authorized"}`:          "authorized",
		`{"stateInstance":"somethingNew","x":{}}`: "somethingNew",
		` null `:                              "",
		`{"stateInstance":null}`:              "",
		`{"stateInstance":7}`:                 "7",
		`{"stateInstance":"a\u0000b\u202ec"}`: "abc",
		`{"stateInstance":"` + strings.Repeat("x", 100) + `"}`: strings.Repeat("x", 64),
	} {
		got, err := dial(t, answer(200, body)).State(t.Context())
		if err != nil || got != want {
			t.Errorf("State of %.60s = %q, %v; want %q", body, got, err, want)
		}
	}
}

func TestR5UnreadableAnswersAreNoAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"HTML": "<html><body>hello</body></html>", "empty": "", "spaces": "  \n", "truncated": `{"stateInstance":"auth`,
		"an array": `[1]`, "a string": `"authorized"`, "a flag as state": `{"stateInstance":true}`, "no state": `{}`,
		"trailing bytes": `{"stateInstance":"authorized"} x`, "too long": `{"stateInstance":"authorized","x":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		_, err := dial(t, answer(200, body)).State(t.Context())
		if _, ok := errors.AsType[*UnreadableError](err); !ok {
			t.Errorf("%s: %v (%T), want an UnreadableError", name, err, err)
		}
	}
}

func TestR5SettingsKeepTheirJSONType(t *testing.T) {
	body := `{"a":"yes","b":true,"c":5000,"d":5e3,"e":null,"f":{"x":1},"g":[1],"h":"1000","typeInstance":"whatsapp","i":1.5}`
	settings, err := dial(t, answer(200, body)).Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]jsonvalue.Value{
		"a": {Type: jsonvalue.String, Text: "yes"}, "b": {Type: jsonvalue.Bool, Text: "yes"}, "c": {Type: jsonvalue.Number, Text: "5000"}, "d": {Type: jsonvalue.Number, Text: "5000"}, "e": {Type: jsonvalue.Null},
		"f": {Type: jsonvalue.Other}, "g": {Type: jsonvalue.Other}, "h": {Type: jsonvalue.String, Text: "1000"}, "i": {Type: jsonvalue.Number, Text: "1.5"},
	} {
		if settings[name] != want {
			t.Errorf("%s = %+v, want %+v", name, settings[name], want)
		}
	}
	if settings.Messenger() != "whatsapp" {
		t.Errorf("Messenger() = %q", settings.Messenger())
	}
}

func TestR7AccountIsReadLeniently(t *testing.T) {
	body := `{"avatar":"https://x.example/a?sig=1","phone":79001234567,"stateInstance":"suspended","chatId":"10000000","yellowCardUntil":"1893456000","historySyncProgress":"55"}`
	account, err := dial(t, answer(200, body)).Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if account.Phone != "79001234567" || account.ChatID != "10000000" || account.State != "suspended" || *account.HistorySyncProgress != 55 {
		t.Errorf("account = %+v", account)
	}
	if account.SuspendedUntil == nil || account.SuspendedUntil.Year() != 2030 {
		t.Errorf("SuspendedUntil = %v, want 2030", account.SuspendedUntil)
	}
	for _, ignored := range []string{`0`, `"soon"`, `99999999999`, `-5`, `null`, `true`} {
		account, err := dial(t, answer(200, `{"suspendedUntil":`+ignored+`,"historySyncProgress":101,"phone":["x"]}`)).Account(t.Context())
		if err != nil || account.SuspendedUntil != nil || account.HistorySyncProgress != nil || account.Phone != "" {
			t.Errorf("suspendedUntil %s: %+v, %v; want none", ignored, account, err)
		}
	}
}

func TestR22FailuresHaveACause(t *testing.T) {
	vendor := func(message string) string {
		return `{"statusCode":400,"timestamp":"2026-01-01T00:00:00Z","path":"/waInstance1/getSettings/` + testToken + `","message":"` + message + `"}`
	}
	for _, test := range []struct {
		code int
		body string
		want Cause
	}{
		{401, "", CauseUnauthorized},
		{200, `{"code":401,"description":"Unauthorized"}`, CauseUnauthorized},
		{200, `{"statusCode":"404","message":"x"}`, CauseNotFound},
		{403, `{"message":"Forbidden"}`, CauseForbidden},
		{404, "<html>404 Not Found</html>", CauseNotFound},
		{404, `{"message":"x"}`, CauseNotFound},
		{429, "", CauseRateLimited},
		{466, `{"invokeStatus":{}}`, CauseQuota},
		{499, "", CauseUnavailable},
		{500, "", CauseUnavailable},
		{504, "<html>", CauseUnavailable},
		{408, "", CauseUnavailable},
		{409, "", CauseStarting},
		{423, "", CauseStarting},
		{425, "", CauseStarting},
		{402, "", CauseOther},
		{405, vendor("the instance is starting"), CauseStarting},
		{413, "", CauseOther},
		{422, vendor("Validation failed"), CauseRefused},
		{422, vendor("busy, try again later"), CauseStarting},
		{400, vendor("Validation failed. Details: name \"try later\""), CauseRefused},
		{400, vendor("instance in starting process try later"), CauseStarting},
		{400, vendor("instance is starting or not authorized"), CauseStarting},
		{400, vendor("instance account not authorized"), CauseNotAuthorized},
		{400, vendor("Instance account is expired. Renew your instance from personal area"), CauseExpired},
		{400, vendor("Instance is deleted"), CauseDeleted},
		{400, "Instance is deleted", CauseDeleted},
		{400, vendor("Validation failed. Details: webhookUrl is expired"), CauseRefused},
		{400, vendor("bad request data"), CauseRefused},
		{400, "", CauseRefused},
		{400, `{"error":"instance in starting process try later"}`, CauseStarting},
		{418, `{"statusCode":418,"error":"Busy","reason":"Try later"}`, CauseStarting},
		{400, `{"message":"no","path":"/waInstance1/setSettings/starting"}`, CauseRefused},
	} {
		_, err := dial(t, answer(test.code, test.body)).Settings(t.Context())
		status, ok := errors.AsType[*StatusError](err)
		if !ok || status.Cause != test.want {
			t.Errorf("%d %.60s: %v, want cause %s", test.code, test.body, err, test.want)
		}
	}
}

func TestRetryAfterIsReadAndBounded(t *testing.T) {
	for header, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "99999999": time.Hour, "-3": 0, "soon": 0} {
		_, err := dial(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusTooManyRequests)
		}).State(t.Context())
		if status, ok := errors.AsType[*StatusError](err); !ok || status.RetryAfter != want {
			t.Errorf("Retry-After %q: %+v, want %s", header, err, want)
		}
	}
}

func TestR14OnlyAYesIsAYes(t *testing.T) {
	for body, want := range map[string]bool{
		`{"saveSettings":true}`: true, `{"saveSettings":"yes"}`: true, `{"saveSettings":false}`: false, `{}`: false, `{"saveSettings":null}`: false, `{"saveSettings":1}`: false,
	} {
		saved, err := dial(t, answer(200, body)).SetSettings(t.Context(), map[string]any{"a": "b"}, NewPermit(time.Minute))
		if err != nil || saved != want {
			t.Errorf("%s: %v, %v; want %v", body, saved, err, want)
		}
	}
}

func TestR11WhatTookNoEffectIsKnown(t *testing.T) {
	set := func(handler http.HandlerFunc, permit Permit) error {
		_, err := dial(t, handler).SetSettings(t.Context(), map[string]any{"a": "b"}, permit)
		return err
	}
	good := NewPermit(time.Minute)
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"429":          {set(answer(429, ""), good), true},
		"401":          {set(answer(401, ""), good), true},
		"404":          {set(answer(404, "<html>"), good), true},
		"466":          {set(answer(466, ""), good), true},
		"starting":     {set(answer(400, `{"message":"instance in starting process try later"}`), good), true},
		"a redirect":   {set(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, good), true},
		"499":          {set(answer(499, ""), good), false},
		"500":          {set(answer(500, ""), good), false},
		"HTML":         {set(answer(200, "<html>"), good), false},
		"broken off":   {set(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, good), false},
		"too late":     {set(answer(200, `{"saveSettings":true}`), Permit{issued: time.Now().Add(-time.Hour), within: time.Minute}), true},
		"no listener":  {setTo(t, closedPort(t)), true},
		"unknown kind": {errors.New("x"), false},
	} {
		if test.err == nil {
			t.Errorf("%s: no error", name)
		} else if got := TookNoEffect(test.err); got != test.want {
			t.Errorf("%s: TookNoEffect(%v) = %v, want %v", name, test.err, got, test.want)
		}
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "http://" + listener.Addr().String()
}

func setTo(t *testing.T, raw string) error {
	t.Helper()
	origin, err := ParseOrigin(raw)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := New(Options{Timeout: time.Second, AllowedHosts: []string{"127.0.0.1"}, Insecure: true}).Instance(Target{Origin: origin, ID: 1, Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	_, err = instance.SetSettings(t.Context(), map[string]any{"a": "b"}, NewPermit(time.Minute))
	return err
}

// TestR10NothingLeavesAfterThePermit: a process that was held up between the intent and the call sends no byte of it.
func TestR10NothingLeavesAfterThePermit(t *testing.T) {
	var called atomic.Bool
	handler := func(http.ResponseWriter, *http.Request) { called.Store(true) }
	for name, permit := range map[string]Permit{
		"monotonic clock": {issued: time.Now().Add(-2 * time.Minute), within: time.Minute},
		// A machine that slept: only the wall clock went on.
		"wall clock": {issued: time.Now().Round(0).Add(-2 * time.Minute), within: time.Minute},
	} {
		if _, err := dial(t, handler).SetSettings(t.Context(), map[string]any{"a": "b"}, permit); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if called.Load() {
		t.Error("the call left")
	}
}

// TestR21ACallThatChangesSomethingIsNeverReplayed: the server ends kept connections, which net/http answers by sending a
// request once more.
func TestR21ACallThatChangesSomethingIsNeverReplayed(t *testing.T) {
	var calls atomic.Int32
	instance := dial(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, MethodSetSettings) {
			calls.Add(1)
			if r.ProtoMajor != 1 || !r.Close {
				t.Errorf("the call came over HTTP/%d, close %v; want a connection of its own", r.ProtoMajor, r.Close)
			}
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"stateInstance":"authorized"}`)
	})
	if _, err := instance.State(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := instance.SetSettings(t.Context(), map[string]any{"a": "b"}, NewPermit(time.Minute)); err == nil {
		t.Error("no error")
	}
	if calls.Load() != 1 {
		t.Errorf("the call arrived %d times", calls.Load())
	}
}

func TestTimeoutEndsACall(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	instance := dial(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}, func(o *Options, _ *Target) { o.Timeout = 50 * time.Millisecond })
	_, err := instance.State(t.Context())
	if transport, ok := errors.AsType[*TransportError](err); !ok || transport.What != "no answer in time" {
		t.Errorf("%v, want no answer in time", err)
	}
}

// TestR24ErrorsHoldNoSecret provokes every kind of error with a server that echoes the token, and looks for it.
func TestR24ErrorsHoldNoSecret(t *testing.T) {
	const webhookToken = "Bearer wh-5ecret-5ecret"
	echo := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			_, _ = fmt.Fprintf(w, `{"path":%q,"message":"no %s %s","description":%q}`, r.URL.Path, url.PathEscape(r.URL.Path), webhookToken, r.URL.Path)
		}
	}
	handlers := map[string]http.HandlerFunc{
		"html": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "<html>"+r.URL.Path) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere"+r.URL.Path, http.StatusFound)
		},
		"abort":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"malformed": malformed,
	}
	for _, code := range []int{200, 400, 401, 403, 404, 418, 429, 466, 499, 500, 502, 504} {
		handlers[fmt.Sprint(code)] = echo(code)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	watch := tokenWatch()
	watch.Add(webhookToken, testToken[4:12], testToken[32:], "5ecret-5")
	for name, handler := range handlers {
		instance := dial(t, handler, func(_ *Options, target *Target) { target.Conceal = []string{webhookToken} })
		for _, ctx := range []context.Context{t.Context(), canceled} {
			_, err1 := instance.State(ctx)
			_, err2 := instance.SetSettings(ctx, map[string]any{"webhookUrlToken": webhookToken}, NewPermit(time.Minute))
			for _, err := range []error{err1, err2} {
				if err == nil {
					continue
				}
				inJSON, _ := json.Marshal(err)
				text := fmt.Sprintf("%v %+v %#v %s %q %v", err, err, err, inJSON, fmt.Errorf("wrapped: %w", err), errors.Join(err, err))
				if found := watch.Search(text); found != "" {
					t.Errorf("%s: the error holds a secret: %s", name, found)
				}
			}
		}
	}
}

// malformed answers with bytes that are no HTTP and echo the request, which net/http quotes in its error.
func malformed(w http.ResponseWriter, r *http.Request) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	conn, buffer, err := hijacker.Hijack()
	if err != nil {
		return
	}
	_, _ = buffer.WriteString("HTTP/9 " + r.URL.Path + "\r\n\r\n")
	_ = buffer.Flush()
	_ = conn.Close()
}

func TestObserverSeesEveryCall(t *testing.T) {
	var seen []string
	instance := dial(t, answer(200, `{"code":401}`), func(o *Options, _ *Target) {
		o.Observer = func(method, code string, _ time.Duration) { seen = append(seen, method+" "+code) }
	})
	_, _ = instance.State(t.Context())
	if strings.Join(seen, ",") != "getStateInstance 401" {
		t.Errorf("seen %v", seen)
	}
}
