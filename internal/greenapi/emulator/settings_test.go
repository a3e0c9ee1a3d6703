// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"testing"
	"time"
)

func TestSetSettingsRestartsShowsOldValuesAndThenNewOnes(t *testing.T) {
	w := start(t, Options{RestartTime: time.Minute})
	w.saved(map[string]any{"incomingWebhook": "yes", "delaySendMessagesMilliseconds": 5000})
	equal(t, "state", w.state(), StateStarting)
	equal(t, "restarts", w.Restarts(id), 1)
	w.clock.advance(time.Minute - 1)
	equal(t, "incomingWebhook during the restart", w.setting("incomingWebhook"), "no")
	w.clock.advance(1)
	equal(t, "state after the restart", w.state(), StateAuthorized)
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "yes")
	equal(t, "delay", w.setting("delaySendMessagesMilliseconds"), 5000)
	equal(t, "a setting that was not sent", w.setting("stateWebhook"), "no")
}

func TestSetSettingsShowsNewValuesDuringTheRestartWhereAsked(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{ShowNew: true, ApplyDelay: time.Minute}})
	w.saved(map[string]any{"incomingWebhook": "yes"})
	equal(t, "during the restart", w.setting("incomingWebhook"), "yes")
	w.clock.advance(DefaultRestartTime)
	equal(t, "during the delay", w.setting("incomingWebhook"), "no")
	w.clock.advance(time.Minute)
	equal(t, "afterwards", w.setting("incomingWebhook"), "yes")
}

func TestApplyDelayShowsOldValuesForATimeAfterTheRestart(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{ApplyDelay: time.Minute}})
	w.saved(map[string]any{"incomingWebhook": "yes"})
	w.clock.advance(DefaultRestartTime + time.Minute - 1)
	equal(t, "state", w.state(), StateAuthorized)
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "no")
	// A second write meanwhile does not bring the first to light earlier.
	w.saved(map[string]any{"stateWebhook": "yes"})
	w.clock.advance(1)
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "yes")
	equal(t, "stateWebhook", w.setting("stateWebhook"), "no")
	w.clock.advance(DefaultRestartTime + time.Minute)
	equal(t, "stateWebhook", w.setting("stateWebhook"), "yes")
}

func TestRebootDelaysWhatIsNotShownYet(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{ApplyDelay: time.Minute}})
	w.saved(map[string]any{"incomingWebhook": "yes"})
	w.clock.advance(DefaultRestartTime + time.Minute/2)
	w.get("reboot")
	w.clock.advance(DefaultRestartTime + time.Minute - 1)
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "no")
	w.clock.advance(1)
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "yes")
	w.get("reboot")
	equal(t, "incomingWebhook once it was shown", w.setting("incomingWebhook"), "yes")
}

func TestRebootDoesNotBringOldValuesBack(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{ApplyDelay: time.Minute}})
	w.saved(map[string]any{"incomingWebhook": "yes"})
	w.clock.advance(time.Hour)
	w.get("reboot")
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "yes")
}

func TestNeverKeptAnswersYesRestartsAndKeepsNothing(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{NeverKept: []string{Everything}, ShowNew: true}})
	w.saved(map[string]any{"incomingWebhook": "yes"})
	equal(t, "during the restart", w.setting("incomingWebhook"), "yes")
	equal(t, "restarts", w.Restarts(id), 1)
	w.clock.advance(24 * time.Hour)
	equal(t, "afterwards", w.setting("incomingWebhook"), "no")
}

func TestNeverKeptOfNamedSettingsKeepsTheOthers(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{NeverKept: []string{"keepOnlineStatus"}}})
	w.saved(map[string]any{"incomingWebhook": "yes", "keepOnlineStatus": "yes"})
	w.clock.advance(time.Hour)
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "yes")
	equal(t, "keepOnlineStatus", w.setting("keepOnlineStatus"), "no")
}

func TestRefuseSaveAnswersNoAndDoesNothing(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{RefuseSave: true}})
	equal(t, "answer", w.object(w.set(map[string]any{"incomingWebhook": "yes"})), map[string]any{"saveSettings": false})
	equal(t, "state", w.state(), StateAuthorized)
	equal(t, "restarts", w.Restarts(id), 0)
	w.clock.advance(time.Hour)
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "no")
}

func TestSetSettingsIsRefusedWhileStarting(t *testing.T) {
	w := start(t, Options{})
	w.saved(map[string]any{"incomingWebhook": "yes"})
	equal(t, "message", w.message(w.set(map[string]any{"stateWebhook": "yes"}), 400), messageStarting)
	equal(t, "restarts", w.Restarts(id), 1)
	w.clock.advance(DefaultRestartTime)
	equal(t, "stateWebhook", w.setting("stateWebhook"), "no")
}

func TestSetSettingsWorksBeforeAuthorization(t *testing.T) {
	w := start(t, Options{}, Instance{State: StateNotAuthorized})
	w.saved(map[string]any{"incomingWebhook": "yes"})
	w.clock.advance(DefaultRestartTime)
	equal(t, "state", w.state(), StateNotAuthorized)
	equal(t, "incomingWebhook", w.setting("incomingWebhook"), "yes")
}

func TestEditChangesSettingsAtOnceWithoutARestart(t *testing.T) {
	w := start(t, Options{})
	w.saved(map[string]any{"incomingWebhook": "yes", "pollMessageWebhook": "yes"})
	w.Edit(id, map[string]any{"incomingWebhook": "no", "pollMessageWebhook": "yes", "stateWebhook": "yes", "editedMessageWebhook": nil, "brandNew": 1})
	for range 2 {
		equal(t, "incomingWebhook", w.setting("incomingWebhook"), "no")
		equal(t, "pollMessageWebhook", w.setting("pollMessageWebhook"), "yes")
		equal(t, "stateWebhook", w.setting("stateWebhook"), "yes")
		equal(t, "brandNew", w.setting("brandNew"), 1)
		if _, ok := w.object(w.get("getSettings"))["editedMessageWebhook"]; ok {
			t.Error("editedMessageWebhook is there, want it removed")
		}
		w.clock.advance(time.Hour)
	}
	equal(t, "restarts", w.Restarts(id), 1)
}
