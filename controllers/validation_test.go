// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// manifest is a WhatsAppInstance whose spec has the given lines in addition.
func manifest(spec string) string {
	lines := strings.Split(strings.Trim(spec, "\n"), "\n")
	return `
apiVersion: messaging.greenapi-operator.dev/v1alpha1
kind: WhatsAppInstance
metadata: {generateName: validation-, namespace: default}
spec:
  idInstance: 710700000001
  apiTokenSecretRef: {name: token}
  ` + strings.Join(lines, "\n  ")
}

// applied creates what a manifest says, read as kubectl reads it: YAML's unquoted yes and no are booleans.
func applied(t *testing.T, text string) (*unstructured.Unstructured, error) {
	t.Helper()
	needControlPlane(t)
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	// As kubectl does: unknown fields are errors.
	err := admin.Create(t.Context(), object, client.FieldValidation("Strict"))
	if err == nil {
		t.Cleanup(func() { _ = admin.Delete(t.Context(), object) })
	}
	return object, err
}

// longHost is a host of 253 characters.
var longHost = strings.Repeat("a", 63) + strings.Repeat("."+strings.Repeat("b", 62), 3) + "c"

func TestSchemaAccepts(t *testing.T) {
	for name, spec := range map[string]string{
		"nothing but what is required":             ``,
		"unquoted yes and no":                      "settings: {incomingWebhook: yes, outgoingWebhook: no}",
		"true and false":                           "settings: {incomingWebhook: true, outgoingWebhook: false}",
		"an empty webhookUrl":                      `settings: {webhookUrl: ""}`,
		"a webhookUrl with port, path and query":   `settings: {webhookUrl: "https://shop.example:8443/hooks?x=1"}`,
		"the shortest and longest pause":           "settings: {delaySendMessagesMilliseconds: 500}",
		"an origin":                                "apiUrl: https://7107.api.greenapi.com",
		"an origin with a slash":                   "apiUrl: https://7107.api.greenapi.com/",
		"an origin with a port":                    "apiUrl: http://127.0.0.1:8090",
		"an origin with the greatest port":         "apiUrl: https://a--b.example:65535/",
		"the longest host of the longest parts":    "apiUrl: https://" + longHost,
		"durations":                                "stateInterval: 1m\nsettingsInterval: 1h30m",
		"durations of quoted zero":                 "stateInterval: \"0\"\nsettingsInterval: 0s",
		"the shortest durations":                   "stateInterval: 5s\nsettingsInterval: 10s",
		"additional settings":                      `settings: {additionalSettings: [{name: autoTyping, value: "3"}, {name: linkPreview, value: "yes"}]}`,
		"typed ones that were additional":          "settings: {autoTyping: 0, linkPreview: true, enableLidMode: false}",
		"one typed and another additional":         `settings: {autoTyping: 10, additionalSettings: [{name: linkPreview, value: "yes"}, {name: enableLidMode, value: "no"}]}`,
		"a policy":                                 "reconcilePolicy: OnSpecChange\npaused: true",
		"a webhook token with and without its key": "settings: {webhookUrlTokenSecretRef: {name: webhook}}",
	} {
		t.Run(name, func(t *testing.T) {
			object, err := applied(t, manifest(spec))
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			observed, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
			if observed != -1 {
				t.Errorf("status.observedGeneration = %d before the first look, want -1", observed)
			}
		})
	}
}

func TestSchemaRefusesAndSaysWhatToWrite(t *testing.T) {
	const origin = "must be an origin such as https://7107.api.greenapi.com"
	const host = "must name a host as DNS has it, such as 7107.api.greenapi.com"
	const duration = "must be a duration such as 30s, 5m or 1h30m, or 0 to switch it off"
	tooMany := make([]string, 0, 5000)
	for i := range 5000 {
		tooMany = append(tooMany, fmt.Sprintf(`{name: setting%d, value: "1"}`, i))
	}
	for name, test := range map[string]struct{ spec, want string }{
		"a quoted flag":                 {`settings: {incomingWebhook: "yes"}`, "must be of type boolean"},
		"a path in apiUrl":              {"apiUrl: https://api.green-api.com/v3", origin},
		"a query in apiUrl":             {"apiUrl: https://api.green-api.com?x", origin},
		"a user in apiUrl":              {"apiUrl: https://me@api.green-api.com", origin},
		"no scheme in apiUrl":           {"apiUrl: api.green-api.com", origin},
		"another scheme in apiUrl":      {"apiUrl: ftp://api.green-api.com", origin},
		"an empty part of a host":       {"apiUrl: https://a..example", host},
		"a hyphen before a part":        {"apiUrl: https://a.-b.example", host},
		"a hyphen behind a part":        {"apiUrl: https://a-.example:443/", host},
		"a long part of a host":         {"apiUrl: https://" + strings.Repeat("a", 64) + ".example", host},
		"a long host":                   {"apiUrl: https://a" + longHost + "/", host},
		"the port 0":                    {"apiUrl: https://a.example:0", "must name a port from 1 to 65535"},
		"the port 65536":                {"apiUrl: https://a.example:65536/", "must name a port from 1 to 65535"},
		"a word for a duration":         {"stateInterval: often", duration},
		"a duration in days":            {"settingsInterval: 1d", duration},
		"a negative duration":           {"stateInterval: -5s", duration},
		"an unquoted zero":              {"stateInterval: 0", "must be of type string"},
		"a short stateInterval":         {"stateInterval: 4s", "must be at least 5s, or 0 to switch it off"},
		"a short settingsInterval":      {"settingsInterval: 9s", "must be at least 10s, or 0 to switch it off"},
		"a webhookUrl without a scheme": {"settings: {webhookUrl: shop.example/hooks}", "must be an http or https URL"},
		"a short pause":                 {"settings: {delaySendMessagesMilliseconds: 499}", "greater than or equal to 500"},
		"a long pause":                  {"settings: {delaySendMessagesMilliseconds: 86400001}", "less than or equal to 86400000"},
		"a typed setting twice":         {`settings: {additionalSettings: [{name: incomingWebhook, value: "yes"}]}`, "must be set there"},
		"a typed setting in other case": {`settings: {additionalSettings: [{name: INCOMINGWEBHOOK, value: "yes"}]}`, "must be set there"},
		"a token as additional":         {`settings: {additionalSettings: [{name: webhookUrlToken, value: "x"}]}`, "is a secret or read-only at the vendor"},
		"a read-only setting":           {`settings: {additionalSettings: [{name: TypeInstance, value: "x"}]}`, "is a secret or read-only at the vendor"},
		"a name with a dash":            {`settings: {additionalSettings: [{name: auto-typing, value: "x"}]}`, "must be the vendor's name of a setting"},
		"an additional number":          {"settings: {additionalSettings: [{name: autoTyping, value: 3}]}", "must be of type string"},
		"autoTyping below 0":            {"settings: {autoTyping: -1}", "greater than or equal to 0"},
		"autoTyping above 10":           {"settings: {autoTyping: 11}", "less than or equal to 10"},
		"an additional setting twice":   {`settings: {additionalSettings: [{name: a, value: "1"}, {name: a, value: "2"}]}`, "Duplicate value"},
		"five thousand of them":         {"settings: {additionalSettings: [" + strings.Join(tooMany, ", ") + "]}", "must have at most 64 items"},
		"an unknown policy":             {"reconcilePolicy: Sometimes", `supported values: "Enforce", "OnSpecChange", "Observe"`},
		"an unknown setting":            {"settings: {incomingWebhooks: true}", "unknown field"},
		"a Secret of another namespace": {"settings: {webhookUrlTokenSecretRef: {name: x, namespace: y}}", "unknown field"},
		"a Secret without a name":       {"settings: {webhookUrlTokenSecretRef: {key: x}}", "Required value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := applied(t, manifest(test.spec))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("refused with %q, which does not say %q", err, test.want)
			}
		})
	}
}

// typedLater are settings that got a field after the first release. Resources may have them in additionalSettings.
var typedLater = map[string][]string{"WhatsAppInstance": {"autoTyping", "linkPreview", "enableLidMode"}}

// TestSettingsThatWereAdditionalAreRefusedOnlyIfSetTwice: in any case of their letters, and the message names the setting.
func TestSettingsThatWereAdditionalAreRefusedOnlyIfSetTwice(t *testing.T) {
	typed := map[string]string{"autoTyping": "3", "linkPreview": "true", "enableLidMode": "false"}
	for _, name := range typedLater["WhatsAppInstance"] {
		for _, written := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			additional := fmt.Sprintf(`additionalSettings: [{name: other, value: "1"}, {name: %s, value: "perhaps"}]`, written)
			if _, err := applied(t, manifest("settings: {"+additional+"}")); err != nil {
				t.Errorf("%s as an additional setting alone: %v", written, err)
			}
			_, err := applied(t, manifest("settings: {"+name+": "+typed[name]+", "+additional+"}"))
			if want := name + " is set twice: keep spec.settings." + name + ", and take it out of additionalSettings"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s and the additional %s: %v, want %q", name, written, err, want)
			}
		}
	}
}

// TestTypedSettingsAreRefusedAsAdditional walks the API types, so that no rule of a kind forgets a field.
func TestTypedSettingsAreRefusedAsAdditional(t *testing.T) {
	for _, kind := range instance.Kinds {
		spec := reflect.TypeOf(kind.New()).Elem()
		field, _ := spec.FieldByName("Spec")
		settings, _ := field.Type.FieldByName("Settings")
		for _, f := range reflect.VisibleFields(settings.Type.Elem()) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous || name == "additionalSettings" || name == "webhookUrlTokenSecretRef" || slices.Contains(typedLater[kind.Name], name) {
				continue
			}
			text := manifest(fmt.Sprintf(`settings: {additionalSettings: [{name: %s, value: "1"}]}`, name))
			_, err := applied(t, strings.Replace(text, "kind: WhatsAppInstance", "kind: "+kind.Name, 1))
			if err == nil || !strings.Contains(err.Error(), name+" has a field of its own and must be set there (spec.settings."+name+")") {
				t.Errorf("%s: additional setting %s: %v, want a refusal", kind.Name, name, err)
			}
		}
	}
}

func TestSchemaKeepsTheInstance(t *testing.T) {
	for name, id := range map[string]string{"zero": "0", "negative": "-1", "too large for JSON": "9007199254740992", "text": `"710700000001"`} {
		t.Run(name, func(t *testing.T) {
			if _, err := applied(t, strings.Replace(manifest(""), "710700000001", id, 1)); err == nil {
				t.Error("accepted")
			}
		})
	}
	object, err := applied(t, manifest(""))
	if err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(object.Object, int64(710700000002), "spec", "idInstance"); err != nil {
		t.Fatal(err)
	}
	if err := admin.Update(t.Context(), object); err == nil || !strings.Contains(err.Error(), "is immutable") {
		t.Errorf("a changed idInstance: %v, want a refusal that says it is immutable", err)
	}
}

func TestSelectableFieldsAndColumns(t *testing.T) {
	object, err := applied(t, manifest(""))
	if err != nil {
		t.Fatal(err)
	}
	list := &v1alpha1.WhatsAppInstanceList{}
	if err := admin.List(t.Context(), list, client.InNamespace("default"), client.MatchingFields{"spec.idInstance": "710700000001"}); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, item := range list.Items {
		found = found || item.Name == object.GetName()
	}
	if !found {
		t.Error("kubectl get --field-selector spec.idInstance does not find the resource")
	}
	if err := admin.List(t.Context(), list, client.MatchingFields{"status.stateInstance": "authorized"}); err != nil {
		t.Error(err)
	}
}
