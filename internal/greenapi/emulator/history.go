// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// defaultHistory is how many rows getStateInstanceHistory shows if the caller does not say (documented), and keptHistory how many
// are kept.
const (
	defaultHistory = 100
	keptHistory    = 1000
)

// stateRow is a change of state as the history shows it.
type stateRow struct {
	state string
	at    time.Time
	phone string
}

// record notes a change of state. The types of the vendor's SDK know three states only, so a restart leaves no row.
func (l *line) record(state string, now time.Time) {
	switch state {
	case StateAuthorized, StateNotAuthorized, StateBlocked:
	default:
		return
	}
	if n := len(l.history); n > 0 && l.history[n-1].state == state {
		return
	}
	l.history = append(l.history, stateRow{state, now, l.in.Phone})
	l.history = l.history[max(len(l.history)-keptHistory, 0):]
}

// getStateInstanceHistory shows the latest changes of state, the oldest of them first.
func (s *Server) getStateInstanceHistory(l *line, x *exchange) answer {
	if l.in.Messenger != WhatsApp {
		return x.refusal(http.StatusNotFound, "Cannot "+x.call.Verb+" "+x.path)
	}
	count := defaultHistory
	if query, err := url.ParseQuery(x.call.Query); err == nil && query.Has("count") {
		count, err = strconv.Atoi(query.Get("count"))
		if err != nil || count < 1 {
			return x.refusal(http.StatusBadRequest, messageValidation+`"count" must be a positive integer`)
		}
	}
	list := []map[string]any{}
	for _, row := range l.history[max(len(l.history)-count, 0):] {
		list = append(list, map[string]any{"stateInstance": row.state, "timestamp": row.at.Unix(), "phoneNumber": row.phone})
	}
	return jsonAnswer(http.StatusOK, list)
}
