// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestAccountMethodShowsTheAccountOfEachMessenger(t *testing.T) {
	w := start(t, Options{},
		Instance{ID: 1, Phone: "79001234567", Avatar: "https://a.example/1", ChatID: "ignored"},
		Instance{ID: 2, Messenger: MAX, Phone: "79991234567", Avatar: "https://a.example/2", ChatID: "10000000"},
		Instance{ID: 3, Messenger: Telegram, Phone: "79991234568", Avatar: "https://a.example/3", ChatID: "10000001"})
	for _, c := range []struct {
		id     int64
		method string
		want   map[string]any
	}{
		{1, "getWaSettings", map[string]any{"avatar": "https://a.example/1", "phone": "79001234567", "stateInstance": "authorized",
			"deviceId": "79001234567:8@s.whatsapp.net", "logoutProcess": false}},
		{2, "getAccountSettings", map[string]any{"avatar": "https://a.example/2", "phone": "79991234567", "stateInstance": "authorized",
			"chatId": "10000000", "historySyncProgress": 100}},
		{3, "getAccountSettings", map[string]any{"avatar": "https://a.example/3", "phone": "79991234568", "stateInstance": "authorized",
			"chatId": "10000001"}},
	} {
		equal(t, c.method, w.object(w.must(http.MethodGet, fmt.Sprintf("/waInstance%d/%s/%s", c.id, c.method, token), nil)), c.want)
	}
	for path, method := range map[string]string{"/waInstance1": "getAccountSettings", "/waInstance2": "getWaSettings", "/waInstance3": "getWaSettings"} {
		equal(t, "the other messenger's method", w.must(http.MethodGet, path+"/"+method+"/"+token, nil).status, 404)
	}
}

func TestAccountIsEmptyWhileNotAuthorizedBlockedOrStarting(t *testing.T) {
	w := start(t, Options{})
	for _, state := range []string{StateNotAuthorized, StateBlocked, StateStarting} {
		w.SetState(id, state)
		equal(t, state, w.object(w.get("getWaSettings")),
			map[string]any{"avatar": "", "phone": "", "stateInstance": state, "deviceId": "", "logoutProcess": false})
	}
	for _, state := range []string{StateAuthorized, StateSuspended, StateYellowCard, StateSleepMode} {
		w.SetState(id, state)
		if account := w.object(w.get("getWaSettings")); account["phone"] == "" || account["avatar"] == "" || account["deviceId"] == "" {
			t.Errorf("%s: got %v, want an account", state, account)
		}
	}
}

func TestAccountMethodAnswers400WhereTheInstanceWantsAuthorization(t *testing.T) {
	w := start(t, Options{}, Instance{State: StateNotAuthorized, Behavior: Behavior{AccountNeedsAuthorization: true}})
	equal(t, "message", w.message(w.get("getWaSettings"), 400), messageNotAuthorized)
	w.SetState(id, StateAuthorized)
	equal(t, "phone", w.object(w.get("getWaSettings"))["phone"], "79007000001")
}

func TestAccountExtraAndFreshAvatarQueryChangeTheAnswer(t *testing.T) {
	w := start(t, Options{}, Instance{Avatar: "https://a.example/1", Behavior: Behavior{
		FreshAvatarQuery: true,
		AccountExtra:     map[string]any{"phone": 79001234567, "suspendedUntil": 0, "deviceId": nil},
	}})
	first := w.object(w.get("getWaSettings"))
	equal(t, "phone", first["phone"], 79001234567)
	equal(t, "suspendedUntil", first["suspendedUntil"], 0)
	if _, ok := first["deviceId"]; ok {
		t.Error("deviceId is there, want it removed")
	}
	w.clock.advance(time.Second)
	if second := w.object(w.get("getWaSettings")); second["avatar"] == first["avatar"] {
		t.Errorf("avatar is %v again, want another query", second["avatar"])
	}
}

func TestSuspensionShowsItsEndAndEndsByItself(t *testing.T) {
	w := start(t, Options{})
	until := w.clock.Now().Add(2 * time.Hour)
	w.Suspend(id, until)
	account := w.object(w.get("getWaSettings"))
	equal(t, "state", account["stateInstance"], StateSuspended)
	equal(t, "suspendedUntil", account["suspendedUntil"], int(until.Unix()))
	// A restart neither lifts nor forgets the suspension.
	w.saved(map[string]any{"incomingWebhook": "yes"})
	equal(t, "state", w.state(), StateStarting)
	if _, ok := w.object(w.get("getWaSettings"))["suspendedUntil"]; ok {
		t.Error("suspendedUntil is shown while starting, want it only while suspended")
	}
	w.clock.advance(DefaultRestartTime)
	equal(t, "state after the restart", w.state(), StateSuspended)
	w.clock.advance(2*time.Hour - DefaultRestartTime)
	equal(t, "state after the end", w.state(), StateAuthorized)
	if _, ok := w.object(w.get("getWaSettings"))["suspendedUntil"]; ok {
		t.Error("suspendedUntil is still shown")
	}
	w.SetState(id, StateSuspended)
	if _, ok := w.object(w.get("getWaSettings"))["suspendedUntil"]; ok {
		t.Error("the end of the earlier suspension is shown")
	}
	w.Suspend(id, time.Time{})
	w.clock.advance(24 * time.Hour)
	equal(t, "state without a known end", w.state(), StateSuspended)
	w.Update(id, func(in *Instance) { in.SuspendedUntil = w.clock.Now().Add(time.Hour).Unix() })
	w.clock.advance(time.Hour)
	equal(t, "state after an end that was set later", w.state(), StateAuthorized)
}

func TestSuspendedUntilIsNotShownInOtherStates(t *testing.T) {
	w := start(t, Options{})
	w.Update(id, func(in *Instance) { in.State, in.SuspendedUntil = StateBlocked, w.clock.Now().Add(time.Hour).Unix() })
	equal(t, "account", w.object(w.get("getWaSettings")), map[string]any{"avatar": "", "phone": "", "stateInstance": StateBlocked, "deviceId": "", "logoutProcess": false})
}

func TestSuspensionThatEndsDuringARestartIsOverAfterIt(t *testing.T) {
	w := start(t, Options{})
	w.Suspend(id, w.clock.Now().Add(DefaultRestartTime/2))
	w.saved(map[string]any{"incomingWebhook": "yes"})
	w.clock.advance(DefaultRestartTime * 3 / 4)
	equal(t, "state", w.state(), StateStarting)
	w.clock.advance(DefaultRestartTime)
	equal(t, "state", w.state(), StateAuthorized)
}

func TestYellowCardShowsYellowCardUntilAndIsHealedByReboot(t *testing.T) {
	w := start(t, Options{})
	until := w.clock.Now().Add(time.Minute)
	w.Update(id, func(in *Instance) { in.State, in.SuspendedUntil = StateYellowCard, until.Unix() })
	equal(t, "yellowCardUntil", w.object(w.get("getWaSettings"))["yellowCardUntil"], int(until.Unix()))
	w.clock.advance(time.Hour)
	equal(t, "state", w.state(), StateYellowCard)
	w.saved(map[string]any{"incomingWebhook": "yes"})
	w.clock.advance(time.Hour)
	equal(t, "state after setSettings", w.state(), StateYellowCard)
	equal(t, "answer", w.object(w.get("reboot")), map[string]any{"isReboot": true})
	w.clock.advance(time.Hour)
	equal(t, "state after a reboot", w.state(), StateAuthorized)
}

func TestLogoutTakesTheAccountAwayAndMayChangeSettings(t *testing.T) {
	w := start(t, Options{}, Instance{
		Settings: map[string]any{"incomingWebhook": "yes", "stateWebhook": "yes"},
		Behavior: Behavior{SettingsOnLogout: map[string]any{"incomingWebhook": "no"}},
	})
	equal(t, "wid", w.setting("wid"), "79007000001@c.us")
	w.SetStateFor(id, StateStarting, time.Minute, StateAuthorized)
	equal(t, "wid while starting", w.setting("wid"), "79007000001@c.us")
	w.clock.advance(time.Minute)
	equal(t, "answer", w.object(w.get("logout")), map[string]any{"isLogout": true})
	equal(t, "effect in the record", w.Calls(id, "logout")[0].Effect, true)
	equal(t, "state", w.state(), StateNotAuthorized)
	equal(t, "phone", w.object(w.get("getWaSettings"))["phone"], "")
	equal(t, "wid", w.setting("wid"), "")
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "no")
	equal(t, "stateWebhook", w.setting("stateWebhook"), "yes")
	equal(t, "restarts", w.Restarts(id), 0)
}

func TestIncomingStatusesAreThoseOfTheWindow(t *testing.T) {
	w := start(t, Options{})
	at := func(ago time.Duration) map[string]any {
		return map[string]any{"idMessage": ago.String(), "timestamp": w.clock.Now().Add(-ago).Unix()}
	}
	w.Update(id, func(in *Instance) {
		in.BetaEnabled = true
		in.IncomingStatuses = []map[string]any{at(40 * 24 * time.Hour), at(29 * 24 * time.Hour), at(2 * time.Hour), at(time.Minute), at(-time.Hour)}
	})
	count := func(query string, want int) {
		t.Helper()
		list, _ := decodeBody([]byte(w.must(http.MethodGet, path("getIncomingStatuses")+query, nil).text))
		if got, ok := list.([]any); !ok || len(got) != want {
			t.Errorf("%q: got %v, want %d", query, list, want)
		}
	}
	count("", 2)
	count("?minutes=60", 1)
	count("?minutes=999999999", 3)
	for _, bad := range []string{"abc", "0", "-5", ""} {
		equal(t, "minutes="+bad, w.must(http.MethodGet, path("getIncomingStatuses")+"?minutes="+bad, nil).status, 400)
	}
	w.clock.advance(time.Hour)
	count("", 3)
	w.Update(id, func(in *Instance) { in.IncomingStatuses = nil })
	equal(t, "body without statuses", w.get("getIncomingStatuses").text, "[]")
	w.Update(id, func(in *Instance) { in.BetaEnabled = false })
	equal(t, "message without the beta", w.message(w.get("getIncomingStatuses"), 403), "Forbidden")
}
