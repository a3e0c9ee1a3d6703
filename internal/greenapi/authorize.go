// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

// Names of the vendor's methods by which a person logs in.
const (
	MethodQR                   = "qr"
	MethodGetAuthorizationCode = "getAuthorizationCode"
)

// Kinds of what the method qr shows, as its documentation names them, except for QRPendingPassword, which the vendor's
// own web client knows; the state is spelled pendingPassword, which is understood here too. There may be others.
const (
	// QRCode: a picture to scan.
	QRCode = "qrCode"
	// QRAlreadyLogged: the account is authorized already.
	QRAlreadyLogged = "alreadyLogged"
	// QRPasskeyRequired: the person has to confirm with a passkey.
	QRPasskeyRequired = "passkeyRequired"
	// QRPendingPassword: the person has to give the account's password.
	QRPendingPassword = "pending_password"
	// QRError: there is no code now; the message says why.
	QRError = "error"
)

// Limits of what a person logs in with, in characters.
const (
	maxQRKindLength  = 64
	maxPairingLength = 32
)

// QR is what the method qr shows. A picture lets whoever scans it into the account for as long as it lives: never log or
// keep it.
type QR struct {
	// Kind is the vendor's word for what it is, such as QRCode.
	Kind string
	// Picture is a PNG, for QRCode only.
	Picture []byte
	// Message is the vendor's text of the other kinds, concealed and at most 200 characters; it may be empty.
	Message string
}

// QR calls qr, a GET without effect. The vendor allows three calls a second, and makes a new code every 20 seconds.
func (i *Instance) QR(ctx context.Context) (QR, error) {
	code, err := read(ctx, i, request{method: MethodQR}, decodeQR)
	if err != nil {
		return QR{}, err
	}
	code.Message = i.hidden.message(code.Message, maxMessageLength)
	switch code.Kind {
	case QRCode, QRAlreadyLogged, QRPasskeyRequired, QRPendingPassword, QRError:
		// Documented words give no secret away, however short one is.
	default:
		code.Kind = i.hidden.message(code.Kind, maxQRKindLength)
	}
	return code, nil
}

// AuthorizationCode calls getAuthorizationCode, which WhatsApp alone has, and returns the code that links a device to the
// account with the given phone number: digits only, with the code of the country. It holds for about two and a half
// minutes (documented). It is "" if the vendor gives none. Whoever has the code and the phone can link the account: never
// log or keep it.
//
// It is a POST with a small effect, a notification on the phone. net/http sends no POST again once a byte of it left.
func (i *Instance) AuthorizationCode(ctx context.Context, phone int64) (string, error) {
	body, err := json.Marshal(map[string]int64{"phoneNumber": phone})
	if err != nil {
		return "", &TransportError{Method: MethodGetAuthorizationCode, What: "the phone number cannot be written as JSON"}
	}
	code, err := read(ctx, i, request{verb: http.MethodPost, method: MethodGetAuthorizationCode, body: body}, decodePairing)
	if err != nil {
		return "", err
	}
	return i.hidden.text(code, maxPairingLength), nil
}

// decodeQR reads the answer of qr.
func decodeQR(body []byte) (QR, string) {
	object, what := decodeObject(body)
	if what != "" {
		return QR{}, what
	}
	kind, message := object["type"], object["message"]
	code := QR{Kind: printable(strings.TrimSpace(kind.Text))}
	if kind.Type != jsonvalue.String || code.Kind == "" {
		return QR{}, "it has no type"
	}
	if code.Kind == "pendingPassword" {
		code.Kind = QRPendingPassword
	}
	if code.Kind != QRCode {
		code.Message = printable(strings.TrimSpace(message.Text))
		return code, ""
	}
	picture, ok := decodeBase64(message.Text)
	if !ok {
		return QR{}, "its message is no picture in base64"
	}
	code.Picture = picture
	return code, ""
}

// decodeBase64 reads base64 with or without a data: in front, line breaks and padding.
func decodeBase64(text string) ([]byte, bool) {
	if rest, ok := strings.CutPrefix(text, "data:"); ok {
		_, text, _ = strings.Cut(rest, ",")
	}
	text = strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	data, err := base64.RawStdEncoding.DecodeString(text)
	return data, err == nil && len(data) > 0
}

// decodePairing reads the answer of getAuthorizationCode. A status that says no, or no code, is the code "".
func decodePairing(body []byte) (string, string) {
	object, what := decodeObject(body)
	if what != "" {
		return "", what
	}
	status, code := object["status"], object["code"]
	if status.Type == jsonvalue.Other || code.Type == jsonvalue.Other {
		return "", "it has an unexpected type in it"
	}
	if text := strings.ToLower(strings.TrimSpace(status.Text)); text == "no" || text == "false" {
		return "", ""
	}
	return printable(strings.TrimSpace(code.Text)), ""
}
