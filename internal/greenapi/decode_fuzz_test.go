// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

const fuzzWebhookToken = "Bearer wh-5ecret-5ecret"

// fuzzSecrets are what no text may show.
var fuzzSecrets = []string{testToken, fuzzWebhookToken}

// canned answers every request with one answer.
type canned struct {
	code       int
	retryAfter string
	body       []byte
}

// RoundTrip is part of http.RoundTripper.
func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{}
	header.Set("Retry-After", c.retryAfter)
	return &http.Response{StatusCode: c.code, Header: header, Body: io.NopCloser(bytes.NewReader(c.body)), Request: r}, nil
}

// streamed answers with a body that is not held in memory.
type streamed struct {
	canned
	body io.Reader
}

// RoundTrip is part of http.RoundTripper.
func (s streamed) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.canned.RoundTrip(r)
	response.Body = io.NopCloser(s.body)
	return response, err
}

// counter counts what is written to it.
type counter struct{ n *int }

// Write is part of io.Writer.
func (c counter) Write(b []byte) (int, error) {
	*c.n += len(b)
	return len(b), nil
}

// answering returns the API of an instance whose reading methods all get one answer, and which wishes for values.
func answering(t *testing.T, c canned, quotable ...string) *Instance {
	t.Helper()
	origin, err := ParseOrigin("https://api.green-api.com")
	if err != nil {
		t.Fatal(err)
	}
	client := New(Options{Timeout: time.Minute, AllowedHosts: DefaultAllowedHosts})
	client.reading = c
	instance, err := client.Instance(Target{Origin: origin, ID: 1, Token: testToken, AccountMethod: MethodGetWaSettings, Conceal: []string{fuzzWebhookToken}, Quotable: quotable})
	if err != nil {
		t.Fatal(err)
	}
	return instance
}

// shown holds a text that may be shown against what is promised of it.
func shown(t *testing.T, what, text string, limit int) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s is not valid UTF-8: %q", what, text)
	}
	if n := utf8.RuneCountInString(text); n > limit {
		t.Errorf("%s has %d characters, at most %d are allowed", what, n, limit)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }) {
		t.Errorf("%s holds a control character: %q", what, text)
	}
	if part := secretIn(text); part != "" {
		t.Errorf("%s holds the part %q of a secret: %q", what, part, text)
	}
}

// secretIn returns eight characters in a row of a secret that a text holds, as they are or percent-encoded.
func secretIn(text string) string {
	plain := text
	for i := range len(plain) {
		// Whatever is cut or broken around it, an encoded byte is one.
		if i+3 <= len(plain) && plain[i] == '%' {
			if decoded, err := url.PathUnescape(plain[i : i+3]); err == nil {
				plain = plain[:i] + decoded + strings.Repeat("\x00", 3-len(decoded)) + plain[i+3:]
			}
		}
	}
	for _, form := range []string{text, strings.ReplaceAll(plain, "\x00", "")} {
		for _, secret := range fuzzSecrets {
			for i := range len(secret) - 7 {
				if strings.Contains(strings.ToLower(form), strings.ToLower(secret[i:i+8])) {
					return secret[i : i+8]
				}
			}
		}
	}
	return ""
}

// checkError holds an error of a call against what is promised of it.
func checkError(t *testing.T, err error) {
	t.Helper()
	shown(t, "the error", err.Error(), maxMessageLength+100)
	switch e := err.(type) { //nolint:errorlint // exactly one of these is promised
	case *StatusError:
		shown(t, "the message", e.Message, maxMessageLength)
		if e.RetryAfter < 0 || e.RetryAfter > time.Hour {
			t.Errorf("RetryAfter is %s", e.RetryAfter)
		}
		if e.Cause == "" {
			t.Error("no cause")
		}
	case *UnreadableError, *TransportError, *EndpointError:
	default:
		t.Errorf("an error of the type %T", err)
	}
}

// objectIn is what a body says, its numbers as they are; nil if it is no JSON object or too long, so that nothing may be
// concluded from it.
func objectIn(body []byte) (object map[string]any) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if len(body) > maxBody || !json.Valid(body) || decoder.Decode(&object) != nil {
		return nil
	}
	return object
}

func seedAnswers(f *testing.F) {
	f.Helper()
	for _, body := range answerSeeds {
		f.Add([]byte(body))
	}
	f.Add([]byte(`{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`))
	f.Add([]byte("{\"stateInstance\":\"\xff\xfe\",\"phone\":\"\x80\"}"))
}

func FuzzState(f *testing.F) {
	seedAnswers(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		state, err := answering(t, canned{code: 200, body: body}).State(t.Context())
		if err != nil {
			checkError(t, err)
			return
		}
		shown(t, "the state", state, maxStateLength)
		if objectIn(body) == nil && string(bytes.Trim(body, " \t\r\n")) != "null" {
			t.Errorf("the state %q was read from what is no object", state)
		}
	})
}

func FuzzSettings(f *testing.F) {
	seedAnswers(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		settings, err := answering(t, canned{code: 200, body: body}).Settings(t.Context())
		if err != nil {
			checkError(t, err)
			return
		}
		truth := objectIn(body)
		if truth == nil {
			t.Fatalf("%d settings were read from what is no object", len(settings))
		}
		if len(truth) != len(settings) {
			t.Errorf("%d settings of %d", len(settings), len(truth))
		}
		for name, value := range settings {
			checkValue(t, name, value, truth[name])
		}
	})
}

// checkValue: only what says yes or no, a number or a text is taken for one.
func checkValue(t *testing.T, name string, value jsonvalue.Value, truth any) {
	t.Helper()
	kind := jsonvalue.Other
	switch v := truth.(type) {
	case nil:
		kind = jsonvalue.Null
	case bool:
		kind = jsonvalue.Bool
		if (value.Text == "yes") != v || (value.Text == "no") == v {
			t.Errorf("%s: %v reads as %q", name, v, value.Text)
		}
	case json.Number:
		kind = jsonvalue.Number
		want, err1 := v.Float64()
		got, err2 := json.Number(value.Text).Float64()
		if want != got || (err1 == nil) != (err2 == nil) {
			t.Errorf("%s: %s reads as %s", name, v, value.Text)
		}
		if again := shortestNumber(value.Text); again != value.Text || value.Text == "-0" {
			t.Errorf("%s: %s is not in its shortest form, %s", name, value.Text, again)
		}
	case string:
		kind = jsonvalue.String
		if value.Text != v {
			t.Errorf("%s: %q reads as %q", name, v, value.Text)
		}
	}
	if value.Type != kind || (kind == jsonvalue.Null || kind == jsonvalue.Other) && value.Text != "" {
		t.Errorf("%s: %v reads as %+v", name, truth, value)
	}
}

func FuzzAccount(f *testing.F) {
	seedAnswers(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		account, err := answering(t, canned{code: 200, body: body}).Account(t.Context())
		if err != nil {
			checkError(t, err)
			return
		}
		if objectIn(body) == nil {
			t.Errorf("an account was read from what is no object: %+v", account)
		}
		shown(t, "the state", account.State, maxStateLength)
		shown(t, "the phone", account.Phone, maxPhoneLength)
		shown(t, "the chat", account.ChatID, maxChatIDLength)
		shown(t, "the device", account.DeviceID, maxDeviceLength)
		shown(t, "the picture", account.AvatarURL, maxAvatarLength)
		if until := account.SuspendedUntil; until != nil && (until.Year() < 2000 || until.Year() >= 2100) {
			t.Errorf("suspended until %s", until)
		}
		if percent := account.HistorySyncProgress; percent != nil && (*percent < 0 || *percent > 100) {
			t.Errorf("%d percent", *percent)
		}
	})
}

// FuzzYes reads the answers of setSettings and reboot: yes and no are said by a text or a flag only.
func FuzzYes(f *testing.F) {
	seedAnswers(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, name := range []string{"saveSettings", "isReboot"} {
			yes, what := decodeYes(body, name)
			object := objectIn(body)
			if object == nil {
				if what == "" {
					t.Errorf("%s: %v was read from what is no object", name, yes)
				}
				continue
			}
			switch said := object[name].(type) {
			case bool:
				if yes != said || what != "" {
					t.Errorf("%s: %v reads as %v %s", name, said, yes, what)
				}
			case map[string]any, []any:
				if what == "" {
					t.Errorf("%s: %v was taken for %v", name, said, yes)
				}
			}
		}
	})
}

func FuzzIncomingStatuses(f *testing.F) {
	seedAnswers(f)
	for _, body := range statusSeeds {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		summary, err := answering(t, canned{code: 200, body: body}).IncomingStatuses(t.Context(), time.Hour)
		if err != nil {
			checkError(t, err)
			return
		}
		var list []any
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		if err := decoder.Decode(&list); err != nil || list == nil {
			t.Fatalf("a summary of what is no list: %+v", summary)
		}
		var sum int64
		for kind, n := range summary.ByType {
			sum += n
			if !statusTypes[kind] && kind != OtherStatusType || n < 1 {
				t.Errorf("%d of the type %q", n, kind)
			}
		}
		var objects int64
		for _, entry := range list {
			if _, ok := entry.(map[string]any); ok || entry == nil {
				objects++
			}
		}
		if sum != summary.Total || summary.Total != objects {
			t.Errorf("%+v sums up %d objects", summary, objects)
		}
		if at := summary.Latest; at != nil && (at.Year() < 2000 || at.Year() >= 2100) {
			t.Errorf("latest %s", at)
		}
	})
}

// FuzzErrorAnswer: whatever a failed answer looks like, its error says no secret, and never that it succeeded.
func FuzzErrorAnswer(f *testing.F) {
	for i, body := range answerSeeds {
		f.Add(uint16([]int{200, 400, 401, 403, 404, 418, 429, 466, 499, 500, 502}[i%11]), "", []byte(body))
	}
	for _, header := range []string{"7", " 7 ", "0", "-1", "-9223372036854775807", "-18446744073", "99999999999999999999", "1e3", "Wed, 21 Oct 2099 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", "soon"} {
		f.Add(uint16(429), header, []byte(`{"message":"Too many requests"}`))
	}
	f.Fuzz(func(t *testing.T, code uint16, header string, body []byte) {
		code %= 1000
		_, err := answering(t, canned{code: int(code), retryAfter: header, body: body}).Settings(t.Context())
		if err == nil {
			if code >= 300 {
				t.Errorf("%d is no error", code)
			}
			return
		}
		checkError(t, err)
		if wait := retryAfter(header); strings.HasPrefix(strings.TrimSpace(header), "-") && wait != 0 {
			t.Errorf("Retry-After %q means %s", header, wait)
		}
		status, ok := errors.AsType[*StatusError](err)
		if !ok {
			return
		}
		if code >= 400 && status.Code != int(code) || status.Code < 400 {
			t.Errorf("%d became %d", code, status.Code)
		}
		if code < 300 && codeInBody(body) != status.Code {
			t.Errorf("%d became %d, its body says %d", code, status.Code, codeInBody(body))
		}
		if status.Cause == CauseUnauthorized && status.Code != 401 {
			t.Errorf("%d was taken for a refused token", status.Code)
		}
	})
}

// FuzzConceal builds texts around a secret: as it is or encoded, cut anywhere, with anything before and behind.
func FuzzConceal(f *testing.F) {
	f.Add("the token ", uint8(0), uint8(40), uint8(0), " is wrong", uint16(200))
	f.Add("100% ", uint8(3), uint8(8), uint8(1), "%4", uint16(2048))
	f.Add("%25", uint8(3), uint8(9), uint8(2), "", uint16(64))
	f.Add("%", uint8(5), uint8(7), uint8(1), "\xff\u202e\u2028", uint16(64))
	f.Add("", uint8(0), uint8(40), uint8(3), "", uint16(20))
	f.Add("Basic ", uint8(4), uint8(8), uint8(4), "", uint16(200))
	f.Add("xy/", uint8(1), uint8(9), uint8(5), "==", uint16(200))
	f.Add("0x", uint8(2), uint8(10), uint8(6), "f", uint16(200))
	f.Fuzz(func(t *testing.T, before string, from, length, form uint8, behind string, limit uint16) {
		for _, secret := range fuzzSecrets {
			start := int(from) % len(secret)
			part := secret[start:min(len(secret), start+int(length))]
			mustHide, encoded := len(part) >= window, form%7 >= 4
			switch form % 7 {
			case 1:
				part = encodeAll(part)
			case 2:
				part = strings.ToUpper(part)
			case 3:
				part = strings.Join(strings.Split(part, ""), "\u200b")
			case 4:
				part = base64.RawStdEncoding.EncodeToString([]byte(part))
			case 5:
				part = base64.URLEncoding.EncodeToString([]byte("~" + part))
			case 6:
				part = hex.EncodeToString([]byte(part))
			}
			most, text := int(limit)%4096, printable(before+part+behind)
			hidden := (&discretion{tokens: fuzzSecrets}).link(text, most)
			shown(t, "the text", hidden, max(most, len(concealed)))
			if encoded && mustHide && hidden != concealed {
				t.Errorf("%q is shown of %q", hidden, text)
			}
			if hidden == concealed && !encoded && secretIn(text) == "" && !likePartnerToken.MatchString(strings.ToLower(text)) && !strings.ContainsAny(text, `%&\`) && len(text) <= maxExamined {
				t.Errorf("%q was concealed for nothing", text)
			}
		}
	})
}

func encodeAll(text string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
	}
	return b.String()
}
