// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rsc.io/qr"
)

// How long the vendor shows one QR code, and how long an authorization code can be entered (both documented, the second
// as "about").
const (
	qrLifetime      = 20 * time.Second
	pairingLifetime = 150 * time.Second
)

// pairing is an authorization code that was given out.
type pairing struct {
	phone, code string
	until       time.Time
}

// QRPayload returns what the QR code says that the method qr shows now, "" if it shows none.
func (s *Server) QRPayload(id int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, now := s.lines[id], s.options.Now()
	if l == nil {
		return ""
	}
	l.advance(now)
	if !l.showsQR() {
		return ""
	}
	return qrPayload(l.in.ID, now)
}

// AuthorizationCode returns the code that getAuthorizationCode gave out last, "" if there is none that still holds.
func (s *Server) AuthorizationCode(id int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[id]
	if l == nil || !s.options.Now().Before(l.pairing.until) {
		return ""
	}
	return l.pairing.code
}

// showsQR tells whether there is a QR code to scan.
func (l *line) showsQR() bool {
	return l.in.State == StateNotAuthorized && !l.in.Behavior.PasskeyRequired
}

func (s *Server) qr(l *line, x *exchange) answer {
	kind, message := "error", messageNotAuthorized
	switch {
	case hasAccount(l.in.State):
		kind, message = "alreadyLogged", "instance account already authorized"
	case l.in.State == StateNotAuthorized && x.behavior.PasskeyRequired:
		kind, message = "passkeyRequired", "confirm the login with a passkey"
	case l.in.State == StateNotAuthorized:
		kind, message = "qrCode", base64.StdEncoding.EncodeToString(qrImage(qrPayload(l.in.ID, x.now)))
	}
	return jsonAnswer(http.StatusOK, map[string]any{"type": kind, "message": message})
}

// qrPayload makes up a text as long and as random as a messenger's own: another one for each instance and every 20
// seconds.
func qrPayload(id int64, now time.Time) string {
	var text strings.Builder
	text.WriteString("2@")
	for part := range 5 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %d", id, now.Unix()/int64(qrLifetime/time.Second), part))
		text.WriteString(base64.StdEncoding.EncodeToString(sum[:]) + ",")
	}
	return text.String()
}

// qrImage draws a QR code as PNG, 8 pixels a module.
func qrImage(payload string) []byte {
	code, err := qr.Encode(payload, qr.L)
	if err != nil {
		panic(err) // a text of this length always encodes
	}
	return code.PNG()
}

// getAuthorizationCode gives out the code by which WhatsApp links a device without a camera. It is the same while it
// holds, unless another number asks. What the vendor answers where the account is authorized is not documented.
func (s *Server) getAuthorizationCode(l *line, x *exchange) answer {
	if l.in.Messenger != WhatsApp {
		return x.refusal(http.StatusNotFound, "Cannot "+x.call.Verb+" "+x.path)
	}
	if l.in.State == StateStarting || l.in.State == StateNull {
		return x.refusal(http.StatusBadRequest, messageStarting)
	}
	body, _ := x.body.(map[string]any)
	phone, ok := body["phoneNumber"].(int)
	if !ok || phone <= 0 {
		return x.refusal(http.StatusBadRequest, messageValidation+`"phoneNumber" must be a positive integer`)
	}
	if l.in.State != StateNotAuthorized {
		return jsonAnswer(http.StatusOK, map[string]any{"status": false})
	}
	if number := fmt.Sprint(phone); l.pairing.phone != number || !x.now.Before(l.pairing.until) {
		l.pairing = pairing{phone: number, code: pairingCode(l.in.ID, number, x.now), until: x.now.Add(pairingLifetime)}
	}
	return jsonAnswer(http.StatusOK, map[string]any{"status": true, "code": l.pairing.code})
}

// pairingCode makes up a code like GAPI2015.
func pairingCode(id int64, phone string, now time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", id, phone, now.UnixNano()))
	code := make([]byte, 8)
	for i := range code {
		first, choices := byte('A'), byte(26)
		if i >= 4 {
			first, choices = '0', 10
		}
		code[i] = first + sum[i]%choices
	}
	return string(code)
}
