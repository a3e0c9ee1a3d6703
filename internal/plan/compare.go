// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

// Observed is what the vendor shows, by the vendor's names: at least the managed settings it has. One that is there with the
// value null counts as missing, except where nothing is wished.
type Observed map[string]jsonvalue.Value

// value returns what the vendor shows of a setting, false if it is missing.
func (o Observed) value(name string) (jsonvalue.Value, bool) {
	value, ok := o[name]
	return value, ok && value.Type != jsonvalue.Null
}

// comparison is what a comparison of one setting says.
type comparison int

const (
	same comparison = iota
	differs
	missing
	// unshown is a setting that was in effect once and that this reading does not show: nothing is concluded (R6).
	unshown
)

// compare holds a wish against what the vendor shows (R6, R9).
func compare(s Setting, observed Observed) comparison {
	value, ok := observed.value(s.Name)
	if value.Type == jsonvalue.Null && s.Value == "" {
		// No URL and no token are the same as an empty one: the safe side, since a write would restart the instance.
		return same
	}
	if !ok {
		return missing
	}
	if equal(s, value) {
		return same
	}
	return differs
}

// Differences are all managed settings that the vendor does not show as they are wished, in a form that may be shown.
func Differences(desired Desired, observed Observed) []v1alpha1.PendingChange {
	var changes []v1alpha1.PendingChange
	for _, s := range desired.Settings {
		if compare(s, observed) != same {
			changes = append(changes, show(s, observed))
		}
	}
	return changes
}

func equal(s Setting, value jsonvalue.Value) bool {
	switch s.Kind {
	case KindFlag:
		return s.Value == flagText(value.Text)
	case KindNumber:
		return s.Value == strings.TrimSpace(value.Text)
	case KindURL:
		return normal(KindURL, s.Value) == normal(KindURL, value.Text)
	case KindAdditional:
		return normal(KindAdditional, s.Value) == normal(KindAdditional, value.Text)
	default:
		return s.Value == value.Text
	}
}

// Unreadable returns the name of a managed setting that the vendor shows in a type from which nothing can be
// concluded, "" if there is none. Such a reading is no reading (R5): it is never taken for "no".
func Unreadable(desired Desired, observed Observed) string {
	for _, s := range desired.Settings {
		value, ok := observed.value(s.Name)
		if !ok {
			continue
		}
		switch {
		case value.Type == jsonvalue.Other,
			s.Kind == KindFlag && value.Type == jsonvalue.Number,
			s.Kind == KindNumber && value.Type == jsonvalue.Bool,
			(s.Kind == KindURL || s.Kind == KindText) && value.Type == jsonvalue.Bool:
			return s.Name
		}
	}
	return ""
}

// Adopt returns the wish that a value at the vendor fulfills as it is, as a Setting's Value. It reports false for a value
// from which nothing can be concluded.
func Adopt(kind SettingKind, value jsonvalue.Value) (wish string, ok bool) {
	if value.Type == jsonvalue.Null || value.Type == jsonvalue.Other {
		return "", false
	}
	switch kind {
	case KindFlag:
		flag := flagText(value.Text)
		return flag, value.Type != jsonvalue.Number && (flag == "yes" || flag == "no")
	case KindNumber:
		number := strings.TrimSpace(value.Text)
		return number, value.Type != jsonvalue.Bool && plainInteger.MatchString(number)
	case KindURL:
		return value.Text, value.Type == jsonvalue.String
	case KindText:
		return value.Text, value.Type != jsonvalue.Bool
	default:
		return value.Text, true
	}
}

// normal writes a value in one of the ways that the vendor takes for the same (R9).
func normal(kind SettingKind, value string) string {
	switch kind {
	case KindURL:
		return normalURL(value)
	case KindAdditional:
		return flagText(value)
	default:
		return value
	}
}

// flagText writes the ways to say yes and no in one way; other text stays as it is.
func flagText(text string) string {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "yes", "true":
		return "yes"
	case "no", "false":
		return "no"
	}
	return text
}

// normalURL writes URLs in one way that differ only in the case of the scheme or the host, the default port or an empty
// path.
func normalURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	u.Host = strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; port != "" {
		u.Host = strings.TrimSuffix(u.Host, port)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}

// plainHost is a host that may be shown: printable ASCII, since others can look like one another or change how a line reads.
var plainHost = regexp.MustCompile(`^[!-~]{1,255}$`)

var plainInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)

// Wire returns the value to send for a setting: an additional one in the JSON type in which the vendor shows it, else
// as a number if it is a plain integer (R9).
func Wire(s Setting, observed Observed) any {
	switch s.Kind {
	case KindNumber:
		return json.Number(s.Value)
	case KindAdditional:
		return additionalWire(s.Value, observed[s.Name])
	default:
		return s.Value
	}
}

func additionalWire(text string, shown jsonvalue.Value) any {
	switch shown.Type {
	case jsonvalue.String:
		return text
	case jsonvalue.Bool:
		if flag := flagText(text); flag == "yes" || flag == "no" {
			return flag == "yes"
		}
		return text
	case jsonvalue.Number:
		if _, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) {
			return json.Number(text)
		}
	default:
	}
	if plainInteger.MatchString(text) {
		return json.Number(text)
	}
	return text
}

// Texts that stand for what is not shown.
const (
	shownSecret        = "(secret)"
	shownSecretDiffers = "(secret, differs)"
	shownText          = "(text)"
	// Missing stands for the value of a setting that the vendor does not show.
	Missing = "(missing)"
)

// maxShown is the MaxLength of the status field that shows a wish, in characters.
const maxShown = 1024

// show makes a difference fit for the status: no secret, of a URL no more than scheme and host, and of the vendor's
// texts only numbers, yes and no.
func show(s Setting, observed Observed) v1alpha1.PendingChange {
	change := v1alpha1.PendingChange{Setting: s.Name}
	value, ok := observed.value(s.Name)
	if !ok {
		change.Observed = Missing
	}
	switch s.Kind {
	case KindSecret:
		change.Desired = shownSecret
		if change.Observed == "" && value.Text != "" {
			change.Observed = shownSecretDiffers
		}
	case KindURL:
		change.Desired = showURL(s.Value)
		if change.Observed == "" {
			change.Observed = showURL(value.Text)
		}
	default:
		change.Desired = s.Value
		if utf8.RuneCountInString(s.Value) > maxShown {
			change.Desired = shownText
		}
		if change.Observed == "" {
			change.Observed = showValue(s.Kind, value.Text)
		}
	}
	return change
}

func showValue(kind SettingKind, text string) string {
	text = strings.TrimSpace(text)
	flag := flagText(text)
	if kind == KindFlag && (flag == "yes" || flag == "no") || kind == KindNumber && plainInteger.MatchString(text) {
		return text
	}
	return shownText
}

// showURL shows scheme and host, and "/…" if more follows: paths, queries and userinfo carry secrets.
func showURL(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || !plainHost.MatchString(u.Host) || u.Scheme != "http" && u.Scheme != "https" {
		return shownText
	}
	shown := u.Scheme + "://" + u.Host
	if strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		shown += "/…"
	}
	return shown
}
