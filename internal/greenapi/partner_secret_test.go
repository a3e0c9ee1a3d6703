// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// printed prints a value in all the ways in which it may get into a log.
func printed(value any) string {
	inJSON, _ := json.Marshal(value)
	var structured strings.Builder
	slog.New(slog.NewJSONHandler(&structured, nil)).Info("x", "value", value)
	slog.New(slog.NewTextHandler(&structured, nil)).Info("x", "value", value)
	type inside struct{ value any }
	return fmt.Sprintf("%v %+v %#v %s %s %q %x %v %+v %s", value, value, value, value, inJSON, value, value, inside{value}, &inside{value}, structured.String())
}

// TestR21ATokenIsRotatedOnce, whatever becomes of the answer, and the new one does not show.
func TestR21ATokenIsRotatedOnce(t *testing.T) {
	s := openShop(t, emulator.PartnerBehavior{})
	created := s.bought(lineName)
	// A connection is kept, on which net/http would make a GET once more.
	if _, err := s.instance(created).State(t.Context()); err != nil {
		t.Fatal(err)
	}
	rotated := func() int {
		n := 0
		for _, entry := range s.Ledger() {
			if entry.What == emulator.EntryRotated {
				n++
			}
		}
		return n
	}
	old := s.instance(created)
	token, err := old.UpdateAPIToken(t.Context(), NewPermit(time.Minute))
	if in, _ := s.Get(created.ID); err != nil || token.Reveal() != in.Token || token.Reveal() == created.Token.Reveal() || rotated() != 1 {
		t.Fatalf("%q, %v, rotated %d times", token.Reveal(), err, rotated())
	}
	if found := s.watch.Search(printed(token) + printed(created) + printed(Row{Token: token})); found != "" {
		t.Errorf("a token shows: %s", found)
	}
	_, err = old.UpdateAPIToken(t.Context(), NewPermit(time.Minute))
	if status, ok := errors.AsType[*StatusError](err); !ok || status.Cause != CauseUnauthorized || !TookNoEffect(err) {
		t.Errorf("the old token: %v", err)
	}
	created.Token = token
	if _, err := s.instance(created).UpdateAPIToken(t.Context(), Permit{issued: time.Now().Add(-time.Hour), within: time.Minute}); !TookNoEffect(err) || rotated() != 1 {
		t.Errorf("without a permit: %v, rotated %d times", err, rotated())
	}
	for i, fault := range []emulator.Fault{{Drop: true}, {Status: 502}, {Answer: emulator.AnswerCutOff}, {Body: `{"apiTokenInstance":null}`}} {
		in, _ := s.Get(created.ID)
		created.Token = NewSecret(in.Token)
		fault.Method, fault.AfterEffect = MethodUpdateAPIToken, true
		s.Fault(fault)
		if _, err := s.instance(created).UpdateAPIToken(t.Context(), NewPermit(time.Minute)); err == nil || TookNoEffect(err) || rotated() != 2+i {
			t.Errorf("%+v: %v, rotated %d times", fault, err, rotated())
		}
	}
	if rows := s.listed(lineName); len(rows) != 1 || rows[0].Token.Reveal() == created.Token.Reveal() {
		t.Error("the list does not recover the token")
	}
}

// TestR24NoTokenThatNobodyKnewShows: what the vendor says of these methods may hold tokens that cannot be searched for.
func TestR24NoTokenThatNobodyKnewShows(t *testing.T) {
	const unknown = "a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5"
	for _, text := range []string{unknown, "no " + unknown + "!", percents(unknown), "gac." + unknown[:9], strings.ToUpper("x GAC." + unknown[:9])} {
		for name, call := range calls(t.Context(), dial(t, answer(400, `{"message":"`+text+`"}`))) {
			status, ok := errors.AsType[*StatusError](call())
			partner := strings.Contains(strings.ToLower(text), "gac.")
			if !ok || (showsTokens[name] || partner) != (status.Message == concealed) {
				t.Errorf("%s shows %q of %q", name, status.Message, text)
			}
		}
	}
	if got := Conceal("see gac.0123456789"); got != concealed {
		t.Errorf("a partner token is shown: %q", got)
	}
	p := openShop(t, emulator.PartnerBehavior{}).Partner
	for text, want := range map[string]string{lineName: lineName, "a\nb\u202ec": "abc", "x " + testPartnerToken[4:12]: concealed, strings.Repeat("ä", 300): strings.Repeat("ä", 256)} {
		if got := p.Shown(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

func TestR24APartnerTokenGoesToAllowedHostsAlone(t *testing.T) {
	client := New(Options{Timeout: time.Second, AllowedHosts: DefaultAllowedHosts})
	for _, test := range []struct{ origin, token string }{
		{"https://elsewhere.example", testPartnerToken}, {"http://api.green-api.com", testPartnerToken}, {"https://api.green-api.com", "gac.a/b"}, {"https://api.green-api.com", "gac.a?b"},
	} {
		_, err := client.Partner(PartnerTarget{Origin: mustOrigin(t, test.origin), Token: test.token})
		if _, ok := errors.AsType[*EndpointError](err); !ok || strings.Contains(err.Error(), "gac") {
			t.Errorf("%s with %s: %v", test.origin, test.token, err)
		}
	}
	none := mustPartner(t, client, "https://api.green-api.com", "")
	_, err1 := none.List(context.Background(), nil)
	_, err2 := none.Create(context.Background(), "x", NewPermit(time.Minute))
	if !TookNoEffect(err2) || err1 == nil || !strings.HasSuffix(err1.Error(), "there is no token to call with") {
		t.Errorf("without a token: %v, %v", err1, err2)
	}
	if url := mustPartner(t, client, "https://api.green-api.com", testPartnerToken).api.url(MethodGetInstances); url != "https://api.green-api.com/partner/getInstances/"+testPartnerToken {
		t.Errorf("the URL is %s", url)
	}
}

func TestObserverSeesPartnerMethods(t *testing.T) {
	var seen []string
	instance := dial(t, answer(http.StatusOK, `{"code":401}`), func(o *Options, _ *Target) {
		o.Observer = func(method, code string, _ time.Duration) { seen = append(seen, method+" "+code) }
	})
	_, _ = partnerOf(instance).List(t.Context(), nil)
	_, _ = partnerOf(instance).Create(t.Context(), "x", NewPermit(time.Minute))
	if strings.Join(seen, ",") != "getInstances 401,createInstance 401" {
		t.Errorf("seen %v", seen)
	}
}
