// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"strings"
	"testing"
)

// refusal is what a line shows whose vendor refuses settings with a text, while it wishes for values.
func refusal(t *testing.T, text string, wished ...string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"message": text})
	if err != nil {
		t.Fatal(err)
	}
	_, err = answering(t, canned{code: 400, body: body}, wished...).Settings(t.Context())
	status, ok := errors.AsType[*StatusError](err)
	if !ok {
		t.Fatalf("%v is no StatusError", err)
	}
	return status.Message
}

// TestR24OfURLsInTextsSchemeAndHostAreShown: whatever the vendor says of a URL, and however it writes it.
func TestR24OfURLsInTextsSchemeAndHostAreShown(t *testing.T) {
	for text, want := range map[string]string{
		"":                                            "",
		"all is well: 5/7":                            "all is well: 5/7",
		"see https://a.example.":                      "see https://a.example.",
		"'https://a.example/' is no URL":              "'https://a.example/' is no URL",
		"https://a.example:8443 fails":                "https://a.example:8443 fails",
		"https://a.example/s3 fails":                  "https://a.example/… fails",
		"HTTPS://A.example:8443/s3":                   "HTTPS://A.example:8443/…",
		"https://a.example?s3":                        "https://a.example/…",
		"https://a.example#s3":                        "https://a.example/…",
		"https://s3@a.example":                        "https://a.example/…",
		"https://u:s3@a.example":                      "https://a.example/…",
		"https://u:s3@x@a.example/":                   "https://a.example/…",
		"https://u:12/s3@a.example/":                  "https://…",
		"https://u:12#s3@a.example/":                  "https://…",
		"https://s3:s3":                               "https://…",
		"https://a_s3/x":                              "https://…",
		"https://%zz/s3":                              "https://…",
		"https://a.example/%zz%s3":                    "https://a.example/…",
		"https://a.example/x;k=s3?;s3=1;2":            "https://a.example/…",
		"http://[::1]:80/s3":                          "http://[::1]:80/…",
		"socks5://u:s3@a.example:1080":                "socks5://a.example:1080/…",
		`{"u":"https:\/\/a.example\/s3"} bad`:         "{\"u\":\"https://a.example/… bad",
		`"https:\\/\\/a.example\\/s3"`:                `"https://a.example/…`,
		"to=https%3A%2F%2Fa.example%2Fs3 bad":         "to=https://a.example/… bad",
		"https%253A%252F%252Fa.example%252Fs3":        "https://a.example/…",
		"https%3A%2F%2Fu%3As3%40a.example":            "https://…",
		"https://a.example/1 and https://b.example/2": "https://a.example/… and https://b.example/…",
	} {
		if got := refusal(t, text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// TestR24PartsOfTheWebhookURLAreConcealed: also where the vendor quotes a part of it alone.
func TestR24PartsOfTheWebhookURLAreConcealed(t *testing.T) {
	const (
		user, password, bare = "user-5ecret", "pa55w0rd-5ecret", "bare-5ecret"
		tail                 = "/services/T0/B0/x?bare-5ecret"
	)
	for _, test := range []struct{ wished, quoted string }{
		{"https://user-5ecret:pa55w0rd-5ecret@a.example/", user},
		{"https://user-5ecret:pa55w0rd-5ecret@a.example/", password},
		{"https://user-5ecret@a.example", user},
		{"https://u:pa55/w0rd-5ecret@a.example", "w0rd-5ecret, u:pa55/w0rd-5ecret"},
		{"https://a.example/?bare-5ecret", bare},
		{"https://a.example?a=1;key=semi-5ecret;b=2", "semi-5ecret"},
		{"https://a.example?a=1&key=and-5ecret", "and-5ecret"},
		{"https://a.example?name-of-a-5ecret-key=1", "name-of-a-5ecret-key"},
		{"https://a.example?key=100%-5ecret", "100%-5ecret"},
		{"https://a.example?key=100%25-5ecret", "100%-5ecret"},
		{"https://a.example/%zz/path-5ecret-path-5ecret", "path-5ecret-path-5ecret"},
		{"https://a.example/#fragment-5ecret", "fragment-5ecret"},
		{"https://a.example" + tail, tail},
		{"https://a.example" + tail, tail[:16]},
		{"https://a.example/?a+b+c+d+e+f", "a b c d e f"},
		{"no URL, but a 5ecret", "no URL, but a 5ecret"},
	} {
		for how, text := range map[string]string{
			"plain": test.quoted, "in capitals": strings.ToUpper(test.quoted), "escaped": url.QueryEscape(test.quoted), "escaped twice": url.QueryEscape(url.PathEscape(test.quoted)),
			"at the cut": strings.Repeat("x", maxMessageLength-len(test.quoted)/2) + " " + test.quoted,
			"in base64":  base64.StdEncoding.EncodeToString([]byte(test.quoted)), "in hexadecimal": hex.EncodeToString([]byte(test.quoted)),
		} {
			if got := refusal(t, "refused: "+text, test.wished); got != concealed {
				t.Errorf("%s of %s, %s, is shown: %q", test.quoted, test.wished, how, got)
			}
		}
	}
	for _, harmless := range []string{"a.example says no", "the path is /services", "key must be a number", "x"} {
		if got := refusal(t, harmless, "https://u:p@a.example/services/x?key=1#x"); got != harmless {
			t.Errorf("%q is shown as %q", harmless, got)
		}
	}
}

// TestR24EncodedTokensAreConcealed: eight characters of a token in a row, in base64 or hexadecimal, behind anything.
func TestR24EncodedTokensAreConcealed(t *testing.T) {
	part := testToken[5:13]
	for _, secret := range []string{testToken, part, fuzzWebhookToken} {
		for shift := range 5 {
			in := strings.Repeat("~", shift) + secret + "~"
			for how, text := range map[string]string{
				"base64": base64.StdEncoding.EncodeToString([]byte(in)), "base64 for URLs": base64.URLEncoding.EncodeToString([]byte(in)),
				"base64 without padding": base64.RawStdEncoding.EncodeToString([]byte(in)), "raw base64 for URLs": base64.RawURLEncoding.EncodeToString([]byte(in)),
				"hexadecimal": hex.EncodeToString([]byte(in)), "capital hexadecimal": strings.ToUpper(hex.EncodeToString([]byte(in))),
				"base64 in a URL": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(in))),
				"HTML":            html.EscapeString(in), "numbered HTML": numbered(in), "JSON": escapedJSON(in),
			} {
				for _, before := range []string{"", "x", "xy/", "is ", "a1"} {
					if got := refusal(t, before+text); got != concealed {
						t.Errorf("%q in %s behind %q is shown: %q", in, how, before, got)
					}
				}
			}
		}
	}
	for _, harmless := range []string{"BAE5F4886F6F2D05", "79001234567@c.us", base64.StdEncoding.EncodeToString([]byte("nothing of importance")), hex.EncodeToString([]byte("nothing of importance"))} {
		if got := refusal(t, harmless); got != harmless {
			t.Errorf("%q is shown as %q", harmless, got)
		}
	}
}

// numbered writes every character as HTML may.
func numbered(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteString("&#x" + hex.EncodeToString([]byte{c}) + ";")
	}
	return b.String()
}

// escapedJSON writes every character as JSON may.
func escapedJSON(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteString(`\u00` + hex.EncodeToString([]byte{c}))
	}
	return b.String()
}

// TestR24OfATextThatIsTooLongToSearchNothingIsShown: what was cut off could be the rest of a secret.
func TestR24OfATextThatIsTooLongToSearchNothingIsShown(t *testing.T) {
	if got := refusal(t, strings.Repeat("x", maxExamined)); got != strings.Repeat("x", maxMessageLength) {
		t.Errorf("shown is %q", got)
	}
	if got := refusal(t, strings.Repeat("x", maxExamined+1)); got != concealed {
		t.Errorf("shown is %q", got)
	}
}

// TestR24AnAvatarIsAURL: links that the vendor shows as such stay as they are, unless they hold a secret.
func TestR24AnAvatarIsAURL(t *testing.T) {
	const picture, secret = "https://pps.example/v/t61.24694-24/a.jpg?ccb=11-4&oh=01_Q5&oe=68", "https://a.example/services/T00000000/x"
	for body, want := range map[string]string{
		`{"avatar":"` + picture + `"}`:                                      picture,
		`{"avatar":"https://x.example/?u=/services/T00000000/x"}`:           concealed,
		`{"avatar":"https://x.example/?u=` + url.QueryEscape(secret) + `"}`: concealed,
	} {
		account, err := answering(t, canned{code: 200, body: []byte(body)}, secret).Account(t.Context())
		if err != nil || account.AvatarURL != want {
			t.Errorf("%s shows %q, %v", body, account.AvatarURL, err)
		}
	}
}

// FuzzURLs quotes a wished URL whole and in part: of what follows its host nothing shows that is long enough to be a secret.
func FuzzURLs(f *testing.F) {
	for _, seed := range []string{
		"https://user:5ecret-5ecret@a.example/x", "https://a.example?5ecret-5ecret", "https://a.example/;5ecret-5ecret", "https://a.example/%zz?x=%5ecret-5ecret",
		"https://u:p/5ecret-5ecret@a.example", "https://a.example/?a=1;b=5ecret-5ecret", "https://[::1]/5ecret-5ecret#x@y", "https://5ecret-5ecret", `https://a.example\5ecret-5ecret`,
	} {
		f.Add("Validation failed: ", seed, " is no URL", uint8(0))
		f.Add("", seed, "", uint8(1))
		f.Add(strings.Repeat("x", 170), seed, "\"", uint8(2))
	}
	f.Fuzz(func(t *testing.T, before, wished, behind string, form uint8) {
		text := wished
		switch form % 3 {
		case 1:
			text = url.QueryEscape(text)
		case 2:
			text = strings.ReplaceAll(text, "/", `\/`)
		}
		hidden := discretion{tokens: fuzzSecrets, parts: SecretParts(wished)}
		got := hidden.text(before+text+behind, maxMessageLength)
		shown(t, "the text", got, max(maxMessageLength, len(concealed)))
		if got == concealed {
			return
		}
		for _, part := range hidden.parts {
			if len(part) >= longWord && strings.Contains(got, part) {
				t.Errorf("%q shows %q of %q", got, part, wished)
			}
		}
	})
}
