// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// historyRows is how many rows of the history are asked for, and kept.
const historyRows = 10

// queryOf is what stands behind a method's name in each call of it, with its question mark.
func queryOf(method string) string {
	if method == MethodGetStateInstanceHistory {
		return "?count=10"
	}
	return ""
}

// StateChange is a row of the vendor's history of states.
type StateChange struct {
	// State is the one that the instance came into.
	State string
	// At is when, in whole seconds.
	At time.Time
}

// StateHistory calls getStateInstanceHistory, and returns the latest changes of state, the oldest of them first. A row that cannot be
// read is left out. The phone numbers in the rows are not read.
func (i *Instance) StateHistory(ctx context.Context) ([]StateChange, error) {
	r := request{method: MethodGetStateInstanceHistory, query: queryOf(MethodGetStateInstanceHistory)}
	changes, err := read(ctx, i, r, decodeHistory)
	if err != nil {
		return nil, err
	}
	for n, change := range changes {
		if !states.Known(change.State) {
			changes[n].State = i.hidden.message(change.State, maxStateLength)
		}
	}
	return changes, nil
}

// decodeHistory reads the answer of getStateInstanceHistory, whose texts are neither concealed nor cut yet.
func decodeHistory(body []byte) ([]StateChange, string) {
	trimmed, problem := trimBody(body, '[', "it is not a list")
	if problem != "" {
		return nil, problem
	}
	var rows []json.RawMessage
	if json.Unmarshal(trimmed, &rows) != nil {
		return nil, "it is not valid JSON"
	}
	var changes []StateChange
	for _, raw := range rows {
		var row struct {
			State json.RawMessage `json:"stateInstance"`
			Time  json.RawMessage `json:"timestamp"`
		}
		if json.Unmarshal(raw, &row) != nil {
			continue
		}
		state, at := decodeValue(string(row.State)), unixTime(strings.TrimSpace(decodeValue(string(row.Time)).Text))
		if word := printable(strings.TrimSpace(state.Text)); state.Type == jsonvalue.String && word != "" && at != nil {
			changes = append(changes, StateChange{word, *at})
		}
	}
	if n := len(changes); n > 0 && changes[0].At.After(changes[n-1].At) {
		// The newest one comes first, and of two in one second as well.
		slices.Reverse(changes)
	}
	slices.SortStableFunc(changes, func(a, b StateChange) int { return a.At.Compare(b.At) })
	return slices.Clone(changes[max(len(changes)-historyRows, 0):]), ""
}
