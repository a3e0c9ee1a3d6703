// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Messengers: the values of typeInstance (documented for getSettings of MAX, seen for all).
const (
	WhatsApp = "whatsapp"
	MAX      = "v3"
	Telegram = "telegram"
)

// States of an instance, as getStateInstance documents them for the three messengers. Any other text is accepted too,
// for the vendor adds states now and then.
const (
	StateAuthorized      = "authorized"
	StateNotAuthorized   = "notAuthorized"
	StateBlocked         = "blocked"
	StateStarting        = "starting"
	StateSleepMode       = "sleepMode"
	StateYellowCard      = "yellowCard"
	StateSuspended       = "suspended"
	StatePendingCode     = "pendingCode"
	StatePendingPassword = "pendingPassword"
	// StateNull stands for the answer null, which getStateInstance gives while an instance is being created
	// (documented).
	StateNull = "null"
)

// Instance is one account of a messenger at the vendor. Zero values are good: with only ID and Token it is an
// authorized WhatsApp instance with the settings of a new one.
type Instance struct {
	// ID is idInstance, from 1; 10 and 12 digits are in use.
	ID int64 `json:"idInstance"`
	// Token is apiTokenInstance. A call with another one is answered 401.
	Token string `json:"apiTokenInstance"`
	// Name is what getInstances calls it, Account the name of the partner account that it belongs to; "" if to none.
	Name    string `json:"name,omitempty"`
	Account string `json:"partnerAccount,omitempty"`
	// Messenger is WhatsApp (when empty), MAX or Telegram. It decides which account method there is.
	Messenger string `json:"typeInstance"`
	// State is the state now; empty in Add means StateAuthorized.
	State string `json:"stateInstance"`
	// Settings are what getSettings shows now. In Add they are laid over the defaults of the messenger, and null
	// removes a setting. Whole numbers are int.
	Settings map[string]any `json:"settings,omitempty"`
	// Phone, Avatar, DeviceID (WhatsApp) and ChatID are shown by the account method while the state has an account.
	// Add makes up those that are empty.
	Phone    string `json:"phone,omitempty"`
	Avatar   string `json:"avatar,omitempty"`
	DeviceID string `json:"deviceId,omitempty"`
	ChatID   string `json:"chatId,omitempty"`
	// SuspendedUntil is the end of a suspension in unix seconds, 0 for unknown. It is shown in the state suspended,
	// and as yellowCardUntil in yellowCard. When it is reached, a suspended instance becomes authorized.
	SuspendedUntil int64 `json:"suspendedUntil,omitempty"`
	// HistorySyncProgress is in percent (documented for MAX); nil is not shown.
	HistorySyncProgress *int `json:"historySyncProgress,omitempty"`
	// BetaEnabled opens getIncomingStatuses, which is otherwise answered 403 (documented).
	BetaEnabled bool `json:"betaEnabled,omitempty"`
	// IncomingStatuses are the entries of getIncomingStatuses; those whose timestamp (unix seconds) lies in the asked
	// window are shown, so one with a time to come arrives then.
	IncomingStatuses []map[string]any `json:"incomingStatuses,omitempty"`
	// Expired and Deleted make every method answer 400 with the vendor's text (documented).
	Expired bool `json:"expired,omitempty"`
	Deleted bool `json:"deleted,omitempty"`
	// Behavior says how the instance behaves beyond its state.
	Behavior Behavior `json:"behavior"`
	// Restarts counts setSettings that took effect and reboots. Add and Update ignore it.
	Restarts int `json:"restarts"`
}

// ReadInstances reads a JSON list of instances and checks them.
func ReadInstances(r io.Reader) ([]Instance, error) {
	var list []Instance
	if err := decodeStrictly(r, &list); err != nil {
		return nil, fmt.Errorf("want a JSON list such as [{\"idInstance\": 7107000001, \"apiTokenInstance\": \"secret\"}]: %w", err)
	}
	seen := map[int64]bool{}
	for i, in := range list {
		if err := in.check(); err != nil {
			return nil, fmt.Errorf("instance %d of the list: %w", i+1, err)
		}
		if seen[in.ID] {
			return nil, fmt.Errorf("instance %d of the list: idInstance %d is there twice", i+1, in.ID)
		}
		seen[in.ID] = true
	}
	return list, nil
}

// check tells what is wrong with an instance that somebody wants to have.
func (in *Instance) check() error {
	switch {
	case in.ID < 1:
		return errors.New("idInstance must be a positive integer")
	case in.Token == "":
		return errors.New("apiTokenInstance must not be empty")
	case in.Messenger != "" && !slices.Contains([]string{WhatsApp, MAX, Telegram}, in.Messenger):
		return fmt.Errorf("typeInstance %q: want %q, %q (for MAX) or %q", in.Messenger, WhatsApp, MAX, Telegram)
	}
	for i, status := range in.IncomingStatuses {
		if _, ok := normalized(status["timestamp"]).(int); !ok {
			return fmt.Errorf("incomingStatuses[%d]: timestamp must be an integer, in unix seconds", i)
		}
	}
	return in.Behavior.check()
}

// complete fills in what a new instance has and the caller left out.
func (in *Instance) complete() {
	if in.Messenger == "" {
		in.Messenger = WhatsApp
	}
	if in.State == "" {
		in.State = StateAuthorized
	}
	if in.Phone == "" {
		in.Phone = fmt.Sprintf("7900%07d", in.ID%10_000_000)
	}
	if in.Avatar == "" {
		in.Avatar = fmt.Sprintf("https://avatars.example/%d.jpg", in.ID)
	}
	if in.DeviceID == "" && in.Messenger == WhatsApp {
		in.DeviceID = in.Phone + ":8@s.whatsapp.net"
	}
	if in.ChatID == "" && in.Messenger != WhatsApp {
		in.ChatID = fmt.Sprintf("1%07d", in.ID%10_000_000)
	}
	if in.HistorySyncProgress == nil && in.Messenger == MAX {
		in.HistorySyncProgress = new(100)
	}
	wanted := in.Settings
	in.Settings = defaultSettings(in.Messenger)
	in.Settings["wid"] = in.Phone + "@c.us"
	merge(in.Settings, wanted)
	in.Restarts = 0
}

// clone returns a copy that shares nothing with the original.
func (in *Instance) clone() Instance {
	out := *in
	out.Settings = copied(in.Settings)
	if in.HistorySyncProgress != nil {
		out.HistorySyncProgress = new(*in.HistorySyncProgress)
	}
	out.IncomingStatuses = nil
	for _, status := range in.IncomingStatuses {
		out.IncomingStatuses = append(out.IncomingStatuses, copied(status))
	}
	out.Behavior = in.Behavior.clone()
	return out
}

// decodeStrictly reads one JSON value and refuses unknown names and anything that follows.
func decodeStrictly(r io.Reader, into any) error {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("there is nothing")
		}
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the JSON value")
	}
	return nil
}
