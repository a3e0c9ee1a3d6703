// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestR5QRCodesAreReadLeniently(t *testing.T) {
	picture := "\x89PNG and more of it"
	text := base64.StdEncoding.EncodeToString([]byte(picture))
	for body, want := range map[string]QR{
		`{"type":"qrCode","message":"` + text + `"}`:                               {Kind: QRCode, Picture: []byte(picture)},
		`{"type":"qrCode","message":"` + strings.TrimRight(text, "=") + `","x":1}`: {Kind: QRCode, Picture: []byte(picture)},
		`{"type":"qrCode","message":"data:image/png;base64,` + text + `"}`:         {Kind: QRCode, Picture: []byte(picture)},
		`{"type":"qrCode","message":"` + text[:8] + `\r\n` + text[8:] + `"}`:       {Kind: QRCode, Picture: []byte(picture)},
		`{"type":"alreadyLogged","message":"instance account already authorized"}`: {Kind: QRAlreadyLogged, Message: "instance account already authorized"},
		`{"type":"passkeyRequired"}`:                                               {Kind: QRPasskeyRequired},
		`{"type":"pendingPassword"}`:                                               {Kind: QRPendingPassword},
		`{"type":"pending_password","message":null}`:                               {Kind: QRPendingPassword},
		`{"type":"somethingNew","message":{"x":1}}`:                                {Kind: "somethingNew"},
		`{"type":"error","message":"\u001b[31mno\nsuch ` + testToken + `"}`:        {Kind: QRError, Message: concealed},
		`{"type":"error","message":"\u001b[31mnot now"}`:                           {Kind: QRError, Message: "[31mnot now"},
	} {
		got, err := dial(t, answer(200, body)).QR(t.Context())
		if err != nil || got.Kind != want.Kind || string(got.Picture) != string(want.Picture) || got.Message != want.Message {
			t.Errorf("%.80s reads as %+v, %v; want %+v", body, got, err, want)
		}
	}
}

func TestR5QRCodesThatCannotBeRead(t *testing.T) {
	for _, body := range []string{``, `null`, `[]`, `{}`, `<html>`, `{"type":7,"message":"x"}`, `{"type":"","message":"x"}`, `{"type":"qrCode"}`, `{"type":"qrCode","message":""}`,
		`{"type":"qrCode","message":"what is this?"}`, `{"type":"qrCode","message":["x"]}`, `{"type":"qrCode","message":"` + strings.Repeat("A", maxBody) + `"}`} {
		_, err := dial(t, answer(200, body)).QR(t.Context())
		if _, ok := errors.AsType[*UnreadableError](err); !ok {
			t.Errorf("%.60s: %v (%T), want an UnreadableError", body, err, err)
		}
	}
}

func TestAuthorizationCodesAreAskedForAsDocumentedAndReadLeniently(t *testing.T) {
	var asked string
	for body, want := range map[string]string{
		`{"status":true,"code":"GAPI2015"}`:  "GAPI2015",
		`{"status":"true","code":" GAPI "}`:  "GAPI",
		`{"code":12345678}`:                  "12345678",
		`{"status":false,"code":"GAPI2015"}`: "",
		`{"status":false}`:                   "",
		`{"status":true,"code":null}`:        "",
		`{"status":true,"code":"\u001b]0;"}`: "]0;",
	} {
		instance := dial(t, func(w http.ResponseWriter, r *http.Request) {
			sent, _ := io.ReadAll(r.Body)
			asked = r.Method + " " + r.URL.Path + " " + string(sent)
			_, _ = io.WriteString(w, body)
		})
		got, err := instance.AuthorizationCode(t.Context(), 79001234567)
		if err != nil || got != want {
			t.Errorf("%s reads as %q, %v; want %q", body, got, err, want)
		}
		if want := "POST /waInstance710700000001/getAuthorizationCode/" + testToken + ` {"phoneNumber":79001234567}`; asked != want {
			t.Fatalf("asked %q, want %q", asked, want)
		}
	}
	for _, body := range []string{``, `null`, `true`, `{"status":{},"code":"GAPI2015"}`, `{"status":true,"code":["GAPI2015"]}`} {
		_, err := dial(t, answer(200, body)).AuthorizationCode(t.Context(), 79001234567)
		if _, ok := errors.AsType[*UnreadableError](err); !ok {
			t.Errorf("%s: %v (%T), want an UnreadableError", body, err, err)
		}
	}
}

func TestR22RefusalsOfTheWaysToLogInAreStatusErrors(t *testing.T) {
	refuses := dial(t, answer(400, `{"message":"Validation failed. Details: 'phoneNumber'"}`))
	_, err := refuses.AuthorizationCode(t.Context(), 1)
	if status, ok := errors.AsType[*StatusError](err); !ok || status.Cause != CauseRefused || status.Method != MethodGetAuthorizationCode {
		t.Errorf("%v", err)
	}
	_, err = dial(t, answer(200, `{"code":401,"description":"Unauthorized"}`)).QR(t.Context())
	if status, ok := errors.AsType[*StatusError](err); !ok || status.Cause != CauseUnauthorized {
		t.Errorf("%v", err)
	}
}

// TestAnAuthorizationCodeIsAskedForOnce: a kept connection that dies makes net/http send a GET again, but no POST.
func TestAnAuthorizationCodeIsAskedForOnce(t *testing.T) {
	var asked atomic.Int32
	instance := dial(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"type":"error"}`)
			return
		}
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
	if _, err := instance.QR(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := instance.AuthorizationCode(t.Context(), 79001234567)
	if transport, ok := errors.AsType[*TransportError](err); !ok || !transport.Begun || asked.Load() != 1 {
		t.Errorf("asked %d times, %v; want once, and an error that may have taken effect", asked.Load(), err)
	}
}
