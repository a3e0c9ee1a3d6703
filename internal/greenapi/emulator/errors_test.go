// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWrongTokenIs401WithAnEmptyBody(t *testing.T) {
	w := start(t, Options{})
	for _, wrong := range []string{"other", "", token + "x"} {
		got := w.must(http.MethodGet, "/waInstance7107000001/getSettings/"+wrong, nil)
		equal(t, "status", got.status, 401)
		equal(t, "body", got.text, "")
	}
	w.RotateToken(id, "new one/ü")
	equal(t, "old token", w.get("getSettings").status, 401)
	equal(t, "new token, escaped", w.must(http.MethodGet, "/waInstance7107000001/getSettings/new%20one%2F%C3%BC", nil).status, 200)
}

func TestUnknownInstanceIs404AsAnHTMLPage(t *testing.T) {
	w := start(t, Options{})
	check := func(path string) {
		t.Helper()
		got := w.must(http.MethodGet, path, nil)
		equal(t, "status", got.status, 404)
		equal(t, "content type", got.header.Get("Content-Type"), "text/html")
		if !strings.HasPrefix(got.text, "<html>") || !strings.Contains(got.text, "nginx") {
			t.Errorf("%s: got %q, want a page of the proxy", path, got.text)
		}
	}
	for _, path := range []string{"/", "/waInstance1/getSettings/" + token, "/waInstanceX/getSettings/" + token, "/v3", "/waInstance7107000001/getSettings"} {
		check(path)
	}
	w.Remove(id)
	check(path("getSettings"))
}

func TestWrongVerbOrMethodIs404AndOptionsIs204(t *testing.T) {
	w := start(t, Options{})
	for method, verb := range map[string]string{
		"setSettings": "GET", "getSettings": "POST", "getStateInstance": "PUT", "reboot": "POST", "logout": "POST", "nonsense": "GET",
	} {
		equal(t, verb+" "+method, w.must(verb, path(method), "{}").status, 404)
	}
	equal(t, "OPTIONS", w.must(http.MethodOptions, path("setSettings"), nil).status, 204)
	equal(t, "restarts", w.Restarts(id), 0)
}

func TestEveryMethodAnswersWithAndWithoutV3(t *testing.T) {
	w := start(t, Options{}, Instance{Messenger: MAX, BetaEnabled: true})
	for _, method := range []string{"getStateInstance", "getSettings", "getAccountSettings", "qr", "getIncomingStatuses", "reboot", "logout"} {
		for _, prefix := range []string{"", "/v3"} {
			equal(t, prefix+path(method), w.must(http.MethodGet, prefix+path(method), nil).status, 200)
		}
	}
	equal(t, "setSettings", w.must(http.MethodPost, path("setSettings"), map[string]any{"stateWebhook": "yes"}).status, 200)
	w.clock.advance(time.Hour)
	equal(t, "setSettings", w.must(http.MethodPost, "/v3"+path("setSettings"), map[string]any{"stateWebhook": "yes"}).status, 200)
}

func TestExpiredAndDeletedAnswer400WithTheVendorsTexts(t *testing.T) {
	w := start(t, Options{})
	for _, c := range []struct {
		want   string
		change func(*Instance)
	}{
		{"Instance account is expired. Renew your instance from personal area", func(in *Instance) { in.Expired = true }},
		{"Instance is deleted", func(in *Instance) { in.Deleted = true }},
	} {
		w.Update(id, c.change)
		for _, method := range []string{"getStateInstance", "getSettings", "getWaSettings", "reboot"} {
			equal(t, method, w.message(w.get(method), 400), c.want)
		}
		equal(t, "setSettings", w.message(w.set(map[string]any{"stateWebhook": "yes"}), 400), c.want)
	}
	equal(t, "restarts", w.Restarts(id), 0)
}

func TestErrorBodyHasTheTokenInItsPathAndOnRequestInItsMessage(t *testing.T) {
	w := start(t, Options{}, Instance{Expired: true})
	read := func(path string) (body struct{ Path, Message string }) {
		if err := json.Unmarshal([]byte(w.must(http.MethodGet, path, nil).text), &body); err != nil {
			t.Fatal(err)
		}
		return body
	}
	plain := read(path("getSettings"))
	equal(t, "path", plain.Path, "/waInstance7107000001/getSettings/"+token)
	equal(t, "path", read("/v3"+path("getSettings")).Path, "/v3/waInstance7107000001/getSettings/"+token)
	if strings.Contains(plain.Message, token) {
		t.Errorf("message %q holds the token unasked", plain.Message)
	}
	w.Update(id, func(in *Instance) { in.Behavior.EchoToken = true })
	if message := read(path("getSettings")).Message; !strings.Contains(message, token) {
		t.Errorf("message %q does not hold the token", message)
	}
}

func TestRateLimitIsACallASecondPerInstanceAndMethod(t *testing.T) {
	w := start(t, Options{RateInterval: time.Second}, Instance{}, Instance{ID: 2})
	equal(t, "first", w.get("getSettings").status, 200)
	equal(t, "message", w.message(w.get("getSettings"), 429), "Too Many Requests")
	equal(t, "header", w.get("getSettings").header.Get("Retry-After"), "")
	equal(t, "another method", w.get("getStateInstance").status, 200)
	equal(t, "another instance", w.must(http.MethodGet, "/waInstance2/getSettings/"+token, nil).status, 200)
	w.clock.advance(time.Second - 1)
	equal(t, "too early", w.must(http.MethodGet, "/v3"+path("getSettings"), nil).status, 429)
	w.clock.advance(1)
	equal(t, "after a second from the call that was let through", w.get("getSettings").status, 200)
}

func TestRateLimitOfQRIsThreeASecond(t *testing.T) {
	w := start(t, Options{RateInterval: 3 * time.Second})
	equal(t, "first", w.get("qr").status, 200)
	w.clock.advance(time.Second - 1)
	equal(t, "too early", w.get("qr").status, 429)
	w.clock.advance(1)
	equal(t, "in time", w.get("qr").status, 200)
}

func TestRateLimitHasADefaultAndCanBeSwitchedOff(t *testing.T) {
	equal(t, "default", New(Options{}).options.RateInterval, time.Second)
	w := start(t, Options{RateInterval: -1})
	for range 3 {
		equal(t, "status", w.get("getSettings").status, 200)
	}
}

func TestRateLimitRefusesWithoutEffectAndSaysRetryAfterOnRequest(t *testing.T) {
	w := start(t, Options{RateInterval: time.Second, RetryAfter: 7 * time.Second}, Instance{Behavior: Behavior{RestartTime: -1}})
	w.saved(map[string]any{"stateWebhook": "yes"})
	refused := w.set(map[string]any{"stateWebhook": "no"})
	equal(t, "status", refused.status, 429)
	equal(t, "Retry-After", refused.header.Get("Retry-After"), "7")
	equal(t, "stateWebhook", w.setting("stateWebhook"), "yes")
	equal(t, "restarts", w.Restarts(id), 1)
}

func TestRateLimitDoesNotCountWrongTokensAndVerbs(t *testing.T) {
	w := start(t, Options{RateInterval: time.Second})
	for range 2 {
		equal(t, "wrong token", w.must(http.MethodGet, "/waInstance7107000001/getSettings/wrong", nil).status, 401)
		equal(t, "wrong verb", w.must(http.MethodPost, path("getSettings"), nil).status, 404)
	}
	equal(t, "right", w.get("getSettings").status, 200)
}
