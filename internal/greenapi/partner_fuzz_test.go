// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"encoding/json"
	"testing"
)

// rowSeeds are lists of instances, and what could be wrong with them.
var rowSeeds = []string{
	`[{"idInstance":1101728004,"name":"Instance 1101728004","typeInstance":"whatsapp","typeAccount":"","timeCreated":"2022-06-03T18:39:44","timeDeleted":"0001-01-01T00:00:00",` +
		`"apiTokenInstance":"` + testToken + `","deleted":true,"tariff":"PARTNER","isFree":false,"isPartner":true,"expirationDate":"2023-06-03T18:39:44","isExpired":false}]`,
	`[{"idInstance":"7107000001","messenger":"v3","deleted":"yes"},{"idInstance":2,"name":null}]`, `[]`, ` [ ] `, `[null]`, `[{}]`, `[{"idInstance":1}`, `[{"idInstance":1},]`, `[{"idInstance":1}]]`, `[{"idInstance":1}] [`,
	`[{"idInstance":0}]`, `[{"idInstance":1e3}]`, `[{"idInstance":9007199254740992}]`, `[{"IDINSTANCE":1}]`, `[{"idInstance":1,"idInstance":{"x":1}}]`, `[{"idInstance":1},7,"x",[1]]`,
	`{"code":401,"description":"Unauthorized"}`, `[{"code":401}]`, `[{"idInstance":1,"name":"\ud800\u0000"}]`, "[{\"idInstance\":1,\"name\":\"\xff\"}]",
}

// FuzzInstances reads lists of instances: rows come of a whole JSON array alone, and as many as it has.
func FuzzInstances(f *testing.F) {
	seedAnswers(f)
	for _, body := range append(rowSeeds, statusSeeds...) {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := partnerOf(answering(t, canned{code: 200, body: body})).List(t.Context(), func(r Row) bool { return r.ID%2 == 0 })
		if err != nil {
			checkError(t, err)
			if rows != nil {
				t.Errorf("%d rows come with an error", len(rows))
			}
			return
		}
		var list []map[string]any
		if json.Unmarshal(body, &list) != nil || list == nil || len(list) != len(rows) {
			t.Fatalf("%d rows were read of what is no list of as many objects", len(rows))
		}
		for _, row := range rows {
			if row.ID < 1 || row.ID > maxID || len(row.Name) > maxRowName || len(row.APIURL) > maxOriginLength {
				t.Errorf("a row is %+v", row)
			}
			if token := row.Token.Reveal(); token != "" && (row.ID%2 != 0 || !ValidToken(token)) {
				t.Errorf("the row %d has the token %q", row.ID, token)
			}
			if row.Messenger != printable(row.Messenger) {
				t.Errorf("the messenger is %q", row.Messenger)
			}
		}
	})
}

// FuzzCreated reads answers of createInstance and updateApiToken: a number and a token that can be none are never read.
func FuzzCreated(f *testing.F) {
	seedAnswers(f)
	f.Add([]byte(`{"idInstance":7107000001,"apiTokenInstance":"` + testToken + `","typeInstance":"whatsapp"}`))
	f.Add([]byte(`{"idInstance":"7107000001","apiTokenInstance":{"x":1},"apiUrl":"https://7107.api.green-api.com"}`))
	f.Add([]byte(`{"idInstance":-1,"apiTokenInstance":"a b","messenger":"v3"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		object := objectIn(body)
		created, what := decodeCreated(body)
		if token := created.Token.Reveal(); token != "" && !ValidToken(token) || what == "" && (object == nil || created.ID < 1 || created.ID > maxID) {
			t.Errorf("created %+v with the token %q", created, token)
		}
		token, what := decodeNewToken(body)
		if (what == "") != (token.Reveal() != "") || what == "" && object["apiTokenInstance"] != token.Reveal() {
			t.Errorf("the new token is %q, %s", token.Reveal(), what)
		}
		if bytes.Contains([]byte(printed(token)), []byte(token.Reveal())) && len(token.Reveal()) > 30 {
			t.Error("the token shows")
		}
	})
}
