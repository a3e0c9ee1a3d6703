// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// differs reports whether a first look at a setting would write it.
func differs(t *testing.T, settings, name string, shown jsonvalue.Value) bool {
	t.Helper()
	s := newStory(t, settings)
	s.in.Observed[name] = shown
	s.look()
	return slices.Contains(s.d.Send, name)
}

// TestR9_EqualURLs: only the case of the host, the default port and an empty path make no difference.
func TestR9_EqualURLs(t *testing.T) {
	for _, test := range []struct {
		wished, shown string
		equal         bool
	}{
		{"https://shop.example/hook", "https://shop.example/hook", true},
		{"https://shop.example/hook", "https://SHOP.Example/hook", true},
		{"https://shop.example/hook", "https://shop.example:443/hook", true},
		{"https://shop.example", "https://shop.example/", true},
		{"https://shop.example?a=b", "https://shop.example/?a=b", true},
		{"http://shop.example:80", "http://Shop.example/", true},
		{"https://[2001:db8::1]/", "https://[2001:DB8::1]:443", true},
		{"", "", true},
		{"https://shop.example/hook", "https://shop.example/Hook", false},
		{"https://shop.example/hook", "https://shop.example/hook/", false},
		{"https://shop.example/hook", "http://shop.example/hook", false},
		{"https://shop.example/hook", "https://shop.example:8443/hook", false},
		{"https://shop.example:80/", "https://shop.example/", false},
		{"http://shop.example:443/", "http://shop.example/", false},
		{"https://shop.example/?a=b", "https://shop.example/?a=B", false},
		{"https://shop.example/?a=1&b=2", "https://shop.example/?b=2&a=1", false},
		{"https://user:pw@shop.example/", "https://shop.example/", false},
		{"https://shop.example/%7Ea", "https://shop.example/~a", false},
		{"https://shop.example/#a", "https://shop.example/", false},
		{"https://shop.example/", "", false},
		{"", "https://shop.example/", false},
		{"https://shop.example/", "https://shop.example/%zz", false},
	} {
		got := !differs(t, `"webhookUrl":"`+test.wished+`"`, "webhookUrl", jsonvalue.Value{Type: jsonvalue.String, Text: test.shown})
		if got != test.equal {
			t.Errorf("%q and %q: equal %t, want %t", test.wished, test.shown, got, test.equal)
		}
	}
}

func text(s string) jsonvalue.Value   { return jsonvalue.Value{Type: jsonvalue.String, Text: s} }
func number(s string) jsonvalue.Value { return jsonvalue.Value{Type: jsonvalue.Number, Text: s} }
func truth(s string) jsonvalue.Value  { return jsonvalue.Value{Type: jsonvalue.Bool, Text: s} }

// TestR9_EqualValues: additional values are compared as text with yes = true, numbers as text.
func TestR9_EqualValues(t *testing.T) {
	const flag, delay, extra = `"incomingWebhook":true`, `"delaySendMessagesMilliseconds":5000`, `"additionalSettings":[{"name":"x","value":"V"}]`
	additional := func(value string) string { return strings.Replace(extra, `V`, value, 1) }
	for _, test := range []struct {
		settings, name string
		shown          jsonvalue.Value
		equal          bool
	}{
		{flag, "incomingWebhook", text("yes"), true},
		{flag, "incomingWebhook", truth("yes"), true},
		{flag, "incomingWebhook", text("true"), true},
		{flag, "incomingWebhook", text("Yes"), true},
		{flag, "incomingWebhook", text("no"), false},
		{flag, "incomingWebhook", truth("no"), false},
		{flag, "incomingWebhook", text(""), false},
		{delay, "delaySendMessagesMilliseconds", number("5000"), true},
		{delay, "delaySendMessagesMilliseconds", text("5000"), true},
		{delay, "delaySendMessagesMilliseconds", number("500"), false},
		{additional("yes"), "x", text("yes"), true},
		{additional("yes"), "x", truth("yes"), true},
		{additional("true"), "x", text("yes"), true},
		{additional("yes"), "x", text("true"), true},
		{additional("no"), "x", text("false"), true},
		{additional("yes"), "x", text("no"), false},
		{additional("3"), "x", number("3"), true},
		{additional("3"), "x", text("3"), true},
		{additional("3"), "x", number("4"), false},
		{additional("1"), "x", truth("yes"), false},
		{additional("Hello"), "x", text("hello"), false},
		{additional("Hello"), "x", text("Hello"), true},
	} {
		if got := !differs(t, test.settings, test.name, test.shown); got != test.equal {
			t.Errorf("%s and %+v: equal %t, want %t", test.settings, test.shown, got, test.equal)
		}
	}
}

// TestR9_WireTypes: flags are yes and no, numbers numbers, and an additional value has the JSON type that the vendor
// shows, else that of a plain integer.
func TestR9_WireTypes(t *testing.T) {
	null := jsonvalue.Value{Type: jsonvalue.Null}
	for _, test := range []struct {
		kind  plan.SettingKind
		value string
		shown *jsonvalue.Value
		want  string
	}{
		{plan.KindFlag, "yes", new(truth("no")), `"yes"`},
		{plan.KindNumber, "5000", new(text("500")), `5000`},
		{plan.KindURL, "https://a.example", nil, `"https://a.example"`},
		{plan.KindSecret, "12", new(number("34")), `"12"`},
		{plan.KindAdditional, "3", nil, `3`},
		{plan.KindAdditional, "-3", nil, `-3`},
		{plan.KindAdditional, "03", nil, `"03"`},
		{plan.KindAdditional, "3.5", nil, `"3.5"`},
		{plan.KindAdditional, "12345678901234567890", nil, `"12345678901234567890"`},
		{plan.KindAdditional, "yes", nil, `"yes"`},
		{plan.KindAdditional, "3", &null, `3`},
		{plan.KindAdditional, "3", new(text("4")), `"3"`},
		{plan.KindAdditional, "3", new(number("4")), `3`},
		{plan.KindAdditional, "3.5", new(number("4")), `3.5`},
		{plan.KindAdditional, "many", new(number("4")), `"many"`},
		{plan.KindAdditional, "NaN", new(number("4")), `"NaN"`},
		{plan.KindAdditional, "yes", new(truth("no")), `true`},
		{plan.KindAdditional, "false", new(truth("yes")), `false`},
		{plan.KindAdditional, "yes", new(text("no")), `"yes"`},
		{plan.KindAdditional, "maybe", new(truth("no")), `"maybe"`},
	} {
		observed := plan.Observed{}
		if test.shown != nil {
			observed["x"] = *test.shown
		}
		raw, err := json.Marshal(plan.Wire(plan.Setting{Name: "x", Kind: test.kind, Value: test.value}, observed))
		if err != nil || string(raw) != test.want {
			t.Errorf("%q shown as %+v goes out as %s (%v), want %s", test.value, test.shown, raw, err, test.want)
		}
	}
}

// TestR9_OnlyWhatDiffersIsSent: the body of the one call has the settings that differ and no others.
func TestR9_OnlyWhatDiffersIsSent(t *testing.T) {
	s := newStory(t, `"incomingWebhook":true,"outgoingWebhook":true,"stateWebhook":true,"webhookUrl":""`)
	s.obey()
	s.shows("outgoingWebhook", "no")
	s.shows("webhookUrl", "https://other.example/")
	record := s.sends("outgoingWebhook", "webhookUrl")
	if len(record.Settings) != 2 || record.Reason != v1alpha1.ApplySpecChange || record.Attempt != 1 ||
		record.Outcome != v1alpha1.OutcomePending || record.Generation != 1 || !record.StartedTime.Time.Equal(noon) {
		t.Errorf("record %s", toJSON(t, record))
	}
}

// TestR5_Unreadable: a type from which nothing can be concluded makes the whole reading void.
func TestR5_Unreadable(t *testing.T) {
	const flag, delay, link = `"incomingWebhook":true`, `"delaySendMessagesMilliseconds":700`, `"webhookUrl":""`
	other := jsonvalue.Value{Type: jsonvalue.Other, Text: "yes"}
	for _, test := range []struct {
		settings, name string
		shown          jsonvalue.Value
		want           bool
	}{
		{flag, "incomingWebhook", other, true},
		{flag, "incomingWebhook", number("1"), true},
		{flag, "incomingWebhook", text("1"), false},
		{flag, "incomingWebhook", truth("yes"), false},
		{flag, "incomingWebhook", jsonvalue.Value{Type: jsonvalue.Null}, false},
		{flag, "outgoingWebhook", other, false},
		{delay, "delaySendMessagesMilliseconds", truth("yes"), true},
		{delay, "delaySendMessagesMilliseconds", text("700"), false},
		{link, "webhookUrl", truth("yes"), true},
		{link, "webhookUrl", text(""), false},
	} {
		got := plan.Unreadable(wish(t, test.settings), plan.Observed{test.name: test.shown})
		if (got == test.name) != test.want || got != "" && !test.want {
			t.Errorf("%s shown as %+v: %q, want unreadable %t", test.settings, test.shown, got, test.want)
		}
	}
	if got := plan.Unreadable(wish(t, flag), plan.Observed{}); got != "" {
		t.Errorf("a missing setting is unreadable: %q", got)
	}
}
