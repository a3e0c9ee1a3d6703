// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// WebhookTokenName is the vendor's name of the one setting whose value is a secret.
const WebhookTokenName = "webhookUrlToken"

// SettingKind is how a setting is compared, sent and shown.
type SettingKind int

// The kinds of settings.
const (
	// KindFlag is a boolean in the spec, "yes" or "no" on the wire.
	KindFlag SettingKind = iota + 1
	// KindNumber is a whole number.
	KindNumber
	// KindURL is a URL, such as the webhook's.
	KindURL
	// KindText is any other text.
	KindText
	// KindSecret is the webhook's token.
	KindSecret
	// KindAdditional is a setting that has no field of its own.
	KindAdditional
)

// Setting is a managed setting: one that the spec wants a value of.
type Setting struct {
	// Name is the vendor's name of it.
	Name string
	// Kind is how it is compared, sent and shown.
	Kind SettingKind
	// Value is the wished value as text: "yes" or "no" for a flag. For KindSecret it is a secret: never print it.
	Value string
	// Wish tells one wished value from another without giving it away; see v1alpha1.AppliedSetting. Two ways to write the
	// same value have one Wish.
	Wish string
	// formerWish is what else may stand for the same value in a status, "" for nothing.
	formerWish string
}

// Desired is what a spec wants of the settings.
type Desired struct {
	// Settings are the managed settings, sorted by name.
	Settings []Setting
	// Hash is taken over the names and values, without the webhook token: 16 hexadecimal digits. Neither the order of
	// additionalSettings, nor another way to write the same value, nor a new release of the operator changes it.
	Hash string
	// SecretVersion tells one webhook token from another: 16 hexadecimal digits of HMAC-SHA-256 of its value, keyed with the
	// API token; "" if none is referred to or its value is not known.
	SecretVersion string
	// secretKey tells which API token SecretVersion is keyed with.
	secretKey string
	// formerHashes and formerVersion are what else may stand for the same in a status; see TakeOver.
	formerHashes  []string
	formerVersion string
	// TokenRef refers to the webhook token, its key filled in; nil if it is not managed.
	TokenRef *v1alpha1.SecretKeyReference
}

// Wishes reads a kind's settings struct (a pointer to it, or nil). Each field describes its setting, so a new setting is
// one line in the API type and nothing here. The value of the webhook token is not known yet: SetToken adds it.
func Wishes(settings any) Desired {
	var desired Desired
	if settings != nil {
		desired.collect(reflect.ValueOf(settings).Elem())
	}
	slices.SortFunc(desired.Settings, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	values, rewritten := make(map[string]string, len(desired.Settings)), false
	for i, s := range desired.Settings {
		value := normal(s.Kind, s.Value)
		wish := digest(value, 8)
		desired.Settings[i].Wish = wish
		if former := digest(s.Value, 8); former != wish {
			desired.Settings[i].formerWish = former
		}
		values[s.Name] = hashed(s.Kind, value)
		rewritten = rewritten || values[s.Name] != s.Value
	}
	desired.Hash = hashOf(values)
	if !rewritten && desired.TokenRef == nil {
		return desired
	}
	for _, s := range desired.Settings {
		values[s.Name] = s.Value
	}
	if rewritten {
		desired.formerHashes = append(desired.formerHashes, hashOf(values))
	}
	if ref := desired.TokenRef; ref != nil {
		values[WebhookTokenName] = ref.Name + "/" + ref.Key
		desired.formerHashes = append(desired.formerHashes, hashOf(values))
	}
	return desired
}

// hashed is the form in which a normal value goes into the hash: of a URL without a path the one without a slash, as earlier
// releases took it.
func hashed(kind SettingKind, value string) string {
	if kind == KindURL && strings.Count(value, "/") == 3 {
		return strings.TrimSuffix(value, "/")
	}
	return value
}

func hashOf(values map[string]string) string {
	// Encoding a map sorts its keys and cannot fail for strings.
	sorted, _ := json.Marshal(values)
	return digest(string(sorted), 16)
}

// Names returns the names of the managed settings, sorted, the webhook token included even before its value is known.
func (d *Desired) Names() []string {
	names := make([]string, 0, len(d.Settings)+1)
	for _, s := range d.Settings {
		names = append(names, s.Name)
	}
	if d.TokenRef != nil && !slices.Contains(names, WebhookTokenName) {
		names = append(names, WebhookTokenName)
		slices.Sort(names)
	}
	return names
}

// find returns a managed setting by its name.
func (d *Desired) find(name string) (Setting, bool) {
	for _, s := range d.Settings {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// digest returns the first digits of the SHA-256 of a text, in hexadecimal.
func digest(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:digits]
}

// AdditionalMetric stands in metrics for every setting without a field of its own.
const AdditionalMetric = "additional"

// MetricName returns a name from a closed set: the vendor's name of a setting that has a field of its own, else
// "additional".
func (d *Desired) MetricName(name string) string {
	if s, ok := d.find(name); ok && s.Kind != KindAdditional {
		return name
	}
	return AdditionalMetric
}
