// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// percents writes every character as %XX.
func percents(text string) string {
	var b strings.Builder
	for i := range len(text) {
		b.WriteString("%" + hex.EncodeToString([]byte{text[i]}))
	}
	return b.String()
}

func TestR24Conceal(t *testing.T) {
	secrets := []string{"0123456789abcdef", "short", "Bearer a+b c:d/e"}
	for text, hidden := range map[string]bool{
		"all is well": false, "x 01234567 x": true, "x 89ABCDEF x": true, "x 0123456 x": false, "so short": true, "": false,
		percents("01234567"): true, percents("0123456"): false, strings.ToUpper(percents("89abcdef")): true,
		"it is 100% " + percents("01234567"): true, "%zz%" + percents("01234567"): true, percents("01234567") + "%": true, percents("01234567") + "%3": true,
		percents(percents("01234567")): true, url.QueryEscape(percents("456789ab")): true, "0123%34567": true, "%": false, "%%": false, "%4": false, "100%": false,
		"Bearer+a": true, "Bearer%20a": true, "Bearer a%2Bb": true, url.QueryEscape("Bearer a+b c:d/e"): true, url.PathEscape("r a+b c:"): true,
	} {
		if got := Conceal(text, secrets...) == concealed; got != hidden {
			t.Errorf("Conceal(%q): hidden %v, want %v", text, got, hidden)
		}
	}
	if Conceal("anything", "") != "anything" {
		t.Error("an empty secret hides everything")
	}
}

// vendorTexts asks for every text of the vendor's that may be shown: all hold what is given.
func vendorTexts(t *testing.T, text string) map[string]string {
	t.Helper()
	raw, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	// encoding/json repairs what is no UTF-8, which a vendor does not.
	return textsOf(t, strings.ReplaceAll(string(raw), `\ufffd`, "\xff"))
}

func textsOf(t *testing.T, quoted string) map[string]string {
	t.Helper()
	fields := map[string]string{}
	good := dial(t, answer(200, strings.ReplaceAll(`{"stateInstance":X,"phone":X,"chatId":X,"deviceId":X,"avatar":X,"suspendedUntil":X,"typeInstance":X}`, "X", quoted)))
	state, err := good.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account, err := good.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fields["state"], fields["the account's state"], fields["phone"] = state, account.State, account.Phone
	fields["chatId"], fields["deviceId"], fields["avatarUrl"] = account.ChatID, account.DeviceID, account.AvatarURL
	for name, call := range calls(t.Context(), dial(t, answer(400, `{"message":`+quoted+`,"description":`+quoted+`}`))) {
		status, ok := errors.AsType[*StatusError](call())
		if !ok {
			t.Fatalf("%s gives no StatusError", name)
		}
		fields["message of "+name] = status.Message
	}
	return fields
}

// TestR24NoVendorTextHoldsAPartOfASecret: eight characters in a row of the token, wherever they are from and however they
// are written, hide the text; seven do not.
func TestR24NoVendorTextHoldsAPartOfASecret(t *testing.T) {
	part := func(at, length int) string { return testToken[at : at+length] }
	last := len(testToken) - 8
	for _, text := range []string{
		testToken, "x" + part(0, 8) + "x", part(16, 8), part(last, 8), strings.ToUpper(testToken), "https://x.example/" + testToken + "/a.jpg?sig=1", "https://x.example/?u=" + url.QueryEscape("/"+testToken),
		percents(part(3, 8)), url.PathEscape(percents(part(0, 8))), "5% " + percents(part(0, 8)), part(0, 4) + "\u200b" + part(4, 4), part(0, 4) + "\u0000" + part(4, 4), part(0, 4) + "�" + part(4, 4), part(0, 4) + "\u202e" + part(4, 4),
	} {
		for field, shown := range vendorTexts(t, text) {
			if shown != concealed {
				t.Errorf("%s shows %q of %q", field, shown, text)
			}
		}
	}
	for field, shown := range vendorTexts(t, "a "+part(0, 7)+" b "+part(10, 7)) {
		if shown == concealed {
			t.Errorf("%s hides seven characters", field)
		}
	}
}

// TestVendorTextsAreFitToBeShown: of valid UTF-8, on one line, without characters that change how others read, and no
// longer than the field that shows them.
func TestVendorTextsAreFitToBeShown(t *testing.T) {
	limits := map[string]int{
		"state": maxStateLength, "the account's state": maxStateLength, "phone": maxPhoneLength, "chatId": maxChatIDLength, "deviceId": maxDeviceLength, "avatarUrl": maxAvatarLength,
	}
	odd := "a\u0000b\u001b[31mc\nd\re\tf\u007fg\u0085h\u200bi\u202ej\u2066k\ufeffl�m\u2028n\u2029o" + strings.Repeat("ä", 3000)
	for field, shown := range vendorTexts(t, odd) {
		limit := limits[field]
		if limit == 0 {
			limit = maxMessageLength
		}
		if !strings.HasPrefix(shown, "ab[31mcdefghijklmno") || utf8.RuneCountInString(shown) != limit {
			t.Errorf("%s shows %d characters, want %d: %.60q", field, utf8.RuneCountInString(shown), limit, shown)
		}
		if !utf8.ValidString(shown) {
			t.Errorf("%s is no UTF-8", field)
		}
		for _, r := range shown {
			if !unicode.IsPrint(r) {
				t.Errorf("%s shows %U", field, r)
			}
		}
	}
}
