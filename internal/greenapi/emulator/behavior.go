// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// What setSettings does with a setting that the instance does not have. The documentation does not say.
const (
	// UnknownIgnore answers saveSettings true and forgets the value; it is the default.
	UnknownIgnore = "ignore"
	// UnknownKeep keeps the value and shows it from then on.
	UnknownKeep = "keep"
	// UnknownReject answers 400.
	UnknownReject = "reject"
)

// Everything stands for all settings in Behavior.NeverKept.
const Everything = "*"

// Behavior says how an instance behaves where the documentation leaves room, and which of the faults that users
// report to the vendor it has. The zero value is a well-behaved instance. In JSON durations are texts such as "90s".
type Behavior struct {
	// RestartTime is how long the instance is starting after setSettings or reboot; 0 means Options.RestartTime, less
	// than 0 no time at all. The vendor documents up to five minutes.
	RestartTime time.Duration `json:"-"`
	// ApplyDelay is how long after the restart getSettings still shows the old values.
	ApplyDelay time.Duration `json:"-"`
	// ShowNew makes getSettings show the new values during the restart (even those that will not be kept), instead of
	// the old ones. Which of the two the vendor does is not established.
	ShowNew bool `json:"showNew,omitempty"`
	// NeverKept are names of settings for which setSettings says yes and restarts, but whose values are not kept;
	// Everything for all (reports 1096, 860 and 1098 in the vendor's public tracker).
	NeverKept []string `json:"neverKept,omitempty"`
	// RefuseSave makes setSettings answer {"saveSettings": false} and do nothing.
	RefuseSave bool `json:"refuseSave,omitempty"`
	// UnknownKeys is UnknownIgnore (when empty), UnknownKeep or UnknownReject.
	UnknownKeys string `json:"unknownKeys,omitempty"`
	// NormalizeWebhookURL keeps webhookUrl with its host in lower case, without a default port and with a path.
	// Whether the vendor does so is not established.
	NormalizeWebhookURL bool `json:"normalizeWebhookUrl,omitempty"`
	// MaxDelay is the greatest delaySendMessagesMilliseconds that setSettings accepts, in milliseconds; 0 means
	// 86400000 (the older documentation, the newer says 600000).
	MaxDelay int `json:"maxDelay,omitempty"`
	// StateAfterSet and StateAfterReboot are the state when the restart is over. Empty means the one before it; after
	// a reboot also authorized in place of yellowCard, and the last other state in place of starting, for rebooting is
	// the documented way out of both. StateStarting makes the instance hang.
	StateAfterSet    string `json:"stateAfterSet,omitempty"`
	StateAfterReboot string `json:"stateAfterReboot,omitempty"`
	// LogoutTime is how long a logout takes: until it is over the state is the one before, and the account method of WhatsApp
	// shows logoutProcess true (in the types of the vendor's SDK; how long it lasts is not established).
	LogoutTime time.Duration `json:"-"`
	// SettingsOnLogout are settings that logout changes (report 1077 in the vendor's public tracker).
	SettingsOnLogout map[string]any `json:"settingsOnLogout,omitempty"`
	// AccountNeedsAuthorization makes the account method answer 400 where it documents empty texts.
	AccountNeedsAuthorization bool `json:"accountNeedsAuthorization,omitempty"`
	// AccountExtra is laid over the answer of the account method: unknown names, odd types, null to remove.
	AccountExtra map[string]any `json:"accountExtra,omitempty"`
	// FreshAvatarQuery gives the avatar's URL another query each second, as signed URLs have.
	FreshAvatarQuery bool `json:"freshAvatarQuery,omitempty"`
	// EchoToken puts the API token into the message of every error body, not only into its path.
	EchoToken bool `json:"echoToken,omitempty"`
	// PasskeyRequired makes qr answer passkeyRequired in place of a QR code, as it does for accounts that log in with a
	// passkey (documented).
	PasskeyRequired bool `json:"passkeyRequired,omitempty"`
}

// durationText is a duration that is a text such as "90s" in JSON.
type durationText time.Duration

// MarshalText writes the duration as Go does.
func (d durationText) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *durationText) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"90s\" or \"5m\"", text)
	}
	*d = durationText(parsed)
	return nil
}

// behaviorFields are the fields of Behavior without its methods.
type behaviorFields Behavior

// behaviorJSON is Behavior with its durations as texts.
type behaviorJSON struct {
	*behaviorFields
	RestartTime durationText `json:"restartTime,omitempty"`
	ApplyDelay  durationText `json:"applyDelay,omitempty"`
	LogoutTime  durationText `json:"logoutTime,omitempty"`
}

// MarshalJSON writes durations as texts.
func (b Behavior) MarshalJSON() ([]byte, error) {
	return json.Marshal(behaviorJSON{(*behaviorFields)(&b), durationText(b.RestartTime), durationText(b.ApplyDelay), durationText(b.LogoutTime)})
}

// UnmarshalJSON reads durations as texts, refuses unknown names, and leaves what is not named as it is.
func (b *Behavior) UnmarshalJSON(data []byte) error {
	shadow := behaviorJSON{(*behaviorFields)(b), durationText(b.RestartTime), durationText(b.ApplyDelay), durationText(b.LogoutTime)}
	if err := decodeStrictly(bytes.NewReader(data), &shadow); err != nil {
		return err
	}
	b.RestartTime, b.ApplyDelay = time.Duration(shadow.RestartTime), time.Duration(shadow.ApplyDelay)
	b.LogoutTime = time.Duration(shadow.LogoutTime)
	return nil
}

func (b *Behavior) check() error {
	if !slices.Contains([]string{"", UnknownIgnore, UnknownKeep, UnknownReject}, b.UnknownKeys) {
		return fmt.Errorf("unknownKeys %q: want %q, %q or %q", b.UnknownKeys, UnknownIgnore, UnknownKeep, UnknownReject)
	}
	if b.ApplyDelay < 0 {
		return fmt.Errorf("applyDelay %v: want a duration that is not negative", b.ApplyDelay)
	}
	if b.LogoutTime < 0 {
		return fmt.Errorf("logoutTime %v: want a duration that is not negative", b.LogoutTime)
	}
	if b.MaxDelay < 0 {
		return fmt.Errorf("maxDelay %d: want milliseconds, or 0 for the documented limit", b.MaxDelay)
	}
	return nil
}

func (b *Behavior) clone() Behavior {
	out := *b
	out.NeverKept = slices.Clone(b.NeverKept)
	out.SettingsOnLogout = copied(b.SettingsOnLogout)
	out.AccountExtra = copied(b.AccountExtra)
	return out
}

// keeps tells whether setSettings keeps a value of the named setting.
func (b *Behavior) keeps(name string) bool {
	return !slices.Contains(b.NeverKept, name) && !slices.Contains(b.NeverKept, Everything)
}
