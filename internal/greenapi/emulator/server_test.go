// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestGetReturnsADeepCopyAsOfNow(t *testing.T) {
	w := start(t, Options{}, Instance{Messenger: MAX, IncomingStatuses: []map[string]any{{"timestamp": 1}},
		Behavior: Behavior{NeverKept: []string{"x"}, AccountExtra: map[string]any{"a": 1}}})
	w.saved(map[string]any{"stateWebhook": "yes"})
	during, _ := w.Get(id)
	equal(t, "state", during.State, StateStarting)
	equal(t, "stateWebhook", during.Settings["stateWebhook"], "no")
	equal(t, "restarts", during.Restarts, 1)
	w.clock.advance(time.Hour)
	got, ok := w.Get(id)
	equal(t, "found", ok, true)
	equal(t, "state", got.State, StateAuthorized)
	equal(t, "stateWebhook", got.Settings["stateWebhook"], "yes")

	got.Settings["stateWebhook"] = "changed"
	*got.HistorySyncProgress = 1
	got.IncomingStatuses[0]["timestamp"] = 2
	got.Behavior.NeverKept[0] = "y"
	got.Behavior.AccountExtra["a"] = 2
	again, _ := w.Get(id)
	equal(t, "settings", again.Settings["stateWebhook"], "yes")
	equal(t, "progress", *again.HistorySyncProgress, 100)
	equal(t, "statuses", again.IncomingStatuses[0]["timestamp"], 1)
	equal(t, "names", again.Behavior.NeverKept[0], "x")
	equal(t, "extra", again.Behavior.AccountExtra["a"], 1)
	_, ok = w.Get(404)
	equal(t, "unknown", ok, false)
	equal(t, "restarts of an unknown one", w.Restarts(404), 0)
}

func TestUpdateThatChangesNothingLetsARestartGoOn(t *testing.T) {
	w := start(t, Options{})
	w.saved(map[string]any{"stateWebhook": "yes"})
	w.Update(id, func(in *Instance) { in.Phone = "79990000000" })
	w.clock.advance(DefaultRestartTime)
	equal(t, "state", w.state(), StateAuthorized)
	equal(t, "stateWebhook", w.setting("stateWebhook"), "yes")
	equal(t, "phone", w.object(w.get("getWaSettings"))["phone"], "79990000000")
}

func TestUpdateOfTheStateHoldsWhateverWasGoingOn(t *testing.T) {
	w := start(t, Options{})
	w.saved(map[string]any{"stateWebhook": "yes"})
	w.Update(id, func(in *Instance) { in.State = StateBlocked })
	w.clock.advance(time.Hour)
	equal(t, "state", w.state(), StateBlocked)
}

func TestUpdateOfSettingsIsShownAtOnceWithNullAsNull(t *testing.T) {
	w := start(t, Options{})
	w.saved(map[string]any{"stateWebhook": "yes", "pollMessageWebhook": "yes", "incomingWebhook": "yes"})
	w.Update(id, func(in *Instance) {
		in.Settings["stateWebhook"] = true
		in.Settings["linkPreview"] = nil
		delete(in.Settings, "pollMessageWebhook")
		in.ID, in.Restarts, in.Messenger = 1, 77, ""
	})
	for range 2 {
		settings := w.object(w.get("getSettings"))
		equal(t, "stateWebhook", settings["stateWebhook"], true)
		if value, ok := settings["linkPreview"]; !ok || value != nil {
			t.Errorf("linkPreview: got %v %v, want null", value, ok)
		}
		if _, ok := settings["pollMessageWebhook"]; ok {
			t.Error("pollMessageWebhook is there, want it removed")
		}
		w.clock.advance(time.Hour)
	}
	equal(t, "a setting that was left alone", w.setting("incomingWebhook"), "yes")
	equal(t, "account", w.get("getWaSettings").status, 200)
	equal(t, "restarts", w.Restarts(id), 1)
	equal(t, "instances", len(w.Instances()), 1)
}

func TestAddReplacesAndCompletesAnInstance(t *testing.T) {
	w := start(t, Options{})
	w.saved(map[string]any{"stateWebhook": "yes"})
	w.Add(Instance{ID: id, Token: token, Restarts: 9, Settings: map[string]any{"incomingWebhook": "yes", "linkPreview": nil, "autoTyping": int64(3)}})
	equal(t, "restarts", w.Restarts(id), 0)
	settings := w.object(w.get("getSettings"))
	equal(t, "incomingWebhook", settings["incomingWebhook"], "yes")
	equal(t, "stateWebhook", settings["stateWebhook"], "no")
	equal(t, "autoTyping", settings["autoTyping"], 3)
	if _, ok := settings["linkPreview"]; ok {
		t.Error("linkPreview is there, want it removed")
	}
}

func TestScriptsThatCannotBePanic(t *testing.T) {
	w := start(t, Options{})
	for what, bad := range map[string]Instance{
		"no ID":               {Token: "x"},
		"no token":            {ID: 1},
		"unknown messenger":   {ID: 1, Token: "x", Messenger: "max"},
		"unknown keys":        {ID: 1, Token: "x", Behavior: Behavior{UnknownKeys: "explode"}},
		"negative delay":      {ID: 1, Token: "x", Behavior: Behavior{ApplyDelay: -1}},
		"negative limit":      {ID: 1, Token: "x", Behavior: Behavior{MaxDelay: -1}},
		"status without time": {ID: 1, Token: "x", IncomingStatuses: []map[string]any{{"idMessage": "A"}}},
	} {
		panics(t, what, func() { w.Add(bad) })
	}
	panics(t, "Update of an unknown instance", func() { w.Update(404, func(*Instance) {}) })
	panics(t, "Update to something bad", func() { w.Update(id, func(in *Instance) { in.Token = "" }) })
	panics(t, "Edit of an unknown instance", func() { w.Edit(404, nil) })
	panics(t, "SetState of an unknown instance", func() { w.SetState(404, StateBlocked) })
	panics(t, "Suspend of an unknown instance", func() { w.Suspend(404, time.Time{}) })
	equal(t, "the server goes on", w.state(), StateAuthorized)
}

func TestReadInstancesReadsTheExample(t *testing.T) {
	file, err := os.Open("testdata/instances.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	list, err := ReadInstances(file)
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, Options{}, list...)
	equal(t, "instances", len(w.Instances()), 5)
	equal(t, "restart time", w.Instances()[0].ID, int64(4100000005))
	first, _ := w.Get(id)
	equal(t, "restart time", first.Behavior.RestartTime, 20*time.Second)
}

func TestReadInstancesSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		``:                               "there is nothing",
		`{}`:                             "want a JSON list",
		`[{"idInstance": "x"}]`:          "want a JSON list",
		`[{"idInstance": 1}]`:            "apiTokenInstance",
		`[{"idinstanz": 1}]`:             "idinstanz",
		`[{"behavior": {"explode": 1}}]`: "explode",
		`[] []`:                          "there is more",
		`[{"behavior": {"restartTime": "soon"}}]`:                                                  "duration such as",
		`[{"idInstance": 1, "apiTokenInstance": "a"}, {"idInstance": 1, "apiTokenInstance": "a"}]`: "twice",
	} {
		if _, err := ReadInstances(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", text, err, want)
		}
	}
}

func TestInstanceSurvivesAJSONRoundTrip(t *testing.T) {
	w := start(t, Options{}, Instance{Messenger: MAX, State: StateSuspended, SuspendedUntil: 4102444800, BetaEnabled: true,
		Behavior: Behavior{RestartTime: time.Minute, ApplyDelay: time.Second, NeverKept: []string{"*"}, EchoToken: true}})
	want, _ := w.Get(id)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Instance
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	equal(t, "after a round trip", got.clone(), want)
}

func TestADayPassesInTheTimeOfItsCalls(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{RestartTime: 5 * time.Minute}})
	end := w.clock.Now().Add(24 * time.Hour)
	states := map[any]int{}
	for minute := 0; w.clock.Now().Before(end); minute++ {
		if minute%60 == 0 {
			w.saved(map[string]any{"delaySendMessagesMilliseconds": 500 + minute})
		}
		states[w.state()]++
		w.clock.advance(time.Minute)
	}
	equal(t, "minutes in each state", fmt.Sprint(states), fmt.Sprint(map[any]int{StateStarting: 24 * 5, StateAuthorized: 24 * 55}))
	equal(t, "calls", len(w.Calls(id, "getStateInstance")), 1440)
}

func TestClockIsTheRealOneByDefault(t *testing.T) {
	vendor := New(Options{})
	vendor.Add(Instance{ID: id, Token: token})
	vendor.Suspend(id, time.Now().Add(time.Hour))
	in, _ := vendor.Get(id)
	equal(t, "state", in.State, StateSuspended)
	vendor.Suspend(id, time.Now().Add(-time.Second))
	vendor.SetStateFor(id, StateStarting, -time.Second, StateBlocked)
	in, _ = vendor.Get(id)
	equal(t, "state", in.State, StateBlocked)
}
