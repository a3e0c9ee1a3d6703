// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"testing"
	"time"
)

func TestStateIsShownAsItIsWhateverItsName(t *testing.T) {
	w := start(t, Options{})
	equal(t, "state of a new instance", w.state(), StateAuthorized)
	for _, state := range []string{StateBlocked, StateSleepMode, StatePendingPassword, "somethingNew"} {
		w.SetState(id, state)
		equal(t, "state", w.state(), state)
	}
}

func TestStateAnswersNullWhileTheInstanceIsBeingCreated(t *testing.T) {
	w := start(t, Options{})
	w.SetStateFor(id, StateNull, 5*time.Minute, StateNotAuthorized)
	equal(t, "body", w.get("getStateInstance").text, "null")
	equal(t, "message", w.message(w.set(map[string]any{"incomingWebhook": "yes"}), 400), messageStarting)
	equal(t, "message", w.message(w.get("reboot"), 400), messageStarting)
	equal(t, "message", w.message(w.get("logout"), 400), messageStarting)
	equal(t, "account's state", w.object(w.get("getWaSettings"))["stateInstance"], nil)
	w.clock.advance(5 * time.Minute)
	equal(t, "state afterwards", w.state(), StateNotAuthorized)
}

func TestStateOfLimitedTimeGivesWayToTheNextOne(t *testing.T) {
	w := start(t, Options{})
	w.SetStateFor(id, StateStarting, time.Minute, StateAuthorized)
	w.clock.advance(time.Minute - time.Nanosecond)
	equal(t, "state before the end", w.state(), StateStarting)
	w.clock.advance(time.Nanosecond)
	equal(t, "state at the end", w.state(), StateAuthorized)
	w.SetStateFor(id, StateStarting, time.Minute, StateAuthorized)
	w.SetState(id, StateStarting)
	w.clock.advance(time.Hour)
	equal(t, "a state set for good", w.state(), StateStarting)
}

func TestRestartDoesNotChangeWhatIsPlannedForLater(t *testing.T) {
	w := start(t, Options{})
	w.Suspend(id, w.clock.Now().Add(2*time.Hour))
	w.SetStateFor(id, StateSuspended, time.Hour, StateBlocked)
	w.saved(map[string]any{"incomingWebhook": "yes"})
	w.clock.advance(DefaultRestartTime)
	equal(t, "state after the restart", w.state(), StateSuspended)
	w.clock.advance(time.Hour - DefaultRestartTime)
	equal(t, "state after the hour", w.state(), StateBlocked)
}

func TestRebootRestartsAndCounts(t *testing.T) {
	w := start(t, Options{}, Instance{State: StateNotAuthorized, Behavior: Behavior{RestartTime: time.Minute}})
	equal(t, "answer", w.object(w.get("reboot")), map[string]any{"isReboot": true})
	equal(t, "state", w.state(), StateStarting)
	equal(t, "restarts", w.Restarts(id), 1)
	w.clock.advance(time.Minute)
	equal(t, "state afterwards", w.state(), StateNotAuthorized)
}

func TestRebootEndsAStartingThatHangs(t *testing.T) {
	w := start(t, Options{}, Instance{Behavior: Behavior{StateAfterSet: StateStarting}})
	w.saved(map[string]any{"incomingWebhook": "yes"})
	w.clock.advance(24 * time.Hour)
	equal(t, "state", w.state(), StateStarting)
	w.get("reboot")
	w.clock.advance(DefaultRestartTime)
	equal(t, "state after a reboot", w.state(), StateAuthorized)

	w.SetState(id, StateNotAuthorized)
	w.SetState(id, StateStarting)
	w.get("reboot")
	w.clock.advance(DefaultRestartTime)
	equal(t, "state after a reboot", w.state(), StateNotAuthorized)
}

func TestRebootDoesNotHelpWhereTheScriptSaysSo(t *testing.T) {
	w := start(t, Options{}, Instance{State: StateStarting, Behavior: Behavior{StateAfterReboot: StateStarting}})
	w.get("reboot")
	w.clock.advance(24 * time.Hour)
	equal(t, "state", w.state(), StateStarting)
}
