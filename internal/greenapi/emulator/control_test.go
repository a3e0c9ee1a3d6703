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

// ask calls the control interface and expects a status; it returns the decoded answer.
func (w *world) ask(verb, path string, body any, status int) any {
	w.t.Helper()
	got := w.must(verb, "/emulator/"+path, body)
	if got.status != status {
		w.t.Fatalf("%s %s: got %d %s, want %d", verb, path, got.status, got.text, status)
	}
	value, valid := decodeBody([]byte(got.text))
	if !valid && status != http.StatusNoContent {
		w.t.Fatalf("%s %s: got %q, want JSON", verb, path, got.text)
	}
	return value
}

func TestControlSaysThatItIsHealthy(t *testing.T) {
	w := start(t, Options{})
	equal(t, "answer", w.ask("GET", "healthz", nil, 200), map[string]any{"status": "ok"})
}

func TestControlCreatesReplacesShowsAndRemovesInstances(t *testing.T) {
	w := start(t, Options{})
	wanted := map[string]any{"idInstance": 5, "apiTokenInstance": "x", "typeInstance": "v3", "behavior": map[string]any{"restartTime": "2m"}}
	created := w.ask("POST", "instances", wanted, 201).(map[string]any)
	equal(t, "state", created["stateInstance"], StateAuthorized)
	equal(t, "behavior", created["behavior"], map[string]any{"restartTime": "2m0s"})
	w.ask("POST", "instances", wanted, 409)
	equal(t, "instances", len(w.ask("GET", "instances", nil, 200).([]any)), 2)

	w.ask("PUT", "instances/5", map[string]any{"apiTokenInstance": "y", "stateInstance": "blocked"}, 200)
	in, _ := w.Get(5)
	equal(t, "token", in.Token, "y")
	equal(t, "messenger", in.Messenger, WhatsApp)
	equal(t, "shown state", w.ask("GET", "instances/5", nil, 200).(map[string]any)["stateInstance"], StateBlocked)

	w.ask("DELETE", "instances/5", nil, 204)
	w.ask("GET", "instances/5", nil, 404)
	w.ask("DELETE", "instances/5", nil, 404)
}

func TestControlPatchChangesWhatIsNamedOnly(t *testing.T) {
	w := start(t, Options{}, Instance{BetaEnabled: true, IncomingStatuses: []map[string]any{{"timestamp": 1, "a": 1}},
		Behavior: Behavior{RestartTime: time.Hour, ShowNew: true}})
	w.ask("PATCH", "instances/7107000001", `{"stateInstance": "blocked", "apiTokenInstance": "new", "expired": true, "behavior": {"applyDelay": "1m"},
		"settings": {"stateWebhook": "yes", "linkPreview": null}}`, 200)
	in, _ := w.Get(id)
	equal(t, "state", in.State, StateBlocked)
	equal(t, "token", in.Token, "new")
	equal(t, "expired", in.Expired, true)
	equal(t, "behavior", in.Behavior, Behavior{RestartTime: time.Hour, ApplyDelay: time.Minute, ShowNew: true})
	equal(t, "stateWebhook", in.Settings["stateWebhook"], "yes")
	equal(t, "incomingWebhook", in.Settings["incomingWebhook"], "no")
	equal(t, "statuses", len(in.IncomingStatuses), 1)
	if _, ok := in.Settings["linkPreview"]; ok {
		t.Error("linkPreview is there, want it removed")
	}
	w.ask("PATCH", "instances/7107000001", `{"incomingStatuses": [{"timestamp": 2}]}`, 200)
	in, _ = w.Get(id)
	equal(t, "statuses", in.IncomingStatuses, []map[string]any{{"timestamp": 2}})
	w.ask("PATCH", "instances/7107000001", `{"incomingStatuses": []}`, 200)
	in, _ = w.Get(id)
	equal(t, "statuses", len(in.IncomingStatuses), 0)
}

func TestControlEditsSettingsWithoutARestart(t *testing.T) {
	w := start(t, Options{})
	w.ask("POST", "instances/7107000001/edit", map[string]any{"stateWebhook": "yes", "linkPreview": nil}, 200)
	equal(t, "stateWebhook", w.setting("stateWebhook"), "yes")
	equal(t, "linkPreview", w.setting("linkPreview"), nil)
	equal(t, "restarts", w.Restarts(id), 0)
}

func TestControlSetsStatesAndSuspends(t *testing.T) {
	w := start(t, Options{})
	w.ask("POST", "instances/7107000001/state", map[string]any{"stateInstance": "starting", "for": "90s", "then": "notAuthorized"}, 200)
	equal(t, "state", w.state(), StateStarting)
	w.clock.advance(90 * time.Second)
	equal(t, "state", w.state(), StateNotAuthorized)
	w.ask("POST", "instances/7107000001/state", map[string]any{"stateInstance": "null"}, 200)
	equal(t, "body", w.get("getStateInstance").text, "null")
	w.ask("POST", "instances/7107000001/suspend", map[string]any{"for": "1h"}, 200)
	in, _ := w.Get(id)
	equal(t, "end", in.SuspendedUntil, w.clock.Now().Add(time.Hour).Unix())
	w.ask("POST", "instances/7107000001/suspend", map[string]any{"until": 4102444800}, 200)
	in, _ = w.Get(id)
	equal(t, "end", in.SuspendedUntil, int64(4102444800))
	w.ask("POST", "instances/7107000001/suspend", "{}", 200)
	in, _ = w.Get(id)
	equal(t, "end", in.SuspendedUntil, int64(0))
	equal(t, "state", in.State, StateSuspended)
}

func TestControlScriptsAndClearsFaults(t *testing.T) {
	w := start(t, Options{})
	w.ask("POST", "faults", `{"method": "getSettings", "status": 502}`, 201)
	list := w.ask("POST", "faults", `[{"status": 504}, {"answer": "empty", "times": -1, "delayBefore": "1ms"}]`, 201).([]any)
	equal(t, "faults", len(list), 3)
	equal(t, "the last", list[2], map[string]any{"answer": "empty", "times": -1, "delayBefore": "1ms"})
	equal(t, "first call", w.get("getSettings").status, 502)
	equal(t, "second call", w.get("getSettings").status, 504)
	equal(t, "left", len(w.ask("GET", "faults", nil, 200).([]any)), 1)
	w.ask("DELETE", "faults", nil, 204)
	equal(t, "third call", w.object(w.get("getSettings"))["typeInstance"], WhatsApp)
	w.ask("POST", "faults", `[{"status": 502}, {"status": 1}]`, 400)
	equal(t, "nothing of a bad list", len(w.Faults()), 0)
}

func TestControlShowsAndForgetsCallsButNotItsOwn(t *testing.T) {
	w := start(t, Options{})
	w.get("getSettings")
	w.get("qr")
	w.get("qr")
	for query, want := range map[string]int{"": 3, "?id=7107000001": 3, "?id=1": 0, "?method=qr": 2, "?id=7107000001&method=qr&since=2": 1, "?since=3": 0} {
		equal(t, query, len(w.ask("GET", "calls"+query, nil, 200).([]any)), want)
	}
	first := w.ask("GET", "calls", nil, 200).([]any)[0].(map[string]any)
	equal(t, "method", first["method"], "getSettings")
	equal(t, "tokenOK", first["tokenOK"], true)
	if text := w.must("GET", "/emulator/calls", nil).text; strings.Contains(text, token) {
		t.Errorf("the calls show the token: %s", text)
	}
	w.ask("DELETE", "calls", nil, 204)
	equal(t, "calls", len(w.ask("GET", "calls", nil, 200).([]any)), 0)
}

func TestControlRefusesBadInputAndSaysWhatToSend(t *testing.T) {
	w := start(t, Options{})
	for _, c := range []struct {
		verb, path string
		body       any
		status     int
		says       string
	}{
		{"GET", "nonsense", nil, 404, "GET /emulator/instances"},
		{"DELETE", "healthz", nil, 405, "GET /emulator/healthz"},
		{"POST", "calls", nil, 405, "DELETE /emulator/calls"},
		{"GET", "instances/abc", nil, 400, "want a positive integer"},
		{"GET", "instances/0", nil, 400, "want a positive integer"},
		{"GET", "instances/404", nil, 404, "there is no instance 404"},
		{"POST", "instances", "", 400, "there is nothing"},
		{"POST", "instances", "{", 400, "send for example"},
		{"POST", "instances", `{"id": 5}`, 400, `"id"`},
		{"POST", "instances", `{"idInstance": "5"}`, 400, "send for example"},
		{"POST", "instances", `{"idInstance": 5}`, 400, "apiTokenInstance must not be empty"},
		{"POST", "instances", `{"idInstance": 5, "apiTokenInstance": "x"} {}`, 400, "there is more"},
		{"POST", "instances", `{"idInstance": 5, "apiTokenInstance": "x", "typeInstance": "max"}`, 400, `"v3" (for MAX)`},
		{"POST", "instances", `{"idInstance": 5, "apiTokenInstance": "x", "behavior": {"restartTime": 5}}`, 400, "restartTime"},
		{"POST", "instances", `{"idInstance": 5, "apiTokenInstance": "x", "behavior": {"restartTime": "soon"}}`, 400, "90s"},
		{"PUT", "instances/5", `{"idInstance": 6, "apiTokenInstance": "x"}`, 400, "not that of the path"},
		{"PUT", "instances/x", `{}`, 400, "want a positive integer"},
		{"PATCH", "instances/7107000001", `{"idInstance": 6}`, 400, "cannot be changed"},
		{"PATCH", "instances/7107000001", `{"explode": 6}`, 400, "explode"},
		{"PATCH", "instances/7107000001", `{"apiTokenInstance": ""}`, 400, "must not be empty"},
		{"PATCH", "instances/404", `{}`, 404, "there is no instance 404"},
		{"POST", "instances/7107000001/edit", `{}`, 400, "there are no settings"},
		{"POST", "instances/7107000001/edit", `[]`, 400, "incomingWebhook"},
		{"POST", "instances/404/edit", `{"a": 1}`, 404, "there is no instance 404"},
		{"POST", "instances/7107000001/state", `{}`, 400, "stateInstance is missing"},
		{"POST", "instances/7107000001/state", `{"stateInstance": "blocked", "for": "5m"}`, 400, "go together"},
		{"POST", "instances/7107000001/state", `{"stateInstance": "blocked", "then": "authorized"}`, 400, "go together"},
		{"POST", "instances/7107000001/state", `{"stateInstance": "blocked", "for": "-5m", "then": "authorized"}`, 400, "positive"},
		{"POST", "instances/7107000001/state", `{"state": "blocked"}`, 400, "stateInstance"},
		{"POST", "instances/7107000001/suspend", `{"for": "5m", "until": 5}`, 400, "one of until and for"},
		{"POST", "instances/7107000001/suspend", `{"until": "tomorrow"}`, 400, "unix seconds"},
		{"POST", "faults", `{"methods": "qr"}`, 400, `"method"`},
		{"POST", "faults", `{"method": "qrcode"}`, 400, "getIncomingStatuses"},
		{"POST", "faults", `{"answer": "explode"}`, 400, "wrongType"},
		{"POST", "faults", `{"delayBefore": 5}`, 400, "send for example"},
		{"GET", "calls?idInstance=5", nil, 400, "want id, method, since"},
		{"GET", "calls?id=abc", nil, 400, "positive integer"},
		{"GET", "calls?since=-1", nil, 400, "positive integer"},
	} {
		answer, _ := w.ask(c.verb, c.path, c.body, c.status).(map[string]any)
		if text, _ := answer["error"].(string); !strings.Contains(text, c.says) {
			t.Errorf("%s %s %v: got error %q, want %q in it", c.verb, c.path, c.body, text, c.says)
		}
	}
	equal(t, "instances", len(w.Instances()), 1)
	equal(t, "faults", len(w.Faults()), 0)
	equal(t, "Allow", w.must("PUT", "/emulator/calls", nil).header.Values("Allow"), []string{"GET", "DELETE"})
}

func TestControlShowsAnInstanceThatCanBeSentBack(t *testing.T) {
	w := start(t, Options{}, Instance{Messenger: MAX, Behavior: Behavior{ApplyDelay: time.Minute}})
	want, _ := w.Get(id)
	text := w.must("GET", "/emulator/instances/7107000001", nil).text
	w.Remove(id)
	w.ask("PUT", "instances/7107000001", text, 200)
	got, _ := w.Get(id)
	equal(t, "after a round trip", got, want)
	if !json.Valid([]byte(text)) {
		t.Error("not JSON")
	}
}
