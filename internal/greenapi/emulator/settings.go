// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	minDelayMilliseconds = 500
	maxDelayMilliseconds = 86_400_000
	maxAutoTyping        = 10
)

// Settings of all messengers that are switches, settings of some of them, and those that setSettings cannot change.
var (
	commonSwitches = []string{
		"markIncomingMessagesReaded", "markIncomingMessagesReadedOnReply", "outgoingWebhook", "outgoingMessageWebhook",
		"outgoingAPIMessageWebhook", "incomingWebhook", "stateWebhook", "pollMessageWebhook", "editedMessageWebhook",
		"deletedMessageWebhook",
	}
	whatsAppSwitches = []string{
		"sharedSession", "deviceWebhook", "statusInstanceWebhook", "enableMessagesHistory", "keepOnlineStatus",
		"incomingBlockWebhook", "incomingCallWebhook", "linkPreview", "enableLidMode",
	}
	maxSwitches      = []string{"downloadUrlJpeg"}
	telegramSwitches = []string{"keepOnlineStatus"}

	texts    = []string{"webhookUrl", "webhookUrlToken", "countryInstance"}
	readOnly = []string{"wid", "typeInstance", "typeAccount", "proxyInstance"}
)

// defaultSettings are those of a new instance: everything is off (documented for setSettings), and the delay is the
// least possible one (the newer documentation; the older says 3000).
func defaultSettings(messenger string) map[string]any {
	settings := map[string]any{
		"wid": "", "typeInstance": messenger, "webhookUrl": "", "webhookUrlToken": "",
		"delaySendMessagesMilliseconds": minDelayMilliseconds,
	}
	switches := slices.Clone(commonSwitches)
	switch messenger {
	case WhatsApp:
		switches = append(switches, whatsAppSwitches...)
		maps.Copy(settings, map[string]any{"countryInstance": "", "typeAccount": "", "proxyInstance": "system proxy", "autoTyping": 0})
	case MAX:
		switches = append(switches, maxSwitches...)
	case Telegram:
		switches = append(switches, telegramSwitches...)
	}
	for _, name := range switches {
		settings[name] = "no"
	}
	return settings
}

// accept checks the body of setSettings against the settings that the instance has, and returns the values that it
// would keep, or what is wrong with the first bad one.
func accept(body, have map[string]any, b *Behavior) (map[string]any, string) {
	if len(body) == 0 {
		return nil, "at least one parameter must be given"
	}
	accepted := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		current, known := have[name]
		fixed := slices.Contains(readOnly, name)
		if fixed || !known && b.UnknownKeys != UnknownKeep {
			if b.UnknownKeys == UnknownReject {
				return nil, fmt.Sprintf("%q is not allowed", name)
			}
			continue
		}
		value, problem := acceptValue(name, body[name], current, b)
		if problem != "" {
			return nil, fmt.Sprintf("%q %s", name, problem)
		}
		accepted[name] = value
	}
	return accepted, ""
}

// acceptValue checks one value. What a setting takes follows from its name, else from the type in which the instance
// shows it.
func acceptValue(name string, value, current any, b *Behavior) (any, string) {
	switch {
	case slices.Contains(texts, name):
		return acceptText(name, value, b)
	case name == "delaySendMessagesMilliseconds":
		limit := maxDelayMilliseconds
		if b.MaxDelay > 0 {
			limit = b.MaxDelay
		}
		return acceptInteger(value, minDelayMilliseconds, limit)
	case name == "autoTyping":
		return acceptInteger(value, 0, maxAutoTyping)
	}
	switch current.(type) {
	case int, float64:
		return acceptInteger(value, math.MinInt, math.MaxInt)
	case bool:
		if on, ok := value.(bool); ok {
			return on, ""
		}
		text, problem := acceptSwitch(value)
		return text == "yes", problem
	case string:
		if current == "yes" || current == "no" {
			return acceptSwitch(value)
		}
	}
	switch value.(type) {
	case string, int, float64, bool:
		return value, ""
	}
	return nil, "must be a text, a number or a boolean"
}

func acceptText(name string, value any, b *Behavior) (any, string) {
	text, ok := value.(string)
	if !ok {
		return nil, "must be a string"
	}
	if name != "webhookUrl" || text == "" {
		return text, ""
	}
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Host == "" {
		return nil, "must be a valid URL"
	}
	if b.NormalizeWebhookURL {
		text = normalURL(address)
	}
	return text, ""
}

func normalURL(address *url.URL) string {
	host := strings.ToLower(address.Host)
	defaultPort := map[string]string{"http": ":80", "https": ":443"}[address.Scheme]
	address.Host = strings.TrimSuffix(host, defaultPort)
	if address.Path == "" {
		address.Path = "/"
	}
	return address.String()
}

func acceptSwitch(value any) (any, string) {
	if value != "yes" && value != "no" {
		return nil, "must be one of [yes, no]"
	}
	return value, ""
}

// acceptInteger also takes an integer in a text, as the vendor's VBA sample of setSettings sends it.
func acceptInteger(value any, least, most int) (any, string) {
	if text, ok := value.(string); ok {
		if number, err := strconv.Atoi(text); err == nil {
			value = number
		}
	}
	number, ok := value.(int)
	switch {
	case !ok:
		return nil, "must be an integer number"
	case number < least:
		return nil, fmt.Sprintf("must not be less than %d", least)
	case number > most:
		return nil, fmt.Sprintf("must not be greater than %d", most)
	}
	return number, ""
}
