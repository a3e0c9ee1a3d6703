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

func TestFaultStatusesComeWithTheBodiesThatTheyHaveAtTheVendor(t *testing.T) {
	w := start(t, Options{})
	for status, body := range map[int]string{
		401: "", 404: "<html>", 502: "<html>", 504: "<html>", 403: `{"message":"Forbidden"`, 466: `{"invokeStatus"`, 499: `{"message"`,
		500: `{"message":"Internal Server Error"`, 400: `{"message":"bad request data"`, 429: `{"message"`, 204: "", 423: `{"message":"Locked"`,
	} {
		w.Fault(Fault{Status: status})
		got := w.get("getSettings")
		equal(t, "status", got.status, status)
		if !strings.HasPrefix(got.text, body) || body == "" && got.text != "" {
			t.Errorf("%d: got body %q, want %q…", status, got.text, body)
		}
	}
	equal(t, "afterwards", w.get("getSettings").status, 200)
}

func TestFaultAnswersByName(t *testing.T) {
	w := start(t, Options{})
	for _, c := range []struct {
		fault  Fault
		status int
		body   string
	}{
		{Fault{Answer: AnswerCodeInBody}, 200, `{"code":401,"description":"Unauthorized"}`},
		{Fault{Answer: AnswerCodeInBody, Status: 404}, 200, `{"code":404,"description":"Not Found"}`},
		{Fault{Answer: AnswerEmpty}, 200, ""},
		{Fault{Answer: AnswerEmpty, Status: 500}, 500, ""},
		{Fault{Answer: AnswerNull}, 200, "null"},
		{Fault{Answer: AnswerWrongType}, 200, `"maintenance"`},
		{Fault{Answer: AnswerTruncated}, 200, `{"stateInstance`},
		{Fault{Answer: AnswerTruncated, Status: 500}, 500, `{"stateInstance`},
		{Fault{Body: "<p>{method} of {id}</p>", Status: 503}, 503, "<p>getStateInstance of 7107000001</p>"},
		{Fault{Body: `{"stateInstance": 5}`}, 200, `{"stateInstance": 5}`},
	} {
		w.Fault(c.fault)
		got := w.get("getStateInstance")
		equal(t, "status", got.status, c.status)
		equal(t, "body", got.text, c.body)
	}
	w.Fault(Fault{Message: "Validation failed. Details: {token}"})
	equal(t, "message", w.message(w.get("getSettings"), 400), messageValidation+token)
	w.Fault(Fault{Message: "Forbidden", Status: 403})
	equal(t, "message", w.message(w.get("getSettings"), 403), "Forbidden")
}

func TestFaultBodiesHaveTheirContentTypes(t *testing.T) {
	for body, want := range map[string]string{"<html>": "text/html", " {}": "application/json; charset=utf-8", "[]": "application/json; charset=utf-8", "": "text/plain; charset=utf-8", "oops": "text/plain; charset=utf-8"} {
		equal(t, body, contentType(body), want)
	}
}

func TestFaultHugeIsTheTrueAnswerAndMoreThanOneMiB(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{Answer: AnswerHuge})
	got := w.get("getStateInstance")
	if len(got.text) <= 1<<20 {
		t.Errorf("got %d bytes, want more than 1 MiB", len(got.text))
	}
	equal(t, "stateInstance", w.object(got)["stateInstance"], StateAuthorized)
	w.Fault(Fault{Answer: AnswerHuge, Size: 3 << 20})
	equal(t, "size", len(w.get("getStateInstance").text), 3<<20)
}

func TestFaultRedirectsToTheGivenAddress(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{Location: "https://elsewhere.example{path}"})
	got := w.get("getSettings")
	equal(t, "status", got.status, 302)
	equal(t, "Location", got.header.Get("Location"), "https://elsewhere.example"+path("getSettings"))
	w.Fault(Fault{Location: "/x", Status: 307})
	equal(t, "status", w.get("getSettings").status, 307)
}

func TestFaultHeadersAreAddedToAnyAnswer(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{Status: 429, Header: map[string]string{"Retry-After": "30"}})
	equal(t, "Retry-After", w.get("getSettings").header.Get("Retry-After"), "30")
	w.Fault(Fault{Header: map[string]string{"X-Method": "{method}"}})
	got := w.get("getSettings")
	equal(t, "status", got.status, 200)
	equal(t, "X-Method", got.header.Get("X-Method"), "getSettings")
	w.Fault(Fault{Status: 204, Header: map[string]string{"X-Method": "{method}"}})
	equal(t, "X-Method", w.get("getSettings").header.Get("X-Method"), "getSettings")
}

func TestFaultsAreMetInOrderByTheCallsTheyAreFor(t *testing.T) {
	w := start(t, Options{}, Instance{}, Instance{ID: 2})
	w.Fault(Fault{ID: 2, Status: 500})
	w.Fault(Fault{Method: "getSettings", Times: 2, Status: 502})
	w.Fault(Fault{Method: "getSettings"})
	w.Fault(Fault{Method: "getSettings", Status: 504})
	for _, want := range []int{502, 502, 200, 504, 200} {
		equal(t, "getSettings", w.get("getSettings").status, want)
		equal(t, "getStateInstance", w.get("getStateInstance").status, 200)
	}
	equal(t, "the other instance", w.must(http.MethodGet, "/waInstance2/getSettings/"+token, nil).status, 500)
	equal(t, "left", len(w.Faults()), 0)
}

func TestFaultUntilClearedStays(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{Times: -1, Status: 503})
	for range 5 {
		equal(t, "status", w.get("getSettings").status, 503)
	}
	equal(t, "unknown instances too", w.must(http.MethodGet, "/waInstance9/getSettings/x", nil).status, 503)
	equal(t, "left", w.Faults()[0].Times, -1)
	w.ClearFaults()
	equal(t, "status", w.get("getSettings").status, 200)
}

func TestFaultIsNotMetByACallOverTheRateLimit(t *testing.T) {
	w := start(t, Options{RateInterval: time.Second})
	w.get("getSettings")
	w.Fault(Fault{Status: 502})
	equal(t, "status", w.get("getSettings").status, 429)
	w.clock.advance(time.Second)
	equal(t, "status", w.get("getSettings").status, 502)
}

func TestFaultBehaviorHoldsForItsCallOnly(t *testing.T) {
	w := start(t, Options{})
	w.Fault(Fault{Method: "setSettings", Behavior: &Behavior{NeverKept: []string{Everything}, RestartTime: time.Minute}})
	for _, want := range []any{"no", "yes"} {
		w.saved(map[string]any{"stateWebhook": "yes"})
		w.clock.advance(time.Hour)
		equal(t, "stateWebhook", w.setting("stateWebhook"), want)
	}
	w.Fault(Fault{Behavior: &Behavior{StateAfterReboot: StateBlocked}})
	w.get("reboot")
	w.clock.advance(time.Hour)
	equal(t, "state", w.state(), StateBlocked)
}

func TestFaultThatCannotBeIsRefused(t *testing.T) {
	w := start(t, Options{})
	for _, bad := range []Fault{
		{ID: -1}, {Method: "getSetings"}, {Answer: "explode"}, {Status: 100}, {Status: 600}, {Answer: AnswerNull, Body: "x"},
		{Body: "x", Message: "y"}, {Drop: true, Hang: true}, {DelayBefore: -1}, {DelayAfter: -1}, {Drip: -1}, {Size: -1},
		{Behavior: &Behavior{UnknownKeys: "explode"}},
	} {
		panics(t, "a bad fault", func() { w.Fault(bad) })
	}
}

func TestFaultInJSONHasDurationsAsTexts(t *testing.T) {
	want := Fault{ID: id, Method: "qr", Times: 3, Status: 502, DelayBefore: time.Second, DelayAfter: time.Minute, Drip: time.Millisecond,
		Behavior: &Behavior{RestartTime: time.Hour, ApplyDelay: time.Minute, NeverKept: []string{"*"}}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Fault
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	equal(t, "after a round trip", got, want)
	if !strings.Contains(string(text), `"delayBefore":"1s"`) {
		t.Errorf("got %s", text)
	}
}
