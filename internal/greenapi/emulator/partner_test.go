// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const partnerToken = "gac.2b7e151628aed2a6abf7158809cf4f3c762e7160f38b4d"

// reseller runs an emulator with a partner account and an instance that belongs to nobody.
func reseller(t *testing.T, behavior PartnerBehavior) *world {
	t.Helper()
	w := start(t, Options{})
	w.AddAccount(Account{Name: "reseller", Token: partnerToken, Behavior: behavior})
	return w
}

func (w *world) partner(method string, body any) reply {
	w.t.Helper()
	verb := http.MethodPost
	if method == "getInstances" {
		verb = http.MethodGet
	}
	return w.must(verb, "/partner/"+method+"/"+partnerToken, body)
}

// create creates an instance and returns the answer.
func (w *world) create(name string) map[string]any {
	w.t.Helper()
	return w.object(w.partner("createInstance", map[string]any{"name": name}))
}

func (w *world) listed() []map[string]any {
	w.t.Helper()
	var list []map[string]any
	if got := w.partner("getInstances", nil); got.status != http.StatusOK || json.Unmarshal([]byte(got.text), &list) != nil {
		w.t.Fatalf("got %d %q, want a list", got.status, got.text)
	}
	for i := range list {
		list[i] = copied(list[i])
	}
	return list
}

// call calls a method of an instance that was created.
func (w *world) call(created map[string]any, method string) reply {
	w.t.Helper()
	return w.must(http.MethodGet, fmt.Sprintf("/waInstance%v/%s/%s", created["idInstance"], method, created["apiTokenInstance"]), nil)
}

func TestAnInstanceIsCreatedListedAndDeleted(t *testing.T) {
	w := reseller(t, PartnerBehavior{})
	created := w.create("prod-eu/shop/support")
	equal(t, "type", created["typeInstance"], WhatsApp)
	equal(t, "apiUrl", created["apiUrl"], w.url)
	equal(t, "state", w.object(w.call(created, "getStateInstance"))["stateInstance"], StateNotAuthorized)
	rows := w.listed()
	if len(rows) != 1 {
		t.Fatalf("the list has %d rows, want the account's alone", len(rows))
	}
	for name, want := range map[string]any{
		"idInstance": created["idInstance"], "apiTokenInstance": created["apiTokenInstance"], "name": "prod-eu/shop/support", "typeInstance": WhatsApp,
		"deleted": false, "isExpired": false, "isPartner": true, "timeCreated": "2026-11-23T12:00:00", "timeDeleted": "0001-01-01T00:00:00",
	} {
		equal(t, name, rows[0][name], want)
	}
	w.clock.advance(time.Hour)
	equal(t, "the answer of a delete", w.partner("deleteInstanceAccount", map[string]any{"idInstance": created["idInstance"]}).text, `{"deleteInstanceAccount":true}`)
	equal(t, "the message of a deleted one", w.message(w.call(created, "getStateInstance"), 400), messageDeleted)
	rows = w.listed()
	equal(t, "deleted", rows[0]["deleted"], true)
	equal(t, "timeDeleted", rows[0]["timeDeleted"], "2026-11-23T13:00:00")
	if entry := w.Ledger()[1]; entry.What != EntryDeleted || entry.Name != "prod-eu/shop/support" || !entry.Time.Equal(w.clock.Now()) {
		t.Errorf("the ledger has %+v", entry)
	}
	again := w.partner("deleteInstanceAccount", map[string]any{"idInstance": created["idInstance"]})
	equal(t, "a second delete", again, reply{200, again.header, `{"code":404,"description":"Not found"}`})
	if got := w.partner("deleteInstanceAccount", map[string]any{"idInstance": id}); !strings.Contains(got.text, `"code":404`) {
		t.Errorf("an instance of nobody: %s, want 404 in the body", got.text)
	}
	w.clock.advance(91 * 24 * time.Hour)
	equal(t, "rows within three months", len(w.listed()), 1)
	w.clock.advance(3 * 24 * time.Hour)
	equal(t, "rows after three months", len(w.listed()), 0)
}

func TestAWrongPartnerTokenIsACodeInTheBody(t *testing.T) {
	w := reseller(t, PartnerBehavior{})
	for method, verb := range map[string]string{"getInstances": "GET", "createInstance": "POST", "deleteInstanceAccount": "POST"} {
		got := w.must(verb, "/partner/"+method+"/gac.wrong", nil)
		equal(t, method, got.text, `{"code":401,"description":"Unauthorized"}`)
		equal(t, method, got.status, 200)
	}
	equal(t, "what was sold", len(w.Sold("")), 0)
	equal(t, "a wrong verb", w.must("GET", "/partner/createInstance/"+partnerToken, nil).status, 404)
}

// TestNamesMayBeThereTwice: nobody promises that they are not, and a body may be anything.
func TestNamesMayBeThereTwice(t *testing.T) {
	w := reseller(t, PartnerBehavior{})
	first, second := w.create("twin"), w.create("twin")
	if first["idInstance"] == second["idInstance"] || first["apiTokenInstance"] == second["apiTokenInstance"] {
		t.Errorf("one instance was sold twice: %v", first)
	}
	for _, body := range []any{nil, "{}", "not JSON", `{"plan":"developer"}`} {
		w.object(w.partner("createInstance", body))
	}
	equal(t, "sold as twin", len(w.Sold("twin")), 2)
	equal(t, "sold", len(w.Sold("")), 6)
	equal(t, "a name by default", w.listed()[2]["name"], "Instance 710700000003")
	if got := w.partner("createInstance", `{"name":"x","incomingWebhook":"true"}`); got.status != 400 || len(w.Sold("")) != 6 {
		t.Errorf("a flag that is no yes or no: %d, and %d were sold", got.status, len(w.Sold("")))
	}
}

func TestEveryFaultOfAPartnerAccount(t *testing.T) {
	t.Run("late", func(t *testing.T) {
		w := reseller(t, PartnerBehavior{Late: 3 * time.Minute})
		created := w.create("late")
		equal(t, "rows at once", len(w.listed()), 0)
		equal(t, "instances at once", len(w.Instances()), 1)
		equal(t, "a call at once", w.call(created, "getStateInstance").status, 404)
		w.clock.advance(3 * time.Minute)
		equal(t, "rows later", len(w.listed()), 1)
		equal(t, "the time of the effect", w.Sold("late")[0].Time, w.clock.Now())
		w.partner("deleteInstanceAccount", map[string]any{"idInstance": created["idInstance"]})
		equal(t, "deleted at once", w.listed()[0]["deleted"], false)
		w.clock.advance(3 * time.Minute)
		equal(t, "deleted later", w.listed()[0]["deleted"], true)
	})
	t.Run("new", func(t *testing.T) {
		w := reseller(t, PartnerBehavior{RefuseNew: 2 * time.Minute, CreateTime: 5 * time.Minute})
		created := w.create("new")
		got := w.call(created, "getStateInstance")
		equal(t, "at first", fmt.Sprint(got.status, got.text), "401")
		w.clock.advance(2 * time.Minute)
		equal(t, "then", w.call(created, "getStateInstance").text, "null")
		w.clock.advance(3 * time.Minute)
		equal(t, "and then", w.call(created, "getStateInstance").text, `{"stateInstance":"notAuthorized"}`)
	})
	t.Run("answers", func(t *testing.T) {
		w := reseller(t, PartnerBehavior{IDsAsText: true, APIURL: APIURLNone})
		w.UpdateAccount("reseller", func(a *Account) { a.Messenger = Telegram })
		created, row := w.create("odd"), w.listed()[0]
		for _, shown := range []map[string]any{created, row} {
			equal(t, "idInstance", shown["idInstance"], "410000000001")
			equal(t, "apiUrl", shown["apiUrl"], nil)
			equal(t, "typeInstance", shown["typeInstance"], Telegram)
		}
		w.UpdateAccount("reseller", func(a *Account) { a.Behavior.APIURL = "https://elsewhere.example" })
		equal(t, "apiUrl", w.listed()[0]["apiUrl"], "https://elsewhere.example")
	})
	t.Run("lists", func(t *testing.T) {
		w := reseller(t, PartnerBehavior{List: ListEmpty})
		w.create("mine")
		equal(t, "an empty list", w.partner("getInstances", nil).text, "[]")
		w.UpdateAccount("reseller", func(a *Account) { a.Behavior.List = ListForeign })
		equal(t, "a foreign list", w.listed()[0]["idInstance"], int(id))
		w.Remove(id)
		equal(t, "a made-up list", w.listed()[0]["name"], "Somebody else")
		w.UpdateAccount("reseller", func(a *Account) { a.Behavior = PartnerBehavior{KeepDeleted: -1} })
		w.partner("deleteInstanceAccount", map[string]any{"idInstance": w.listed()[0]["idInstance"]})
		equal(t, "deleted rows that are not kept", len(w.listed()), 0)
	})
	t.Run("scripted", func(t *testing.T) {
		w := reseller(t, PartnerBehavior{})
		w.Fault(Fault{Method: "createInstance", Drop: true, AfterEffect: true, Partner: &PartnerBehavior{Late: time.Minute}})
		if got, err := w.do("POST", "/partner/createInstance/"+partnerToken, `{"name":"lost"}`); err == nil {
			t.Errorf("an answer came: %+v", got)
		}
		equal(t, "sold", len(w.Sold("lost")), 1)
		equal(t, "rows", len(w.listed()), 0)
		w.Fault(Fault{Method: "getInstances", Host: "127.0.0.1", Status: 400})
		w.Fault(Fault{Method: "getInstances", Host: "other.example", Status: 400})
		equal(t, "400 on this host", w.partner("getInstances", nil).status, 400)
		equal(t, "none on this host", w.partner("getInstances", nil).status, 200)
		calls := w.Calls(0, "createInstance")
		if len(calls) != 1 || !calls[0].TokenOK || !calls[0].Effect || !calls[0].Fault || calls[0].Account != "reseller" {
			t.Errorf("the record is %+v", calls)
		}
	})
}

func TestUpdateAPITokenEndsTheOldTokenAtOnce(t *testing.T) {
	var made []string
	w := start(t, Options{OnToken: func(token string) { made = append(made, token) }})
	next, _ := w.object(w.get("updateApiToken"))["apiTokenInstance"].(string)
	equal(t, "the tokens made up", made, []string{next})
	equal(t, "the old token", w.get("getStateInstance").status, 401)
	equal(t, "the old token again", w.get("updateApiToken").text, `{"code":401,"description":"Unauthorized"}`)
	w.Fault(Fault{Method: "updateApiToken", Drop: true, AfterEffect: true})
	// On a kept connection net/http makes a GET once more.
	w.http.CloseIdleConnections()
	if _, err := w.do("GET", strings.Replace(path("updateApiToken"), token, next, 1), nil); err == nil {
		t.Error("an answer came")
	}
	in, _ := w.Get(id)
	if len(made) != 2 || in.Token != made[1] {
		t.Errorf("the token is %q after %q", in.Token, made)
	}
	entries := w.Ledger()
	if len(entries) != 2 || entries[1].What != EntryRotated || entries[1].ID != id {
		t.Errorf("the ledger is %+v", entries)
	}
}

func TestAPersonDeletesInTheConsole(t *testing.T) {
	w := reseller(t, PartnerBehavior{})
	w.Update(id, func(in *Instance) { in.Account, in.Deleted = "reseller", true })
	equal(t, "timeDeleted", w.listed()[0]["timeDeleted"], "2026-11-23T12:00:00")
	w.Update(id, func(in *Instance) { in.Deleted = false })
	equal(t, "timeDeleted", w.listed()[0]["timeDeleted"], "0001-01-01T00:00:00")
	equal(t, "the ledger", len(w.Ledger()), 0)
}

func TestAccountsAreControlled(t *testing.T) {
	w := start(t, Options{})
	const path = "/emulator/accounts/reseller"
	equal(t, "PATCH of none", w.must("PATCH", path, `{}`).status, 404)
	equal(t, "PUT", w.must("PUT", path, `{"partnerToken":"`+partnerToken+`","behavior":{"late":"3m"}}`).status, 200)
	got := w.object(w.must("PATCH", path, `{"behavior":{"list":"empty"}}`))
	equal(t, "the behavior", got["behavior"], map[string]any{"late": "3m0s", "list": "empty"})
	for _, bad := range []string{`{"behavior":{"list":"short"}}`, `{"behavior":{"late":"-1s"}}`, `{"name":"other"}`, `{"typeInstance":"viber"}`, `{"partnerToken":""}`, `{"odd":1}`} {
		equal(t, bad, w.must("PATCH", path, bad).status, 400)
	}
	equal(t, "a token twice", w.must("PUT", "/emulator/accounts/other", `{"partnerToken":"`+partnerToken+`"}`).status, 400)
	equal(t, "another name", w.must("PUT", "/emulator/accounts/other", `{"name":"x","partnerToken":"y"}`).status, 400)
	equal(t, "accounts", len(w.Accounts()), 1)
	w.create("line")
	var entries []Entry
	if err := json.Unmarshal([]byte(w.must("GET", "/emulator/ledger", nil).text), &entries); err != nil || len(entries) != 1 || entries[0].Name != "line" || entries[0].Account != "reseller" {
		t.Errorf("the ledger is %+v, %v", entries, err)
	}
	equal(t, "a fault", w.must("POST", "/emulator/faults", `{"method":"getInstances","partner":{"list":"foreign"}}`).status, 201)
	equal(t, "a bad fault", w.must("POST", "/emulator/faults", `{"method":"getInstances","partner":{"list":"x"}}`).status, 400)
	panics(t, "an account that is not there", func() { w.UpdateAccount("nobody", func(*Account) {}) })
}

func TestReadAccounts(t *testing.T) {
	list, err := ReadAccounts(strings.NewReader(`[{"name":"a","partnerToken":"gac.a"},{"name":"b","partnerToken":"gac.b","behavior":{"refuseNew":"1m"}}]`))
	if err != nil || len(list) != 2 || list[1].Behavior.RefuseNew != time.Minute {
		t.Errorf("%+v, %v", list, err)
	}
	for _, bad := range []string{``, `{}`, `[{"name":"a"}]`, `[{"partnerToken":"x"}]`, `[{"name":"a","partnerToken":"x"},{"name":"b","partnerToken":"x"}]`} {
		if _, err := ReadAccounts(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
