// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

const (
	testPartnerToken = "gac.7d3f00aa11bb22cc33dd44ee55ff6677889900aabbccdd"
	lineName         = "prod-eu/shop/support"
)

// shop is a partner account at an emulated vendor.
type shop struct {
	*emulator.Server
	*Partner
	t      *testing.T
	client *Client
	// watch knows the partner token and all that the vendor makes up.
	watch *canary.Watch
}

// openShop opens an account without instances.
func openShop(t *testing.T, behavior emulator.PartnerBehavior) *shop {
	t.Helper()
	watch := &canary.Watch{}
	watch.Add(testPartnerToken)
	vendor := emulator.New(emulator.Options{RateInterval: -1, OnToken: func(token string) { watch.Add(token) }})
	vendor.AddAccount(emulator.Account{Name: "reseller", Token: testPartnerToken, Behavior: behavior})
	server := httptest.NewServer(vendor)
	t.Cleanup(func() { vendor.Close(); server.Close() })
	client := New(Options{Timeout: 10 * time.Second, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "test"})
	return &shop{Server: vendor, Partner: mustPartner(t, client, server.URL, testPartnerToken), t: t, client: client, watch: watch}
}

func mustPartner(t *testing.T, client *Client, url, token string) *Partner {
	t.Helper()
	partner, err := client.Partner(PartnerTarget{Origin: mustOrigin(t, url), Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return partner
}

func (s *shop) create(name string) (Created, error) {
	return s.Create(s.t.Context(), name, NewPermit(time.Minute))
}

// bought creates an instance, which has to succeed.
func (s *shop) bought(name string) Created {
	s.t.Helper()
	created, err := s.create(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return created
}

// list lists all instances, with the tokens of those with the name.
func (s *shop) list(name string) ([]Row, error) {
	return s.List(s.t.Context(), func(r Row) bool { return r.Name == name })
}

func (s *shop) listed(name string) []Row {
	s.t.Helper()
	rows, err := s.list(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

func TestAnInstanceIsBoughtListedAndDeleted(t *testing.T) {
	s := openShop(t, emulator.PartnerBehavior{})
	created := s.bought(lineName)
	s.bought("another")
	in, _ := s.Get(created.ID)
	if created.Messenger != "whatsapp" || created.Token.Reveal() != in.Token || created.APIURL != s.api.target.Origin.String() {
		t.Errorf("created %+v with the token %q", created, created.Token.Reveal())
	}
	if calls := s.Calls(0, MethodCreateInstance); len(calls) != 2 || fmt.Sprint(calls[0].Body) != "map[name:"+lineName+"]" || calls[0].Connection == calls[1].Connection {
		t.Errorf("the calls were %+v, want two with the name alone and connections of their own", calls)
	}
	rows := s.listed(lineName)
	if len(rows) != 2 || rows[0].ID != created.ID || rows[0].Name != lineName || rows[0].Messenger != "whatsapp" || rows[0].Deleted || rows[0].Expired {
		t.Fatalf("the rows are %+v", rows)
	}
	if rows[0].Token.Reveal() != in.Token || rows[0].APIURL != created.APIURL {
		t.Errorf("the row that was asked for is %+v with the token %q", rows[0], rows[0].Token.Reveal())
	}
	if deleted, err := s.Delete(t.Context(), created.ID, NewPermit(time.Minute)); !deleted || err != nil {
		t.Errorf("deleting: %v, %v", deleted, err)
	}
	s.Update(s.listed("")[1].ID, func(in *emulator.Instance) { in.Expired = true })
	if rows := s.listed(""); !rows[0].Deleted || rows[0].Expired || rows[1].Deleted || !rows[1].Expired {
		t.Errorf("the rows are %+v", rows)
	}
	_, err := s.Delete(t.Context(), created.ID, NewPermit(time.Minute))
	if status, ok := errors.AsType[*StatusError](err); !ok || status.Cause != CauseNotFound || !TookNoEffect(err) {
		t.Errorf("deleting twice: %v", err)
	}
}

// TestP12OnlyTheTokenThatWasAskedForIsKept: the list holds the token of every customer.
func TestP12OnlyTheTokenThatWasAskedForIsKept(t *testing.T) {
	s := openShop(t, emulator.PartnerBehavior{})
	for _, name := range []string{lineName, "another", "third"} {
		s.bought(name)
	}
	for i, row := range s.listed(lineName) {
		if asked := i == 0; (row.Token.Reveal() != "") != asked || (row.APIURL != "") != asked {
			t.Errorf("row %d, %s, has the token %q and the address %q", i, row.Name, row.Token.Reveal(), row.APIURL)
		}
	}
	rows, err := s.List(t.Context(), nil)
	if err != nil || len(rows) != 3 || rows[0].Token != (Secret{}) {
		t.Errorf("without being asked: %+v, %v", rows, err)
	}
}

// TestR22ErrorsOfPartnerMethods: each fault is known by its type, and by whether it may have cost money.
func TestR22ErrorsOfPartnerMethods(t *testing.T) {
	lost := emulator.Fault{Drop: true, AfterEffect: true}
	for name, test := range map[string]struct {
		fault emulator.Fault
		want  Cause
		// sold is whether the vendor sold it in spite of the error, noEffect what TookNoEffect has to say.
		sold, noEffect bool
	}{
		"the answer is lost":         {fault: lost, sold: true},
		"the call is lost":           {fault: emulator.Fault{Drop: true}},
		"504 after the effect":       {fault: emulator.Fault{Status: 504, AfterEffect: true}, want: CauseUnavailable, sold: true},
		"499":                        {fault: emulator.Fault{Status: 499}, want: CauseUnavailable},
		"half an answer":             {fault: emulator.Fault{Answer: emulator.AnswerTruncated}, sold: true},
		"an answer that is cut off":  {fault: emulator.Fault{Answer: emulator.AnswerCutOff}, sold: true},
		"an empty answer":            {fault: emulator.Fault{Answer: emulator.AnswerEmpty, AfterEffect: true}, sold: true},
		"null":                       {fault: emulator.Fault{Answer: emulator.AnswerNull, AfterEffect: true}, sold: true},
		"an answer without a number": {fault: emulator.Fault{Body: `{"apiTokenInstance":"abc"}`, AfterEffect: true}, sold: true},
		"HTML":                       {fault: emulator.Fault{Body: `<html></html>`, AfterEffect: true}, sold: true},
		"200 with 401":               {fault: emulator.Fault{Answer: emulator.AnswerCodeInBody}, want: CauseUnauthorized, noEffect: true},
		"200 with 404":               {fault: emulator.Fault{Answer: emulator.AnswerCodeInBody, Status: 404}, want: CauseNotFound, noEffect: true},
		"200 with 500":               {fault: emulator.Fault{Answer: emulator.AnswerCodeInBody, Status: 500}, want: CauseUnavailable},
		"400":                        {fault: emulator.Fault{Status: 400}, want: CauseRefused, noEffect: true},
		"429":                        {fault: emulator.Fault{Status: 429}, want: CauseRateLimited, noEffect: true},
		"a redirect":                 {fault: emulator.Fault{Location: "https://elsewhere.example{path}"}, noEffect: true},
	} {
		s := openShop(t, emulator.PartnerBehavior{})
		test.fault.Method = MethodCreateInstance
		s.Fault(test.fault)
		_, err := s.create(lineName)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if status, ok := errors.AsType[*StatusError](err); ok != (test.want != "") || ok && status.Cause != test.want {
			t.Errorf("%s: %v, want the cause %q", name, err, test.want)
		}
		if got := TookNoEffect(err); got != test.noEffect {
			t.Errorf("%s: TookNoEffect(%v) = %v", name, err, got)
		}
		if sold := len(s.Sold(lineName)); sold > 1 || (sold == 1) != test.sold {
			t.Errorf("%s: %d were sold", name, sold)
		}
		if calls := len(s.Calls(0, MethodCreateInstance)); calls != 1 {
			t.Errorf("%s: %d calls came", name, calls)
		}
		if found := s.watch.Search(printed(err)); found != "" {
			t.Errorf("%s: the error holds a token: %s", name, found)
		}
		rows := s.listed(lineName)
		if (len(rows) == 1) != test.sold {
			t.Errorf("%s: the list is %+v", name, rows)
		}
	}
}

// TestP2ACreateIsNeverRepeated: not by net/http on a kept connection, and not after its permit.
func TestP2ACreateIsNeverRepeated(t *testing.T) {
	s := openShop(t, emulator.PartnerBehavior{})
	// A connection is kept.
	s.listed("")
	s.Fault(emulator.Fault{Method: MethodCreateInstance, Drop: true, AfterEffect: true})
	if _, err := s.create(lineName); err == nil || TookNoEffect(err) {
		t.Errorf("a lost answer: %v", err)
	}
	if _, err := s.Create(t.Context(), lineName, Permit{issued: time.Now().Add(-time.Hour), within: time.Minute}); !TookNoEffect(err) {
		t.Errorf("without a permit: %v", err)
	}
	if _, err := s.create(""); !TookNoEffect(err) {
		t.Errorf("without a name: %v", err)
	}
	for _, id := range []int64{0, -1, maxID + 1} {
		if _, err := s.Delete(t.Context(), id, NewPermit(time.Minute)); !TookNoEffect(err) {
			t.Errorf("deleting %d: %v", id, err)
		}
	}
	if _, err := s.Delete(t.Context(), 710700000001, Permit{issued: time.Now().Add(-time.Hour), within: time.Minute}); !TookNoEffect(err) {
		t.Errorf("deleting without a permit: %v", err)
	}
	if ledger := s.Ledger(); len(ledger) != 1 || len(s.Calls(0, "")) != 2 {
		t.Errorf("the ledger is %+v, the calls %+v", ledger, s.Calls(0, ""))
	}
}

// TestAnswersOfTheVendorAreReadLeniently: numbers as texts, no address, a new instance that shows late or knows no token.
func TestAnswersOfTheVendorAreReadLeniently(t *testing.T) {
	s := openShop(t, emulator.PartnerBehavior{IDsAsText: true, APIURL: emulator.APIURLNone, RefuseNew: time.Hour})
	s.UpdateAccount("reseller", func(a *emulator.Account) { a.Messenger = emulator.Telegram })
	created := s.bought(lineName)
	if created.ID != 410000000001 || created.APIURL != "" || created.Messenger != "telegram" {
		t.Errorf("created %+v", created)
	}
	if rows := s.listed(lineName); len(rows) != 1 || rows[0].ID != created.ID || rows[0].APIURL != "" || rows[0].Messenger != "telegram" {
		t.Errorf("the rows are %+v", rows)
	}
	_, err := s.instance(created).State(t.Context())
	if status, ok := errors.AsType[*StatusError](err); !ok || status.Cause != CauseUnauthorized {
		t.Errorf("a new instance: %v", err)
	}
	s.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior = emulator.PartnerBehavior{Late: time.Hour} })
	s.bought("late")
	if rows := s.listed("late"); len(rows) != 1 {
		t.Errorf("an effect that is late shows in %+v", rows)
	}
	for body, want := range map[string]Created{
		`{"idInstance":7107000001}`: {ID: 7107000001},
		`{"idInstance":" 7107000001 ","apiTokenInstance":"a b","messenger":"v3","apiUrl":7}`:        {ID: 7107000001, Messenger: "v3"},
		`{"idInstance":7107000001.0,"typeInstance":"` + strings.Repeat("x", 99) + `","apiUrl":"x"}`: {ID: 7107000001, Messenger: strings.Repeat("x", 64), APIURL: "x"},
	} {
		if got, what := decodeCreated([]byte(body)); got != want || what != "" {
			t.Errorf("%s reads as %+v, %s", body, got, what)
		}
	}
	for _, id := range []string{`0`, `-1`, `1.5`, `"x"`, `true`, `null`, `[1]`, `9007199254740992`, `1e30`, `""`} {
		if got, what := decodeCreated([]byte(`{"idInstance":` + id + `}`)); what == "" {
			t.Errorf("%s reads as the number %d", id, got.ID)
		}
	}
}

// instance is the API of what was created.
func (s *shop) instance(created Created) *Instance {
	s.t.Helper()
	instance, err := s.client.Instance(Target{Origin: s.api.target.Origin, ID: created.ID, Token: created.Token.Reveal(), AccountMethod: MethodGetWaSettings})
	if err != nil {
		s.t.Fatal(err)
	}
	return instance
}
