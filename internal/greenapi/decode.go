// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

// Limits of vendor texts, in characters: the MaxLength of the status fields that show them.
const (
	maxStateLength   = 64
	maxPhoneLength   = 64
	maxChatIDLength  = 128
	maxDeviceLength  = 256
	maxAvatarLength  = 2048
	maxMessageLength = 200
)

// Settings are the instance's settings by the vendor's names. They may hold secrets (webhookUrlToken,
// proxyInstance): never print them. A name that the vendor does not show is not among them.
type Settings map[string]jsonvalue.Value

// Messenger returns typeInstance, which tells the messenger of the instance; "" if the vendor does not show it.
func (s Settings) Messenger() string { return cut(printable(s["typeInstance"].Text), maxStateLength) }

// Account is what the vendor knows of the messenger's account.
type Account struct {
	// State is the state of the instance, "" while it is being created.
	State string
	// Phone, ChatID, DeviceID and AvatarURL are empty while no account is authorized, and while the instance is
	// starting.
	Phone, ChatID, DeviceID, AvatarURL string
	// SuspendedUntil is when a suspension ends, from suspendedUntil or the older yellowCardUntil; nil if not shown.
	SuspendedUntil *time.Time
	// LogoutProcess: the vendor is logging the account out.
	LogoutProcess bool
	// HistorySyncProgress is in percent; nil if not shown.
	HistorySyncProgress *int32
}

// decodeValue reads any JSON value as a Value. Its text may be a part of what it was read from.
func decodeValue(raw string) jsonvalue.Value {
	raw = strings.Trim(raw, jsonSpace)
	if raw == "" {
		return jsonvalue.Value{Type: jsonvalue.Null}
	}
	switch raw[0] {
	case '"':
		if text := raw[1:max(len(raw)-1, 1)]; strings.IndexByte(text, '\\') < 0 && utf8.ValidString(text) {
			// Most texts stand for themselves.
			return jsonvalue.Value{Type: jsonvalue.String, Text: text}
		}
		var text string
		if json.Unmarshal([]byte(raw), &text) != nil {
			return jsonvalue.Value{Type: jsonvalue.Other}
		}
		return jsonvalue.Value{Type: jsonvalue.String, Text: text}
	case 't':
		return jsonvalue.Value{Type: jsonvalue.Bool, Text: "yes"}
	case 'f':
		return jsonvalue.Value{Type: jsonvalue.Bool, Text: "no"}
	case 'n':
		return jsonvalue.Value{Type: jsonvalue.Null}
	case '{', '[':
		return jsonvalue.Value{Type: jsonvalue.Other}
	default:
		return jsonvalue.Value{Type: jsonvalue.Number, Text: shortestNumber(raw)}
	}
}

// shortestNumber writes a whole number without a fraction or an exponent, so that 5000, 5000.0 and 5e3 are equal.
func shortestNumber(text string) string {
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return strconv.FormatInt(whole, 10)
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number != math.Trunc(number) || math.Abs(number) > 1<<53 {
		return text
	}
	return strconv.FormatInt(int64(number), 10)
}

// decodeState reads the answer of getStateInstance, whose text is neither concealed nor cut yet. The body is null while the instance is being created
// (documented), which is the state "".
func decodeState(body []byte) (string, string) {
	if string(bytes.Trim(body, jsonSpace)) == "null" {
		return "", ""
	}
	object, what := decodeObject(body)
	if what != "" {
		return "", what
	}
	value, ok := object["stateInstance"]
	if !ok {
		return "", "it has no stateInstance"
	}
	switch value.Type {
	case jsonvalue.Null:
		return "", ""
	case jsonvalue.String, jsonvalue.Number:
		return printable(strings.TrimSpace(value.Text)), ""
	default:
		return "", "stateInstance is not a text"
	}
}

// decodeYes reads a field that says whether the vendor did what it was asked to. One that is missing says no; from an
// object or a list nothing is concluded.
func decodeYes(body []byte, name string) (yes bool, what string) {
	object, what := decodeObject(body)
	if what != "" {
		return false, what
	}
	value := object[name]
	if value.Type == jsonvalue.Other {
		return false, name + " has an unexpected type"
	}
	return saysYes(value), ""
}

// saysYes reports whether a value says yes, in one of the ways in which the vendor does.
func saysYes(value jsonvalue.Value) bool {
	text := strings.ToLower(strings.TrimSpace(value.Text))
	return text == "yes" || text == "true"
}

func decodeSettings(body []byte) (Settings, string) {
	object, what := decodeObject(body)
	if what != "" {
		return nil, what
	}
	return object, ""
}

// CheckShown returns an UnreadableError if not even one known setting is in an answer: it is an error, or the vendor shows
// nothing at the moment, and nothing can be concluded (R5).
func (s Settings) CheckShown() error {
	for name := range s {
		if settingNames[name] {
			return nil
		}
	}
	return &UnreadableError{Method: MethodGetSettings, What: "it shows no setting"}
}

// settingNames are the settings that the vendor documents for getSettings of any messenger. What only says which instance it is
// (wid, typeInstance, typeAccount, proxyInstance) is none of them.
var settingNames = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range []string{
		"webhookUrl", "webhookUrlToken", "delaySendMessagesMilliseconds", "markIncomingMessagesReaded", "markIncomingMessagesReadedOnReply",
		"outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "incomingWebhook", "stateWebhook", "keepOnlineStatus",
		"pollMessageWebhook", "incomingCallWebhook", "editedMessageWebhook", "deletedMessageWebhook", "deviceWebhook", "incomingBlockWebhook",
		"sharedSession", "countryInstance", "statusInstanceWebhook", "enableMessagesHistory", "autoTyping", "linkPreview", "enableLidMode",
		"catalogWebhook", "incomingMessageStatusWebhook", "outgoingCallWebhook", "avatarInfoWebhook", "downloadUrlJpeg",
	} {
		names[name] = true
	}
	return names
}()

// decodeAccount reads the answer of the account method, whose texts are neither concealed nor cut yet.
func decodeAccount(body []byte) (Account, string) {
	object, what := decodeObject(body)
	if what != "" {
		return Account{}, what
	}
	text := func(name string) string {
		value := object[name]
		if value.Type != jsonvalue.String && value.Type != jsonvalue.Number {
			return ""
		}
		return printable(strings.TrimSpace(value.Text))
	}
	account := Account{
		State:     text("stateInstance"),
		Phone:     text("phone"),
		ChatID:    text("chatId"),
		DeviceID:  text("deviceId"),
		AvatarURL: text("avatar"),
	}
	account.LogoutProcess = saysYes(object["logoutProcess"])
	account.SuspendedUntil = unixTime(text("suspendedUntil"))
	if account.SuspendedUntil == nil {
		account.SuspendedUntil = unixTime(text("yellowCardUntil"))
	}
	if progress, err := strconv.ParseInt(text("historySyncProgress"), 10, 32); err == nil && progress >= 0 && progress <= 100 {
		percent := int32(progress)
		account.HistorySyncProgress = &percent
	}
	return account, ""
}

// unixTime reads a time in seconds since 1970. A time outside 2000..2100 is taken for none: the vendor shows 0 where
// there is no suspension.
func unixTime(text string) *time.Time {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	at := time.Unix(seconds, 0).UTC()
	if at.Year() < 2000 || at.Year() >= 2100 {
		return nil
	}
	return &at
}
