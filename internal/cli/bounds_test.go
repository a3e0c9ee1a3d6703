// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// schemaFor is schemaOf, which does not fail in tests.
func schemaFor(g Gomega, kind instance.Kind) settingsSchema {
	schema, err := schemaOf(kind)
	g.Expect(err).NotTo(HaveOccurred())
	return schema
}

func TestTheSchemaBoundsEverySettingOfEveryKind(t *testing.T) {
	g := NewWithT(t)
	types := map[plan.SettingKind]string{plan.KindFlag: "boolean", plan.KindNumber: "integer", plan.KindURL: "string", plan.KindText: "string"}
	for _, kind := range instance.Kinds {
		schema := schemaFor(g, kind)
		for _, field := range plan.Fields(kind.NewSettings()) {
			if field.Kind == plan.KindSecret {
				continue
			}
			where := field.Name + " of " + kind.Name
			property, ok := schema[field.Name]
			g.Expect(ok).To(BeTrue(), where+" is missing: run make update")
			g.Expect(property.Type).To(Equal(types[field.Kind]), where)
			checkThatAllIsRead(g, property, where)
			if field.Kind == plan.KindURL {
				bounds := schema.bounds(field.Name)
				g.Expect(bounds.patterns).NotTo(BeEmpty(), where+" takes any text for a URL")
				g.Expect(bounds.longest).To(BeNumerically("<=", 2048), where)
			}
		}
	}
	_, err := schemaOf(instance.Kind{Name: "SignalInstance"})
	g.Expect(err).To(MatchError(ContainSubstring("SignalInstance")))
}

// checkThatAllIsRead: the schema says nothing of a field's value that its bounds do not know.
func checkThatAllIsRead(g Gomega, property apiextensionsv1.JSONSchemaProps, where string) {
	text, err := json.Marshal(property)
	g.Expect(err).NotTo(HaveOccurred())
	var words map[string]any
	g.Expect(json.Unmarshal(text, &words)).To(Succeed())
	known := []string{"description", "enum", "format", "maximum", "minimum", "maxLength", "minLength", "pattern", "type", "x-kubernetes-validations"}
	g.Expect(known).To(ContainElements(slices.Collect(maps.Keys(words))), where)
	patterns := len(property.XValidations)
	if property.Pattern != "" {
		patterns++
	}
	bounds := boundsOf(property)
	g.Expect(bounds.patterns).To(HaveLen(patterns), where+" has a rule that is not read")
	g.Expect(bounds.choices).To(HaveLen(len(property.Enum)), where)
}

func TestTheBoundsOfToday(t *testing.T) {
	g := NewWithT(t)
	for _, kind := range instance.Kinds {
		schema := schemaFor(g, kind)
		delay := schema.bounds("delaySendMessagesMilliseconds")
		g.Expect([]int64{delay.least, delay.greatest}).To(Equal([]int64{500, 86400000}))
		for number, takes := range map[int64]bool{499: false, 500: true, 86400000: true, 86400001: false, 0: false, -500: false} {
			g.Expect(delay.takesNumber(number)).To(Equal(takes), "%d", number)
		}

		webhook, long := schema.bounds("webhookUrl"), "https://shop.example/"
		long += strings.Repeat("ä", 2048-len(long))
		for text, takes := range map[string]bool{"": true, "https://shop.example/hook?a=b": true, "HTTP://shop.example": true, long: true, long + "ä": false,
			"ftp://shop.example": false, "shop.example": false, "https://": false, "https://shop.example/a b": false, "javascript:alert(1)": false} {
			g.Expect(webhook.takesText(text)).To(Equal(takes), "%q", text)
		}

		additional := schema.additional()
		g.Expect(additional.count).To(Equal(64))
		for text, takes := range map[string]bool{"autoTyping": true, "a": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "": false, "1a": false, "a-b": false, "a ": false} {
			g.Expect(additional.name.takesText(text)).To(Equal(takes), "%q", text)
		}
		for length, takes := range map[int]bool{0: true, 1024: true, 1025: false} {
			g.Expect(additional.value.takesText(strings.Repeat("ä", length))).To(Equal(takes), "%d characters", length)
		}

		unknown := schema.bounds("noSuchSetting")
		g.Expect([]bool{unknown.takesNumber(1), unknown.takesText("x")}).To(Equal([]bool{false, false}))
	}
	g.Expect(settingsSchema{}.additional()).To(BeZero())
}

// widerSettings are those of a messenger with a second number, a second URL and texts: a line for each.
type widerSettings struct {
	v1alpha1.CommonSettings `json:",inline"`

	PauseSeconds *int32  `json:"pauseSeconds,omitempty"`
	QuotaBytes   *int64  `json:"quotaBytes,omitempty"`
	StatusURL    *string `json:"statusUrl,omitempty" setting:"url"`
	Greeting     *string `json:"greeting,omitempty" setting:"text"`
	Country      *string `json:"country,omitempty" setting:"text"`
	Language     *string `json:"language,omitempty" setting:"text"`
}

// widerSchema is what controller-gen makes of such fields and their markers.
const widerSchema = `
delaySendMessagesMilliseconds: {type: integer, format: int32, minimum: 500, maximum: 86400000}
pauseSeconds: {type: integer, format: int32, minimum: -1, maximum: 10}
quotaBytes: {type: integer, format: int64}
statusUrl: {type: string, maxLength: 30, x-kubernetes-validations: [{rule: "self.matches('^https://\\\\S+$')"}, {rule: "size(self) > 1"}]}
greeting: {type: string, minLength: 2, maxLength: 5}
country: {type: string, maxLength: 2, pattern: "^[A-Z]*$"}
language: {type: string, enum: [ru, en]}
`

func TestImportHoldsEachSettingToItsOwnBounds(t *testing.T) {
	g := NewWithT(t)
	var schema settingsSchema
	g.Expect(yaml.UnmarshalStrict([]byte(widerSchema), &schema)).To(Succeed())
	kind := instance.Kind{Name: "WiderInstance", NewSettings: func() any { return &widerSettings{} }}
	adopted := func(settings greenapi.Settings) *adoption {
		a := newAdoption(kind, schema, settings, "an-api-token")
		a.adopt(&corev1.Secret{}, false)
		return a
	}
	number := func(text string) jsonvalue.Value { return jsonvalue.Value{Type: jsonvalue.Number, Text: text} }
	text := func(text string) jsonvalue.Value { return jsonvalue.Value{Type: jsonvalue.String, Text: text} }

	fit := adopted(greenapi.Settings{"delaySendMessagesMilliseconds": number("500"), "pauseSeconds": number("-1"), "quotaBytes": number("1099511627776"),
		"statusUrl": text("https://shop.example/?key=x"), "greeting": text("Hällo"), "country": text("RU"), "language": text("en")})
	g.Expect(fit.left).To(BeEmpty())
	g.Expect(fit.values).To(Equal(map[string]any{"delaySendMessagesMilliseconds": int64(500), "pauseSeconds": int64(-1), "quotaBytes": int64(1) << 40,
		"statusUrl": "https://shop.example/?key=x", "greeting": "Hällo", "country": "RU", "language": "en"}))
	g.Expect(fit.comments()).To(ContainSubstring("# statusUrl may hold a secret in its query or user"))

	const none = "the vendor shows no value of it that a manifest can hold"
	unfit := adopted(greenapi.Settings{"delaySendMessagesMilliseconds": number("10"), "pauseSeconds": number("500"), "quotaBytes": number("12345678901234567890"),
		"statusUrl": text("http://shop.example"), "greeting": text("Hello!"), "country": text("ru"), "language": text("de")})
	g.Expect(unfit.values).To(BeEmpty())
	g.Expect(unfit.left).To(Equal(map[string]string{
		"delaySendMessagesMilliseconds": "the vendor shows 10, and takes 500 to 86400000 only",
		"pauseSeconds":                  "the vendor shows 500, and takes -1 to 10 only",
		"quotaBytes":                    "the vendor shows no value of it that can be understood",
		"statusUrl":                     "the vendor shows no http or https URL of at most 30 characters",
		"greeting":                      none, "country": none, "language": none,
	}))
	g.Expect(adopted(greenapi.Settings{"greeting": text("x"), "statusUrl": text("an-api-token")}).left).To(Equal(map[string]string{
		"greeting": none, "statusUrl": "it holds a token, which must stand in a Secret only",
	}))
}

// TestEveryMessengerSaysWhereToScan: a person who logs in is told where on the phone.
func TestEveryMessengerSaysWhereToScan(t *testing.T) {
	for _, kind := range instance.Kinds {
		if scanHow[kind.Messenger] == "" {
			t.Errorf("auth does not say where %s scans", kind.Name)
		}
	}
}
