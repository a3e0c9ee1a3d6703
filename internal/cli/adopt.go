// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// shortestSecret is the length of a webhook token that other values are searched for: shorter ones occur by chance.
const shortestSecret = 8

// secretName is part of the name of a setting that may hold a secret.
var secretName = regexp.MustCompile(`(?i)token|secret|password|proxy|credential|apikey`)

// noSuchValue says why a value that the vendor shows is left out.
const noSuchValue = "the vendor shows no value of it that a manifest can hold"

// idle are settings that have a field, and that the vendor documents as not working.
var idle = []string{"deviceWebhook", "incomingBlockWebhook"}

// never are settings without a field that are not taken over: read-only at the vendor, or documented as not used.
var never = []string{
	"wid", "typeinstance", "typeaccount", "proxyinstance", "webhookurltoken",
	"sharedsession", "countryinstance", "statusinstancewebhook", "enablemessageshistory",
}

// adoption makes spec.settings of what the vendor shows.
type adoption struct {
	kind        instance.Kind
	schema      settingsSchema
	additionals additionalBounds
	settings    greenapi.Settings
	secrets     []string
	allSettings bool

	values map[string]any
	// left says of each setting that was left out why.
	left map[string]string
	// further are settings that --all-settings would take.
	further []string
}

func newAdoption(kind instance.Kind, schema settingsSchema, settings greenapi.Settings, token string) *adoption {
	a := &adoption{kind: kind, schema: schema, additionals: schema.additional(), settings: settings, secrets: []string{token},
		values: map[string]any{}, left: map[string]string{}}
	if webhook := settings[plan.WebhookTokenName].Text; len(webhook) >= shortestSecret {
		a.secrets = append(a.secrets, webhook)
	}
	return a
}

// adopt takes over all settings that can be, and returns the key of the webhook token in the Secret, "" if it is not
// referred to. create says that the Secret is made now, so that the token may be added.
func (a *adoption) adopt(secret *corev1.Secret, create bool) (key string) {
	fields := plan.Fields(a.kind.NewSettings())
	shown := instance.Observed(plan.Desired{Settings: append(fields, a.others()...)}, a.settings)
	for _, field := range fields {
		value, ok := shown[field.Name]
		switch {
		case !ok:
		case slices.Contains(idle, field.Name):
			a.left[field.Name] = "the vendor documents it as not working"
		case field.Kind == plan.KindSecret:
			key = a.webhookToken(value, secret, create)
		default:
			a.typed(field, value)
		}
	}
	var additional []any
	for _, other := range a.others() {
		text, ok := a.additional(other, shown[other.Name])
		switch {
		case ok && len(additional) == a.additionals.count:
			a.left[other.Name] = fmt.Sprintf("a resource holds %d of such settings at most", a.additionals.count)
		case ok:
			additional = append(additional, map[string]any{"name": other.Name, "value": text})
		}
	}
	if len(additional) > 0 {
		a.values["additionalSettings"] = additional
	}
	return key
}

// others are the settings that the vendor shows and the kind has no field for, sorted by name.
func (a *adoption) others() []plan.Setting {
	fields := plan.Fields(a.kind.NewSettings())
	var others []plan.Setting
	for _, name := range slices.Sorted(maps.Keys(a.settings)) {
		typed := slices.ContainsFunc(fields, func(field plan.Setting) bool { return strings.EqualFold(field.Name, name) })
		if !typed && a.additionals.name.takesText(name) && !a.secret(name) {
			others = append(others, plan.Setting{Name: name, Kind: plan.KindAdditional})
		}
	}
	return others
}

// secret reports whether a text of the vendor's holds a part of a token.
func (a *adoption) secret(text string) bool { return greenapi.Conceal(text, a.secrets...) != text }

func (a *adoption) typed(field plan.Setting, value jsonvalue.Value) {
	wish, ok := plan.Adopt(field.Kind, value)
	if !ok {
		a.left[field.Name] = "the vendor shows no value of it that can be understood"
		return
	}
	allowed := a.schema.bounds(field.Name)
	switch field.Kind {
	case plan.KindFlag:
		a.values[field.Name] = wish == "yes"
	case plan.KindNumber:
		number, err := strconv.ParseInt(wish, 10, 64)
		if err != nil || !allowed.takesNumber(number) {
			a.left[field.Name] = fmt.Sprintf("the vendor shows %s, and takes %d to %d only", wish, allowed.least, allowed.greatest)
			return
		}
		a.values[field.Name] = number
	default:
		switch {
		case a.secret(wish):
			a.left[field.Name] = "it holds a token, which must stand in a Secret only"
		case !allowed.takesText(wish) && field.Kind == plan.KindURL:
			a.left[field.Name] = fmt.Sprintf("the vendor shows no http or https URL of at most %d characters", allowed.longest)
		case !allowed.takesText(wish):
			a.left[field.Name] = noSuchValue
		default:
			a.values[field.Name] = wish
		}
	}
}

// webhookToken refers to the webhook token in the Secret, if it is there or may be added.
func (a *adoption) webhookToken(value jsonvalue.Value, secret *corev1.Secret, create bool) string {
	const field, key = "webhookUrlTokenSecretRef", v1alpha1.DefaultWebhookURLTokenKey
	token, ok := plan.Adopt(plan.KindSecret, value)
	stored, there := secret.Data[key]
	switch {
	case value.Type == jsonvalue.Null || ok && token == "":
		return ""
	case !ok || token != strings.TrimSpace(token) || !greenapi.ValidWebhookToken(token):
		a.left[field] = "the vendor shows a webhook token that a Secret cannot hold for it: one line of at most 1024 printable ASCII characters"
		return ""
	case create && !there:
		secret.Data[key] = []byte(token)
	case strings.TrimSpace(string(stored)) != token:
		a.left[field] = fmt.Sprintf("the webhook token is not in Secret %q under %s. Put it there and refer to it to have it managed, or import with --create-secret", secret.Name, key)
		return ""
	}
	a.values[field] = map[string]any{"name": secret.Name}
	return key
}

// additional reports whether a setting without a field is taken over, and its value.
func (a *adoption) additional(setting plan.Setting, value jsonvalue.Value) (string, bool) {
	text, ok := plan.Adopt(plan.KindAdditional, value)
	switch {
	case slices.Contains(never, strings.ToLower(setting.Name)):
		return "", false
	case !a.allSettings:
		a.further = append(a.further, setting.Name)
		return "", false
	case secretName.MatchString(setting.Name) || ok && a.secret(text):
		a.left[setting.Name] = "it may hold a secret"
		return "", false
	case !ok || !a.additionals.value.takesText(text):
		a.left[setting.Name] = noSuchValue
		return "", false
	}
	return text, true
}

// comments are the lines above the manifest. They hold no value of the vendor's but numbers.
func (a *adoption) comments() string {
	var b strings.Builder
	b.WriteString("# Imported with kubectl greenapi import: when it was made, nothing differed at the vendor.\n")
	for _, name := range slices.Sorted(maps.Keys(a.left)) {
		fmt.Fprintf(&b, "# %s is left out: %s.\n", name, a.left[name])
	}
	if len(a.further) > 0 {
		fmt.Fprintf(&b, "# Without a field of their own, taken over with --all-settings only: %s.\n", strings.Join(a.further, ", "))
	}
	for _, field := range plan.Fields(a.kind.NewSettings()) {
		text, ok := a.values[field.Name].(string)
		if !ok || field.Kind != plan.KindURL {
			continue
		}
		if u, err := url.Parse(text); err != nil || u.RawQuery != "" || u.User != nil {
			b.WriteString("# " + field.Name + " may hold a secret in its query or user: whoever may read this resource can read it.\n")
		}
	}
	return b.String()
}
