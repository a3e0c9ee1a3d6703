// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"encoding/json"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// widerSettings are those of a messenger with a second number, a second URL and plain texts: a line for each.
type widerSettings struct {
	v1alpha1.CommonSettings `json:",inline"`

	PauseSeconds *int32  `json:"pauseSeconds,omitempty"`
	QuotaBytes   *int64  `json:"quotaBytes,omitempty"`
	StatusURL    *string `json:"statusUrl,omitempty" setting:"url"`
	Greeting     *string `json:"greeting,omitempty" setting:"text"`
	Language     *mode   `json:"language,omitempty" setting:"text"`
}

type mode string

func TestASettingIsALineInItsStruct(t *testing.T) {
	g := NewWithT(t)
	kinds := map[string]plan.SettingKind{}
	for _, field := range plan.Fields(&widerSettings{}) {
		kinds[field.Name] = field.Kind
	}
	for name, kind := range map[string]plan.SettingKind{"pauseSeconds": plan.KindNumber, "quotaBytes": plan.KindNumber, "statusUrl": plan.KindURL,
		"greeting": plan.KindText, "language": plan.KindText, "webhookUrl": plan.KindURL, "webhookUrlToken": plan.KindSecret} {
		g.Expect(kinds).To(HaveKeyWithValue(name, kind))
	}
	g.Expect(kinds).To(HaveLen(len(plan.Fields(&v1alpha1.MaxSettings{})) - 1 + 5))

	settings := &widerSettings{PauseSeconds: new(int32(3)), QuotaBytes: new(int64(1) << 40), StatusURL: new("https://Shop.example"), Greeting: new("Yes"), Language: new(mode("ru"))}
	desired := plan.Wishes(settings)
	g.Expect(desired.Names()).To(Equal([]string{"greeting", "language", "pauseSeconds", "quotaBytes", "statusUrl"}))
	inEffect := plan.Observed{"pauseSeconds": number("3"), "quotaBytes": number("1099511627776"), "statusUrl": text("https://shop.example:443/"), "greeting": text("Yes"), "language": text("ru")}
	g.Expect(plan.Differences(desired, inEffect)).To(BeEmpty())
	g.Expect(plan.Differences(desired, plan.Observed{"pauseSeconds": text("4"), "quotaBytes": number("1"), "statusUrl": text("https://other.example/s3cret"), "greeting": text("true")})).To(Equal([]v1alpha1.PendingChange{
		{Setting: "greeting", Desired: "Yes", Observed: "(text)"},
		{Setting: "language", Desired: "ru", Observed: "(missing)"},
		{Setting: "pauseSeconds", Desired: "3", Observed: "4"},
		{Setting: "quotaBytes", Desired: "1099511627776", Observed: "1"},
		{Setting: "statusUrl", Desired: "https://Shop.example", Observed: "https://other.example/…"},
	}))
	wire := map[string]any{}
	for _, s := range desired.Settings {
		wire[s.Name] = plan.Wire(s, inEffect)
	}
	body, err := json.Marshal(wire)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(body)).To(Equal(`{"greeting":"Yes","language":"ru","pauseSeconds":3,"quotaBytes":1099511627776,"statusUrl":"https://Shop.example"}`))
}

func TestR9_TextsAreComparedToTheLetterAndSentAsTexts(t *testing.T) {
	g := NewWithT(t)
	wished := func(value string) plan.Desired { return plan.Wishes(&widerSettings{Greeting: &value}) }
	for _, test := range []struct {
		wished string
		shown  jsonvalue.Value
		equal  bool
	}{
		{"Hello", text("Hello"), true}, {"Hello", text("hello"), false}, {"Hello", text("Hello "), false},
		{"yes", text("yes"), true}, {"yes", text("true"), false}, {"yes", text("YES"), false},
		{"5", number("5"), true}, {"5", text(" 5"), false},
		{"https://a.example", text("https://a.example/"), false},
		{"", text(""), true}, {"", jsonvalue.Value{Type: jsonvalue.Null}, true}, {"x", jsonvalue.Value{Type: jsonvalue.Null}, false},
	} {
		desired, shown := wished(test.wished), plan.Observed{"greeting": test.shown}
		g.Expect(len(plan.Differences(desired, shown)) == 0).To(Equal(test.equal), "%q and %+v", test.wished, test.shown)
		g.Expect(plan.Unreadable(desired, shown)).To(BeEmpty())
		g.Expect(plan.Wire(desired.Settings[0], shown)).To(Equal(test.wished))
	}
	for _, shown := range []jsonvalue.Value{truth("yes"), {Type: jsonvalue.Other}} {
		g.Expect(plan.Unreadable(wished("yes"), plan.Observed{"greeting": shown})).To(Equal("greeting"))
		_, ok := plan.Adopt(plan.KindText, shown)
		g.Expect(ok).To(BeFalse())
	}
	// What the status has no room for is not shown.
	long := plan.Differences(wished(strings.Repeat("ä", 1024)), plan.Observed{})
	g.Expect(long[0].Desired).To(HavePrefix("ää"))
	g.Expect(plan.Differences(wished(strings.Repeat("ä", 1025)), plan.Observed{})[0].Desired).To(Equal("(text)"))
}

func TestAFurtherFieldChangesNoHashOfWhoDoesNotUseIt(t *testing.T) {
	g := NewWithT(t)
	common := v1alpha1.CommonSettings{IncomingWebhook: new(true), WebhookURL: new("https://a.example"), DelaySendMessagesMilliseconds: new(int32(5000))}
	now := plan.Wishes(&v1alpha1.MaxSettings{CommonSettings: common})
	g.Expect(plan.Wishes(&widerSettings{CommonSettings: common}).Hash).To(Equal(now.Hash))
	g.Expect(plan.Wishes(&widerSettings{CommonSettings: common, Greeting: new("")}).Hash).NotTo(Equal(now.Hash))

	// Nor does a value that moves into its new field.
	additional := common
	additional.AdditionalSettings = []v1alpha1.AdditionalSetting{{Name: "pauseSeconds", Value: "3"}, {Name: "greeting", Value: "Hello"}}
	before, after := plan.Wishes(&widerSettings{CommonSettings: additional}), plan.Wishes(&widerSettings{CommonSettings: common, PauseSeconds: new(int32(3)), Greeting: new("Hello")})
	g.Expect(after.Hash).To(Equal(before.Hash))
	for i, s := range after.Settings {
		g.Expect(s.Wish).To(Equal(before.Settings[i].Wish))
	}
}

func TestAFieldThatDoesNotSayWhatItIsIsAMistake(t *testing.T) {
	g := NewWithT(t)
	g.Expect(func() { plan.Fields(&struct{ Greeting *string }{}) }).To(PanicWith(ContainSubstring("Greeting needs the tag")))
	g.Expect(func() {
		plan.Fields(&struct {
			Greeting *string `setting:"link"`
		}{})
	}).To(PanicWith(ContainSubstring("Greeting needs the tag")))
	g.Expect(func() { plan.Fields(&struct{ Share *float64 }{}) }).To(PanicWith(ContainSubstring("Share has a type that cannot be compared")))
	g.Expect(func() { plan.Fields(&struct{ Names []string }{}) }).To(PanicWith(ContainSubstring("Names has a type that cannot be compared")))
}
