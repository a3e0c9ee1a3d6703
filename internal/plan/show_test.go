// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// TestPendingChangesShowNoSecret: what differs is shown without secrets, paths and the vendor's free text.
func TestPendingChangesShowNoSecret(t *testing.T) {
	const missing = "(missing)"
	link := func(url string) string { return `"webhookUrl":"` + url + `"` }
	additional := func(value string) string { return `"additionalSettings":[{"name":"x","value":"` + value + `"}]` }
	null := jsonvalue.Value{Type: jsonvalue.Null}
	for _, test := range []struct {
		settings, name    string
		shown             *jsonvalue.Value
		desired, observed string
	}{
		{`"incomingWebhook":true`, "incomingWebhook", new(text("no")), "yes", "no"},
		{`"incomingWebhook":true`, "incomingWebhook", new(text("tok-1234")), "yes", "(text)"},
		{`"incomingWebhook":true`, "incomingWebhook", nil, "yes", missing},
		{`"incomingWebhook":true`, "incomingWebhook", &null, "yes", missing},
		{`"delaySendMessagesMilliseconds":700`, "delaySendMessagesMilliseconds", new(number("500")), "700", "500"},
		{`"delaySendMessagesMilliseconds":700`, "delaySendMessagesMilliseconds", new(text("tok-1234")), "700", "(text)"},
		{additional("3"), "x", new(text("a secret")), "3", "(text)"},
		{additional("3"), "x", new(number("4")), "3", "(text)"},
		{additional("yes"), "x", new(text("no")), "yes", "(text)"},
		{additional("3"), "x", nil, "3", missing},
		{link("https://a.example/p-s3cret?q=s3cret"), "webhookUrl", new(text("")), "https://a.example/…", ""},
		{link("https://a.example"), "webhookUrl", new(text("http://b.example:8080/p-s3cret")), "https://a.example", "http://b.example:8080/…"},
		{link("https://a.example/"), "webhookUrl", new(text("https://user:s3cret@a.example")), "https://a.example", "https://a.example/…"},
		{link("https://a.example/"), "webhookUrl", new(text("https://a.example?s3cret")), "https://a.example", "https://a.example/…"},
		{link("https://a.example/"), "webhookUrl", new(text("https://a.example#s3cret")), "https://a.example", "https://a.example/…"},
		{link(""), "webhookUrl", new(text("s3cret")), "", "(text)"},
		{link(""), "webhookUrl", new(text("ftp://s3cret.example/")), "", "(text)"},
		{link(""), "webhookUrl", new(text("https://" + strings.Repeat("s3cret.", 60))), "", "(text)"},
		{link("https://a.example/"), "webhookUrl", nil, "https://a.example", missing},
	} {
		s := newStory(t, test.settings)
		if test.shown != nil {
			s.in.Observed[test.name] = *test.shown
		}
		want := []v1alpha1.PendingChange{{Setting: test.name, Desired: test.desired, Observed: test.observed}}
		if s.look(); !slices.Equal(s.d.Pending, want) {
			t.Errorf("pending %+v, want %+v", s.d.Pending, want)
		}
	}
}

// TestPendingChangesOfTheToken: only whether there is one and whether it differs.
func TestPendingChangesOfTheToken(t *testing.T) {
	for _, test := range []struct {
		value, version string
		shown          *jsonvalue.Value
		observed       string
	}{
		{"s3cret", "7", new(text("0ld-s3cret")), "(secret, differs)"},
		{"s3cret", "7", new(text("")), ""},
		{"s3cret", "7", nil, "(missing)"},
		{"", "7", new(text("0ld-s3cret")), "(secret, differs)"},
	} {
		s := newStory(t, "")
		s.token(`"webhookUrlTokenSecretRef":{"name":"hook"}`, test.value)
		if test.shown != nil {
			s.in.Observed[plan.WebhookTokenName] = *test.shown
		}
		s.look()
		want := []v1alpha1.PendingChange{{Setting: plan.WebhookTokenName, Desired: "(secret)", Observed: test.observed}}
		if !slices.Equal(s.d.Pending, want) {
			t.Errorf("pending %+v, want %+v", s.d.Pending, want)
		}
		if all := render(t, s.d); strings.Contains(all, "s3cret") {
			t.Errorf("the decision gives the token away: %s", all)
		}
	}
}

// TestPendingChangesListEverything: under every policy, abandoned or not, sorted, and nothing that is in effect.
func TestPendingChangesListEverything(t *testing.T) {
	for _, policy := range []v1alpha1.ReconcilePolicy{v1alpha1.PolicyEnforce, v1alpha1.PolicyOnSpecChange, v1alpha1.PolicyObserve} {
		s := inEffect(t, `"outgoingWebhook":true,"incomingWebhook":true,"stateWebhook":true`)
		s.in.Policy = policy
		s.shows("outgoingWebhook", "no")
		s.shows("incomingWebhook", "no")
		s.in.History.Abandoned = []v1alpha1.AbandonedSetting{{Setting: "outgoingWebhook", Reason: v1alpha1.AbandonNotPersisted, Count: 1}}
		s.look()
		var names []string
		for _, change := range s.d.Pending {
			names = append(names, change.Setting)
		}
		if !slices.Equal(names, []string{"incomingWebhook", "outgoingWebhook"}) {
			t.Errorf("%s: pending %v", policy, names)
		}
	}
}

// TestR6_MissingIsSentOncePerChange: a setting that the vendor does not show is written once, then given up as not
// supported; a change tries it again.
func TestR6_MissingIsSentOncePerChange(t *testing.T) {
	for name, vendor := range map[string]func(*story){
		"missing": func(s *story) { delete(s.in.Observed, "incomingWebhook") },
		"null":    func(s *story) { s.in.Observed["incomingWebhook"] = jsonvalue.Value{Type: jsonvalue.Null} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, `"incomingWebhook":true`)
			vendor(s)
			s.sends("incomingWebhook")
			s.answer(v1alpha1.OutcomeSettling)
			s.after(settle - poll)
			s.quiet(v1alpha1.ReasonSettling)
			s.after(poll)
			s.quiet(v1alpha1.ReasonSettingNotSupported)
			s.abandoned("incomingWebhook SettingNotSupported")
			for range 3 {
				s.after(24 * retryAfter)
				s.quiet(v1alpha1.ReasonSettingNotSupported)
			}
			s.edit(`"incomingWebhook":false`)
			s.sends("incomingWebhook")
		})
	}
}

// TestR6_NullIsEmpty: no URL is the same as an empty one, so nothing is written.
func TestR6_NullIsEmpty(t *testing.T) {
	s := newStory(t, `"webhookUrl":""`)
	s.in.Observed["webhookUrl"] = jsonvalue.Value{Type: jsonvalue.Null}
	s.quiet(v1alpha1.ReasonUpToDate)
}

// TestR6_MissingBesideOthers: what the vendor shows is confirmed, what it does not show is given up.
func TestR6_MissingBesideOthers(t *testing.T) {
	s := newStory(t, `"incomingWebhook":true,"outgoingWebhook":true`)
	s.shows("outgoingWebhook", "no")
	s.sends("incomingWebhook", "outgoingWebhook")
	s.answer(v1alpha1.OutcomeSettling)
	s.after(time90)
	s.shows("outgoingWebhook", "yes")
	s.quiet(v1alpha1.ReasonSettling)
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingNotSupported)
	s.outcome(v1alpha1.OutcomeConfirmed)
	s.abandoned("incomingWebhook SettingNotSupported")
}

// TestR6_MissingBesideNotKept: a setting that is not shown is given up at once, one that is not kept is tried again.
func TestR6_MissingBesideNotKept(t *testing.T) {
	s := newStory(t, `"incomingWebhook":true,"outgoingWebhook":true`)
	s.shows("outgoingWebhook", "no")
	s.sends("incomingWebhook", "outgoingWebhook")
	s.answer(v1alpha1.OutcomeSettling)
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.abandoned("incomingWebhook SettingNotSupported")
	s.after(retryAfter)
	s.sends("outgoingWebhook")
}

// TestR6_MissingWithUnknownOutcome: it may never have been sent, so it is repeated once before it is given up.
func TestR6_MissingWithUnknownOutcome(t *testing.T) {
	s := newStory(t, `"incomingWebhook":true`)
	s.sends("incomingWebhook")
	s.newProcess()
	s.after(settle + settle/10)
	if record := s.sends("incomingWebhook"); record.Attempt != 2 || record.Reason != v1alpha1.ApplyRetry {
		t.Errorf("record %s, want attempt 2, a retry", toJSON(t, record))
	}
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingNotSupported)
}

// TestR6_ShownAfterAll: a setting that appears with the wished value is no longer given up.
func TestR6_ShownAfterAll(t *testing.T) {
	s := newStory(t, `"incomingWebhook":true`)
	s.sends("incomingWebhook")
	s.answer(v1alpha1.OutcomeSettling)
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingNotSupported)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.abandoned()
}
