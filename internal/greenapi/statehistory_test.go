// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestR37TheHistoryIsReadLeniently: rows in any order, numbers as text, rows that say nothing; never a phone number.
func TestR37TheHistoryIsReadLeniently(t *testing.T) {
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
	body := `[
		{"stateInstance":"authorized","timestamp":"1767323110","phoneNumber":"79001234567"},
		{"stateInstance":"notAuthorized","timestamp":1767323090,"phoneNumber":79001234567},
		{"stateInstance":"of tomorrow ` + testToken + `","timestamp":1767323120},
		{"stateInstance":"","timestamp":1767323120}, {"stateInstance":"blocked"}, {"timestamp":1767323120},
		{"stateInstance":"blocked","timestamp":0}, {"stateInstance":true,"timestamp":1767323120}, {}, null, 5, "text", ["list"]
	]`
	var query string
	changes, err := dial(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		_, _ = io.WriteString(w, body)
	}).StateHistory(t.Context())
	want := []StateChange{{"notAuthorized", at(1767323090)}, {"authorized", at(1767323110)}, {concealed, at(1767323120)}}
	if err != nil || query != "count=10" || !reflect.DeepEqual(changes, want) {
		t.Errorf("%s: %v\n got %+v\nwant %+v", query, err, changes, want)
	}
	if shown := fmt.Sprintf("%+v", changes); strings.Contains(shown, "79001234567") {
		t.Errorf("the number is kept: %s", shown)
	}
}

func TestR37OnlyTheLatestRowsAreKept(t *testing.T) {
	var rows []string
	for n := range 500 {
		rows = append(rows, fmt.Sprintf(`{"stateInstance":"authorized","timestamp":%d}`, 1767323090+n))
	}
	changes, err := dial(t, answer(200, "["+strings.Join(rows, ",")+"]")).StateHistory(t.Context())
	if err != nil || len(changes) != historyRows || changes[0].At.Unix() != 1767323090+490 {
		t.Errorf("%v, %d rows from %v", err, len(changes), changes)
	}
}

func TestR37AHistoryThatCannotBeReadIsNone(t *testing.T) {
	for name, body := range map[string]string{"an object": `{"rows":[]}`, "HTML": "<html>", "truncated": `[{"stateInstance":"authorized"`, "null": "null", "empty": " "} {
		changes, err := dial(t, answer(200, body)).StateHistory(t.Context())
		if _, ok := errors.AsType[*UnreadableError](err); !ok || changes != nil {
			t.Errorf("%s: %v, %v; want an UnreadableError", name, changes, err)
		}
	}
}

// TestR37RowsOfOneSecondStayInTheirOrder, also where the newest row comes first.
func TestR37RowsOfOneSecondStayInTheirOrder(t *testing.T) {
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
	body := `[{"stateInstance":"authorized","timestamp":1767323110},{"stateInstance":"notAuthorized","timestamp":1767323110},{"stateInstance":"blocked","timestamp":1767323090}]`
	changes, err := dial(t, answer(200, body)).StateHistory(t.Context())
	if want := []StateChange{{"blocked", at(1767323090)}, {"notAuthorized", at(1767323110)}, {"authorized", at(1767323110)}}; err != nil || !reflect.DeepEqual(changes, want) {
		t.Errorf("%v, %+v, want %+v", err, changes, want)
	}
}
