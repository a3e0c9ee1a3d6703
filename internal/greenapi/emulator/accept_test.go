// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"strings"
	"testing"
	"time"
)

func TestNewInstanceHasTheSettingsOfItsMessengerAllOff(t *testing.T) {
	for messenger, absent := range map[string][]string{
		WhatsApp: {"downloadUrlJpeg"},
		MAX:      {"keepOnlineStatus", "incomingCallWebhook", "autoTyping", "linkPreview", "deviceWebhook"},
		Telegram: {"downloadUrlJpeg", "incomingCallWebhook"},
	} {
		w := start(t, Options{}, Instance{Messenger: messenger})
		settings := w.object(w.get("getSettings"))
		equal(t, "typeInstance", settings["typeInstance"], messenger)
		equal(t, "delay", settings["delaySendMessagesMilliseconds"], 500)
		equal(t, "webhookUrl", settings["webhookUrl"], "")
		equal(t, "pollMessageWebhook", settings["pollMessageWebhook"], "no")
		for name, value := range settings {
			if value == "yes" {
				t.Errorf("%s: %s is on", messenger, name)
			}
		}
		for _, name := range absent {
			if _, ok := settings[name]; ok {
				t.Errorf("%s has %s", messenger, name)
			}
		}
	}
}

func TestUnknownSettingsAreIgnoredKeptOrRejected(t *testing.T) {
	w := start(t, Options{})
	w.saved(map[string]any{"brandNew": 3, "proxyInstance": "other", "wid": "1@c.us"})
	equal(t, "restarts", w.Restarts(id), 1)
	w.clock.advance(time.Hour)
	equal(t, "ignored", w.setting("brandNew"), nil)

	w.Update(id, func(in *Instance) { in.Behavior.UnknownKeys = UnknownKeep })
	w.saved(map[string]any{"brandNew": 3, "proxyInstance": "other"})
	if value, ok := w.object(w.get("getSettings"))["brandNew"]; ok {
		t.Errorf("during the restart brandNew is %v, want it absent", value)
	}
	w.clock.advance(time.Hour)
	equal(t, "kept", w.setting("brandNew"), 3)
	equal(t, "read-only", w.setting("proxyInstance"), "system proxy")
	equal(t, "an object", w.message(w.set(map[string]any{"other": map[string]any{}}), 400), messageValidation+`"other" must be a text, a number or a boolean`)

	w.Update(id, func(in *Instance) { in.Behavior.UnknownKeys = UnknownReject })
	for _, name := range []string{"another", "wid"} {
		equal(t, "rejected", w.message(w.set(map[string]any{"incomingWebhook": "yes", name: "x"}), 400), messageValidation+`"`+name+`" is not allowed`)
	}
	equal(t, "restarts", w.Restarts(id), 2)
}

func TestBadValuesAreRejectedWithoutARestart(t *testing.T) {
	w := start(t, Options{})
	w.Update(id, func(in *Instance) { in.Settings["odd"] = nil })
	for name, values := range map[string][]any{
		"incomingWebhook":               {true, "true", "YES", "", 1, nil},
		"webhookUrl":                    {5, "not a url", "ftp://a.example/", "https://", nil},
		"webhookUrlToken":               {5, nil},
		"delaySendMessagesMilliseconds": {499, 86_400_001, 1000.5, "soon", true, nil},
		"autoTyping":                    {-1, 11, "yes"},
		"odd":                           {nil, []any{"x"}},
	} {
		for _, value := range values {
			message := w.message(w.set(map[string]any{name: value}), 400)
			if !strings.HasPrefix(message, "Validation failed. Details: ") || !strings.Contains(message, name) {
				t.Errorf("%s = %v: got message %q", name, value, message)
			}
		}
	}
	for body, want := range map[string]string{
		``: messageValidation, `{}`: messageValidation, `null`: messageValidation, `[]`: messageBadRequest, `"x"`: messageBadRequest,
		`}oops`: "Unexpected token } in JSON",
	} {
		if message := w.message(w.set(body), 400); !strings.HasPrefix(message, want) {
			t.Errorf("body %s: got message %q", body, message)
		}
	}
	equal(t, "restarts", w.Restarts(id), 0)
}

func TestGoodValuesAreKeptInTheTypeThatTheInstanceShows(t *testing.T) {
	w := start(t, Options{})
	w.Update(id, func(in *Instance) {
		in.Settings["asNumber"], in.Settings["asBool"], in.Settings["asText"], in.Settings["asNull"] = 1, false, "red", nil
		in.Behavior.RestartTime = -1
	})
	for _, c := range []struct {
		name       string
		sent, kept any
	}{
		{"delaySendMessagesMilliseconds", "1000", 1000},
		{"delaySendMessagesMilliseconds", 86_400_000, 86_400_000},
		{"autoTyping", 10, 10},
		{"webhookUrl", "https://Shop.Example:443", "https://Shop.Example:443"},
		{"webhookUrl", "", ""},
		{"webhookUrlToken", "Bearer x", "Bearer x"},
		{"asNumber", 7, 7},
		{"asNumber", "8", 8},
		{"asBool", true, true},
		{"asBool", "no", false},
		{"asText", "blue", "blue"},
		{"asNull", 4, 4},
	} {
		w.saved(map[string]any{c.name: c.sent})
		equal(t, c.name, w.setting(c.name), c.kept)
	}
}

func TestMaxDelayIsTheGreatestDelay(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{MaxDelay: 600_000}})
	equal(t, "over", w.set(map[string]any{"delaySendMessagesMilliseconds": 600_001}).status, 400)
	equal(t, "just", w.set(map[string]any{"delaySendMessagesMilliseconds": 600_000}).status, 200)
}

func TestWebhookURLIsNormalizedWhereAsked(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{NormalizeWebhookURL: true, RestartTime: -1}})
	for sent, kept := range map[string]string{
		"https://Shop.Example:443":       "https://shop.example/",
		"http://Shop.Example:80/A?b=C":   "http://shop.example/A?b=C",
		"https://Shop.Example:8443/Hook": "https://shop.example:8443/Hook",
	} {
		w.saved(map[string]any{"webhookUrl": sent})
		equal(t, sent, w.setting("webhookUrl"), kept)
	}
}
