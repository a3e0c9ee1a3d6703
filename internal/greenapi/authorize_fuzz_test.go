// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// authorizeSeeds are answers of the ways to log in.
var authorizeSeeds = []string{
	`{"type":"qrCode","message":"iVBORw0KGgo="}`, `{"type":"qrCode","message":"data:image/png;base64,iVBORw0KGgo"}`, `{"type":"qrCode","message":"!"}`, `{"type":"qrCode","message":"data:"}`,
	`{"type":"error","message":"` + testToken + `"}`, `{"type":"` + testToken + `"}`, `{"type":"alreadyLogged","message":"instance account already authorized"}`,
	`{"type":"passkeyRequired","message":null}`, `{"type":7}`, `{"status":true,"code":"GAPI2015"}`, `{"status":"no","code":"GAPI2015"}`, `{"status":{},"code":1}`, `{"code":"` + testToken + `"}`,
}

func FuzzQR(f *testing.F) {
	seedAnswers(f)
	for _, body := range authorizeSeeds {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, err := answering(t, canned{code: 200, body: body}).QR(t.Context())
		if err != nil {
			checkError(t, err)
			return
		}
		shown(t, "the kind", code.Kind, maxQRKindLength)
		shown(t, "the message", code.Message, maxMessageLength)
		if objectIn(body) == nil || code.Kind == "" {
			t.Errorf("%+v was read from what is no object with a type", code)
		}
		if (code.Kind == QRCode) != (len(code.Picture) > 0) || code.Kind == QRCode && code.Message != "" {
			t.Errorf("a %s with a picture of %d bytes and the message %q", code.Kind, len(code.Picture), code.Message)
		}
	})
}

func FuzzAuthorizationCode(f *testing.F) {
	seedAnswers(f)
	for _, body := range authorizeSeeds {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, err := answering(t, canned{code: 200, body: body}).AuthorizationCode(t.Context(), 79001234567)
		if err != nil {
			checkError(t, err)
			return
		}
		shown(t, "the code", code, max(maxPairingLength, len(concealed)))
		object := objectIn(body)
		if object == nil {
			t.Errorf("the code %q was read from what is no object", code)
		}
		if object["status"] == false && code != "" {
			t.Errorf("the code %q was read where the vendor says no", code)
		}
	})
}

func FuzzListIncomingStatuses(f *testing.F) {
	seedAnswers(f)
	for _, body := range statusSeeds {
		f.Add([]byte(body))
	}
	f.Add([]byte(`[{"textMessage":"\u001b[2J\u202e` + testToken[:9] + `","caption":"%63%30ffee00c0","extendedTextMessage":{"text":7}},{"extendedTextMessage":{"text":"a\u2028b"},"senderId":9e99}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := answering(t, canned{code: 200, body: body}).ListIncomingStatuses(t.Context(), time.Hour)
		if err != nil {
			checkError(t, err)
			return
		}
		var entries []any
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&entries); err != nil && len(list) > 0 {
			// A number that is too great for a float is fine where it is skipped.
			decoder := json.NewDecoder(bytes.NewReader(body))
			decoder.UseNumber()
			if decoder.Decode(&entries) != nil {
				t.Fatalf("%d statuses of what is no list", len(list))
			}
		}
		for _, status := range list {
			for _, text := range []string{status.ID, status.SenderName, status.ContactName, status.FileName, status.MIMEType} {
				shown(t, "a name", text, maxNameLength)
			}
			shown(t, "the type", status.Type, maxStateLength)
			shown(t, "the sender", status.Sender, maxChatIDLength)
			shown(t, "the text", status.Text, maxTextLength)
			shown(t, "the caption", status.Caption, maxTextLength)
			shown(t, "the address", status.DownloadURL, maxAvatarLength)
			if status.Time != nil && (status.Time.Year() < 2000 || status.Time.Year() >= 2100) {
				t.Errorf("received at %s", status.Time)
			}
		}
	})
}
