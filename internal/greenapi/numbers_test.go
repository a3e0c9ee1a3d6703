// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
)

// TestR36NoMessageShowsANumber: the vendor may quote the number of an account in any of its texts, as programs and people write it.
func TestR36NoMessageShowsANumber(t *testing.T) {
	const id, number = 7107000001, "79161234567"
	for text, want := range map[string]string{
		"":                       "",
		"the account is blocked": "the account is blocked",
		"no number 79161234567 in instance 7107000001":     "no number (a number, not shown) in instance 7107000001",
		"wid 79161234567@c.us, +79161234567":               "wid (a number, not shown)@c.us, (a number, not shown)",
		"call +7 (916) 123-45-67 or 7.916.123.45.67":       "call (a number, not shown) or (a number, not shown)",
		"pool 7107, code 123456, 15 seconds, 100%":         "pool 7107, code 123456, 15 seconds, 100%",
		"٧٩١٦١٢٣٤٥٦٧":                                      "(a number, not shown)",
		"71070000011":                                      "(a number, not shown)",
		"7916%31%32%33%34%35%36%37 is taken":               textWithNumber,
		`\u0037\u0039\u0031\u0036\u0031\u0032\u0033\u0034`: textWithNumber,
	} {
		if got := HideNumbers(text, id); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{base64.StdEncoding.EncodeToString([]byte("phone " + number)), url.QueryEscape("+" + number), "3739313631323334353637"} {
		if got := HideNumbers("no "+text+" here", id); strings.Contains(got, text) {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestR36TheClientHidesNumbersOnlyWhereItIsTold: an account's own fields stay as they are, since a mask is made of them.
func TestR36TheClientHidesNumbersOnlyWhereItIsTold(t *testing.T) {
	const said = `{"message":"79161234567 is not registered","stateInstance":"lost79161234567","phone":79161234567}`
	for hides, want := range map[bool]string{false: "79161234567", true: "(a number, not shown)"} {
		hide := func(_ *Options, target *Target) { target.HideNumbers = hides }
		_, err := dial(t, answer(500, said), hide).State(t.Context())
		failed, ok := errors.AsType[*StatusError](err)
		if !ok || failed.Message != want+" is not registered" {
			t.Errorf("hides %t: %v", hides, err)
		}
		state, err := dial(t, answer(200, said), hide).State(t.Context())
		if err != nil || state != "lost"+want {
			t.Errorf("hides %t: state %q, %v", hides, state, err)
		}
		instance := dial(t, answer(200, said), hide)
		account, err := instance.Account(t.Context())
		if err != nil || account.State != "lost"+want || account.Phone != "79161234567" {
			t.Errorf("hides %t: account %+v, %v", hides, account, err)
		}
		if got := instance.Conceal("delay 79161234567"); got != "delay "+want {
			t.Errorf("hides %t: a value %q", hides, got)
		}
	}
}

// TestTheAccountAsWhatsAppShowsIt: the number is a JSON number, and the picture itself is not kept, however long it is.
func TestTheAccountAsWhatsAppShowsIt(t *testing.T) {
	picture := strings.Repeat("iVBORw0KGgo", 20000)
	account, err := dial(t, answer(200, `{"avatar":"https://pictures.example/a.jpg","base64Avatar":"`+picture+`","chatId":"79161234567@c.us","phone":79161234567,
		"historySyncProgress":87,"stateInstance":"authorized","deviceId":"79161234567:8@s.whatsapp.net","logoutProcess":false}`)).Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if account.HistorySyncProgress == nil || *account.HistorySyncProgress != 87 {
		t.Errorf("the progress is %v", account.HistorySyncProgress)
	}
	account.HistorySyncProgress = nil
	want := Account{State: "authorized", Phone: "79161234567", ChatID: "79161234567@c.us", DeviceID: "79161234567:8@s.whatsapp.net", AvatarURL: "https://pictures.example/a.jpg"}
	if account != want {
		t.Errorf("%+v, want %+v", account, want)
	}
}

// TestR36TheVendorsWordsShowNoNumber: a state of the history and a kind of code are words of the vendor's like any other.
func TestR36TheVendorsWordsShowNoNumber(t *testing.T) {
	hide := func(_ *Options, target *Target) { target.HideNumbers = true }
	changes, err := dial(t, answer(200, `[{"stateInstance":"moved to 79161234567","timestamp":1767323110}]`), hide).StateHistory(t.Context())
	if err != nil || len(changes) != 1 || changes[0].State != "moved to "+hiddenNumber {
		t.Errorf("%v, %v", changes, err)
	}
	code, err := dial(t, answer(200, `{"type":"sent to 79161234567","message":""}`), hide).QR(t.Context())
	if err != nil || code.Kind != "sent to "+hiddenNumber {
		t.Errorf("%v, %v", code, err)
	}
}

// TestR36NumbersWithTheHyphensOfMessengers: WhatsApp itself writes one at which no line breaks.
func TestR36NumbersWithTheHyphensOfMessengers(t *testing.T) {
	for _, text := range []string{"+7 916 123\u201145\u201167", "7\u2011916\u2011123\u201145\u201167", "7 - 916 - 123 - 45 - 67", "+7\u00a0916\u00a0123\u00a045\u00a067", "7 \u2013 916 \u2013 123 \u2013 45 \u2013 67"} {
		if got := HideNumbers("call "+text, 1); got != "call "+hiddenNumber {
			t.Errorf("%q: %q", text, got)
		}
	}
}
