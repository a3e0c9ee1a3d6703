// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// rows are those that getStateInstanceHistory shows.
func (w *world) rows(query string) []map[string]any {
	w.t.Helper()
	reply := w.must(http.MethodGet, fmt.Sprintf("/waInstance%d/getStateInstanceHistory/%s%s", id, token, query), nil)
	equal(w.t, "status", reply.status, 200)
	var rows []map[string]any
	if err := json.Unmarshal([]byte(reply.text), &rows); err != nil {
		w.t.Fatal(err)
	}
	return rows
}

func TestHistoryShowsTheLatestChangesOfState(t *testing.T) {
	w := start(t, Options{RateInterval: -1}, Instance{Phone: "79001234567"})
	first := w.clock.Now()
	w.clock.advance(90 * time.Second)
	w.SetStateFor(id, StateNotAuthorized, 20*time.Second, StateAuthorized)
	w.clock.advance(time.Hour)
	w.saved(map[string]any{"incomingWebhook": "yes"})
	w.clock.advance(time.Hour)
	var states, times []any
	for _, row := range w.rows("") {
		states, times = append(states, row["stateInstance"]), append(times, row["timestamp"])
		equal(t, "phoneNumber", row["phoneNumber"], "79001234567")
	}
	equal(t, "states", states, []any{StateAuthorized, StateNotAuthorized, StateAuthorized})
	at := func(after time.Duration) any { return float64(first.Add(after).Unix()) }
	equal(t, "times", times, []any{at(0), at(90 * time.Second), at(110 * time.Second)})

	equal(t, "the last one", w.rows("?count=1")[0]["timestamp"], at(110*time.Second))
	equal(t, "more than there are", len(w.rows("?count=100")), 3)
	for _, query := range []string{"?count=0", "?count=many"} {
		equal(t, query, w.must(http.MethodGet, fmt.Sprintf("/waInstance%d/getStateInstanceHistory/%s%s", id, token, query), nil).status, 400)
	}
	for range keptHistory {
		w.SetState(id, StateBlocked)
		w.SetState(id, StateAuthorized)
	}
	equal(t, "rows unless asked for another number", len(w.rows("")), 100)
	equal(t, "rows that are kept", len(w.rows("?count=100000")), keptHistory)
}

func TestHistoryIsWhatsAppsAlone(t *testing.T) {
	w := start(t, Options{}, Instance{Messenger: MAX})
	equal(t, "status", w.get("getStateInstanceHistory").status, 404)
}

func TestALogoutMayTakeTime(t *testing.T) {
	w := start(t, Options{RateInterval: -1}, Instance{Behavior: Behavior{LogoutTime: time.Minute}})
	underWay := func() any { return w.object(w.get("getWaSettings"))["logoutProcess"] }
	equal(t, "before", underWay(), false)
	w.get("logout")
	equal(t, "meanwhile", underWay(), true)
	equal(t, "state meanwhile", w.state(), StateAuthorized)
	w.clock.advance(time.Minute)
	equal(t, "afterwards", underWay(), false)
	equal(t, "state afterwards", w.state(), StateNotAuthorized)
	w.SetState(id, StateAuthorized)
	w.get("logout")
	w.SetState(id, StateBlocked)
	equal(t, "after another state", underWay(), false)
	w.clock.advance(time.Hour)
	equal(t, "state that was set meanwhile", w.state(), StateBlocked)
}
