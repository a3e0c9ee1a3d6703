// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/png"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// scan reads the QR code that the method qr shows, as a phone does.
func (w *world) scan() string {
	w.t.Helper()
	answer := w.object(w.get("qr"))
	equal(w.t, "type", answer["type"], "qrCode")
	data, err := base64.StdEncoding.DecodeString(fmt.Sprint(answer["message"]))
	if err != nil {
		w.t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		w.t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		w.t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return result.GetText()
}

func TestQRCodeCanBeScannedWhileNotAuthorizedAndIsNewEvery20Seconds(t *testing.T) {
	w := start(t, Options{}, Instance{State: StateNotAuthorized})
	equal(t, "an instance that is not there", w.QRPayload(1), "")
	first := w.scan()
	equal(t, "what the server knows", w.QRPayload(id), first)
	w.clock.advance(20*time.Second - 1)
	equal(t, "before 20 seconds are over", w.scan(), first)
	w.clock.advance(1)
	if second := w.scan(); second == first || second != w.QRPayload(id) {
		t.Errorf("after 20 seconds the code says %q, want %q", second, w.QRPayload(id))
	}
	w.SetState(id, StateAuthorized)
	equal(t, "type", w.object(w.get("qr"))["type"], "alreadyLogged")
	equal(t, "no code", w.QRPayload(id), "")
	w.SetState(id, StateStarting)
	equal(t, "type", w.object(w.get("qr"))["type"], "error")
	w.SetState(id, StateNotAuthorized)
	w.Update(id, func(in *Instance) { in.Behavior.PasskeyRequired = true })
	equal(t, "type", w.object(w.get("qr"))["type"], "passkeyRequired")
	equal(t, "no code", w.QRPayload(id), "")
}

func TestAuthorizationCodeIsAnotherOneForEachNumberAndWhenItExpired(t *testing.T) {
	w := start(t, Options{}, Instance{State: StateNotAuthorized})
	ask := func(phone any) reply {
		return w.must(http.MethodPost, path("getAuthorizationCode"), map[string]any{"phoneNumber": phone})
	}
	code := func(phone int) string {
		t.Helper()
		answer := w.object(ask(phone))
		equal(t, "status", answer["status"], true)
		text := fmt.Sprint(answer["code"])
		if !regexp.MustCompile(`^[A-Z]{4}[0-9]{4}$`).MatchString(text) {
			t.Errorf("code %q, want one like GAPI2015", text)
		}
		equal(t, "what the server knows", w.AuthorizationCode(id), text)
		return text
	}
	equal(t, "before", w.AuthorizationCode(id), "")
	first := code(79001234567)
	w.clock.advance(150*time.Second - time.Millisecond)
	equal(t, "while it holds", code(79001234567), first)
	if code(79001234568) == first {
		t.Error("another number has the same code")
	}
	second := code(79001234567)
	w.clock.advance(150 * time.Second)
	equal(t, "after it expired", w.AuthorizationCode(id), "")
	if code(79001234567) == second {
		t.Error("the code is the same after it expired")
	}
	for _, bad := range []any{"79001234567", nil, -1, 1.5} {
		w.message(ask(bad), 400)
	}
	equal(t, "wrong verb", w.get("getAuthorizationCode").status, 404)
	w.SetState(id, StateStarting)
	equal(t, "message", w.message(ask(79001234567), 400), messageStarting)
	w.SetState(id, StateAuthorized)
	equal(t, "answer", w.object(ask(79001234567)), map[string]any{"status": false})
	w.Update(id, func(in *Instance) { in.State, in.Messenger = StateNotAuthorized, Telegram })
	equal(t, "another messenger", ask(79001234567).status, 404)
}
