// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxRows is how many instances of an account are listed; a list with more is unreadable.
const maxRows = 50_000

// maxRowName is how much of a name is kept, in bytes. No name that a resource can have is as long, so that a cut one is taken
// for no other.
const maxRowName = 1024

// Row is an instance of a partner account as getInstances lists it.
type Row struct {
	ID int64
	// Name is compared, so it is as the vendor has it; Partner.Shown makes it fit to be shown.
	Name string
	// Messenger is typeInstance.
	Messenger string
	// Deleted is true of an instance that was deleted; the vendor lists it for three months. What is neither yes nor no is
	// taken for living, since taking a living one for deleted could buy it again.
	Deleted bool
	// Expired is true of an instance that is not paid for.
	Expired bool
	// Token and APIURL are there for the rows that were asked for alone. The latter is the vendor's word; see Created.
	Token  Secret
	APIURL string
}

// rowEntry is an entry of getInstances. Whatever the types of its fields, it can be read.
type rowEntry struct {
	ID        json.RawMessage `json:"idInstance"`
	Name      json.RawMessage `json:"name"`
	Type      json.RawMessage `json:"typeInstance"`
	Messenger json.RawMessage `json:"messenger"`
	Deleted   json.RawMessage `json:"deleted"`
	Expired   json.RawMessage `json:"isExpired"`
	Token     json.RawMessage `json:"apiTokenInstance"`
	APIURL    json.RawMessage `json:"apiUrl"`
}

// List calls getInstances and returns all instances of the account in the vendor's order. asked says of which rows the token is
// needed; nil for none. The tokens of others are not kept (P12).
//
// It returns rows only of a list that is whole: the code 200, one JSON array and nothing after it, each entry with a number
// (P4). All else is an error, from which nothing may be concluded: what is not in half a list would be bought again.
func (p *Partner) List(ctx context.Context, asked func(Row) bool) ([]Row, error) {
	if p.api.target.Token == "" {
		return nil, &TransportError{Method: MethodGetInstances, What: "there is no token to call with"}
	}
	var rows []Row
	what := "it is not a list"
	r := request{method: MethodGetInstances, decode: func([]byte) string { return what }}
	err := p.api.observed(ctx, p.api.client.reading, r, func(response *http.Response, body io.Reader) (code string, err error) {
		buffered := bufio.NewReader(body)
		if response.StatusCode != http.StatusOK {
			what = "its code is not 200"
		}
		if response.StatusCode != http.StatusOK || !beginsList(buffered) {
			// An error, or the object by which the vendor says no with 200.
			return p.api.receive(ctx, response, buffered, r)
		}
		code = strconv.Itoa(response.StatusCode)
		if rows, what, err = decodeRows(buffered, asked); err != nil {
			return code, callError(MethodGetInstances, err, nil)
		}
		if what != "" {
			return code, &UnreadableError{Method: MethodGetInstances, What: what}
		}
		return code, nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// beginsList tells whether the first character of a body that is no white space opens a list. It leaves that to be read.
func beginsList(body *bufio.Reader) bool {
	for range usualBody {
		first, err := body.ReadByte()
		if err != nil {
			return false
		}
		if !strings.ContainsRune(jsonSpace, rune(first)) {
			return body.UnreadByte() == nil && first == '['
		}
	}
	return false
}

// decodeRows reads a list, of which memory holds one entry at a time. It returns what makes it unreadable, in words of this
// package, or the error of the connection.
func decodeRows(body io.Reader, asked func(Row) bool) (rows []Row, what string, err error) {
	limited := &limitedEntries{body: body, total: maxStatusesBody, entry: maxStatusEntry}
	decoder := json.NewDecoder(limited)
	if rows, what, err = readRows(decoder, limited, asked); what != "" && limited.exceeded != "" {
		what = limited.exceeded
	}
	if what != "" || err != nil {
		return nil, what, err
	}
	return rows, "", nil
}

func readRows(decoder *json.Decoder, limited *limitedEntries, asked func(Row) bool) (rows []Row, what string, err error) {
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('[') {
		return nil, "it is not a list", connectionError(err)
	}
	rows = []Row{}
	var entry rowEntry
	for decoder.More() {
		limited.entry = maxStatusEntry
		entry.empty()
		if err := decoder.Decode(&entry); err != nil {
			if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd {
				return nil, "an entry of it is no object", nil
			}
			return nil, "it is not valid JSON", connectionError(err)
		}
		row := entry.row(asked)
		switch {
		case row.ID == 0:
			return nil, "an entry of it has no idInstance", nil
		case len(rows) == maxRows:
			return nil, "it has more than 50000 entries", nil
		}
		rows = append(rows, row)
	}
	limited.entry = maxStatusEntry
	if _, err := decoder.Token(); err != nil {
		return nil, "it is not valid JSON", connectionError(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, "there is more after the list", connectionError(err)
	}
	return rows, "", nil
}

// empty makes room for the next entry where this one was: a list of thousands makes little garbage then.
func (e *rowEntry) empty() {
	for _, field := range []*json.RawMessage{&e.ID, &e.Name, &e.Type, &e.Messenger, &e.Deleted, &e.Expired, &e.Token, &e.APIURL} {
		*field = (*field)[:0]
	}
}

// row reads an entry.
func (e *rowEntry) row(asked func(Row) bool) Row {
	name := textOf(decodeValue(string(e.Name)))
	row := Row{
		ID: idOf(decodeValue(string(e.ID))), Name: strings.Clone(name[:min(len(name), maxRowName)]),
		Messenger: messengerOf(decodeValue(string(e.Type)), decodeValue(string(e.Messenger))),
		Deleted:   flagOf(e.Deleted), Expired: flagOf(e.Expired),
	}
	if asked != nil && asked(row) {
		row.Token, row.APIURL = tokenOf(decodeValue(string(e.Token))), addressOf(decodeValue(string(e.APIURL)))
	}
	return row
}

// flagOf reads a flag, or a text in place of one.
func flagOf(raw json.RawMessage) bool { return saysYes(decodeValue(string(raw))) }
