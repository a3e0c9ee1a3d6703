// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// settingsStructs returns the settings struct of every kind in the scheme, so that no kind is forgotten.
func settingsStructs(t *testing.T) map[string]reflect.Type {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	structs := map[string]reflect.Type{}
	for kind, goType := range scheme.KnownTypes(v1alpha1.GroupVersion) {
		if !reflect.PointerTo(goType).Implements(reflect.TypeFor[v1alpha1.Instance]()) {
			continue
		}
		spec, _ := goType.FieldByName("Spec")
		settings, ok := spec.Type.FieldByName("Settings")
		if !ok {
			t.Fatalf("%s has no spec.settings", kind)
		}
		structs[kind] = settings.Type.Elem()
	}
	if _, ok := structs["WhatsAppInstance"]; !ok {
		t.Fatalf("found no WhatsAppInstance in %v", structs)
	}
	return structs
}

// TestWishesMapsEveryField: each field alone is one wish, under the vendor's name.
func TestWishesMapsEveryField(t *testing.T) {
	for name, kind := range settingsStructs(t) {
		for _, path := range fieldPaths(kind, nil) {
			field := kind.FieldByIndex(path)
			t.Run(name+"/"+field.Name, func(t *testing.T) {
				settings := reflect.New(kind)
				wireName, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				want := fill(t, settings.Elem().FieldByIndex(path), wireName, field.Tag.Get("setting"))
				desired := plan.Wishes(settings.Interface())
				if desired.TokenRef != nil {
					desired.SetToken(want.Value, apiToken, "")
					want.Wish = desired.SecretVersion
				}
				if got := desired.Names(); !slices.Equal(got, []string{want.Name}) {
					t.Fatalf("names %v, want only %s", got, want.Name)
				}
				got := desired.Settings[0]
				if want.Wish == "" {
					want.Wish = got.Wish
				}
				if len(desired.Settings) != 1 || got != want || got.Wish == "" {
					t.Errorf("wishes %+v, want only %+v", desired.Settings, want)
				}
				if none := plan.Wishes(reflect.New(kind).Interface()); none.Hash+none.SecretVersion == desired.Hash+desired.SecretVersion {
					t.Error("setting the field is no change")
				}
			})
		}
	}
}

// fieldPaths lists the fields of a struct, embedded structs opened.
func fieldPaths(kind reflect.Type, above []int) [][]int {
	var paths [][]int
	for i := range kind.NumField() {
		path := append(slices.Clone(above), i)
		if field := kind.Field(i); field.Anonymous {
			paths = append(paths, fieldPaths(field.Type, path)...)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

// fill sets a field and returns the wish that must come of it. The tag says what a text is.
func fill(t *testing.T, field reflect.Value, wireName, tag string) plan.Setting {
	t.Helper()
	if wireName == "" || strings.ToUpper(wireName[:1]) == wireName[:1] {
		t.Fatalf("the JSON name %q is none of the vendor's", wireName)
	}
	switch field.Interface().(type) {
	case *bool:
		on := true
		field.Set(reflect.ValueOf(&on))
		return plan.Setting{Name: wireName, Kind: plan.KindFlag, Value: "yes"}
	case *int32:
		number := int32(700)
		field.Set(reflect.ValueOf(&number))
		return plan.Setting{Name: wireName, Kind: plan.KindNumber, Value: "700"}
	case *string:
		text := "https://shop.example/hook"
		field.Set(reflect.ValueOf(&text))
		return plan.Setting{Name: wireName, Kind: map[string]plan.SettingKind{"url": plan.KindURL, "text": plan.KindText}[tag], Value: text}
	case *v1alpha1.SecretKeyReference:
		field.Set(reflect.ValueOf(&v1alpha1.SecretKeyReference{Name: "hook"}))
		return plan.Setting{Name: plan.WebhookTokenName, Kind: plan.KindSecret, Value: "a-token"}
	case []v1alpha1.AdditionalSetting:
		field.Set(reflect.ValueOf([]v1alpha1.AdditionalSetting{{Name: "autoTyping", Value: "3"}}))
		return plan.Setting{Name: "autoTyping", Kind: plan.KindAdditional, Value: "3"}
	}
	t.Fatalf("this test does not know fields of type %s", field.Type())
	return plan.Setting{}
}

// TestWishesUnsetIsNotManaged: what the spec leaves out is not managed, and false, 0 and "" are not left out.
func TestWishesUnsetIsNotManaged(t *testing.T) {
	for name, desired := range map[string]plan.Desired{"nil": plan.Wishes(nil), "empty": wish(t, "")} {
		if len(desired.Settings) != 0 || len(desired.Names()) != 0 || len(desired.Hash) != 16 {
			t.Errorf("%s: %+v", name, desired)
		}
	}
	desired := wish(t, `"webhookUrl":"","incomingWebhook":false,"additionalSettings":[{"name":"linkPreview","value":""}]`)
	if got := desired.Names(); !slices.Equal(got, []string{"incomingWebhook", "linkPreview", "webhookUrl"}) {
		t.Errorf("names %v", got)
	}
}

// TestWishesNamesBeforeTheTokenIsKnown: the token is managed from the moment the spec refers to it.
func TestWishesNamesBeforeTheTokenIsKnown(t *testing.T) {
	desired := wish(t, `"webhookUrlTokenSecretRef":{"name":"hook"},"webhookUrl":"","stateWebhook":true,"additionalSettings":[{"name":"zeta","value":"1"}]`)
	want := []string{"stateWebhook", "webhookUrl", "webhookUrlToken", "zeta"}
	if got := desired.Names(); !slices.Equal(got, want) {
		t.Errorf("names before %v, want %v", got, want)
	}
	desired.SetToken("a-token", apiToken, "")
	if got := desired.Names(); !slices.Equal(got, want) {
		t.Errorf("names after %v, want %v", got, want)
	}
	if !slices.IsSortedFunc(desired.Settings, func(a, b plan.Setting) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("settings %+v are not sorted", desired.Settings)
	}
}

// TestHashStability: what is a change and what is not.
func TestHashStability(t *testing.T) {
	const base = `"incomingWebhook":true,"webhookUrl":"https://a.example","webhookUrlTokenSecretRef":{"name":"hook"}`
	additional := func(order ...string) string {
		var list []string
		for i, name := range order {
			list = append(list, fmt.Sprintf(`{"name":%q,"value":%q}`, name, strings.ToUpper(order[i])))
		}
		return base + `,"additionalSettings":[` + strings.Join(list, ",") + `]`
	}
	first := wish(t, additional("a", "b", "c"))
	for _, same := range []string{
		additional("c", "a", "b"), strings.Replace(additional("a", "b", "c"), `"hook"`, `"other"`, 1),
		strings.Replace(additional("a", "b", "c"), `"name":"hook"`, `"name":"hook","key":"old"`, 1),
		strings.Replace(additional("a", "b", "c"), "a.example", "A.example:443/", 1),
	} {
		if got := wish(t, same); got.Hash != first.Hash {
			t.Errorf("%s: the hash differs, want it equal", same)
		}
	}
	for what, other := range map[string]string{
		"another value":        strings.Replace(additional("a", "b", "c"), "true", "false", 1),
		"one setting less":     additional("a", "b"),
		"a value moved one on": strings.Replace(additional("a", "b", "c"), `"value":"A"`, `"value":"B"`, 1),
		"another path":         strings.Replace(additional("a", "b", "c"), "a.example", "a.example/A", 1),
	} {
		if got := wish(t, other); got.Hash == first.Hash {
			t.Errorf("%s: the hash is equal, want it to differ", what)
		}
	}
}

// TestHashIsThatOfThisRelease: an upgrade of the operator is no change, so these digits stay as they are for ever.
func TestHashIsThatOfThisRelease(t *testing.T) {
	desired := wish(t, `"incomingWebhook":true,"webhookUrl":"https://a.example","delaySendMessagesMilliseconds":5000,
		"webhookUrlTokenSecretRef":{"name":"hook"},"additionalSettings":[{"name":"autoTyping","value":"3"}]`)
	if got, want := desired.Hash, "c7e064b1c5ee7516"; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	if got, want := desired.Settings[2].Wish, "8a798890"; desired.Settings[2].Name != "incomingWebhook" || got != want {
		t.Errorf("wish of %s is %s, want %s", desired.Settings[2].Name, got, want)
	}
}

// TestHashLeavesTheTokenOut: a new webhook token changes the version, not the hash.
func TestHashLeavesTheTokenOut(t *testing.T) {
	const settings = `"webhookUrlTokenSecretRef":{"name":"hook"}`
	one, two := wish(t, settings), wish(t, settings)
	one.SetToken("first", apiToken, "")
	two.SetToken("second", apiToken, "")
	if one.Hash != two.Hash || one.SecretVersion == two.SecretVersion {
		t.Errorf("hashes %s and %s, versions %s and %s", one.Hash, two.Hash, one.SecretVersion, two.SecretVersion)
	}
	if one.Settings[0].Wish != one.SecretVersion || two.Settings[0].Wish != two.SecretVersion {
		t.Errorf("the token's wish is %s and %s, want its digest", one.Settings[0].Wish, two.Settings[0].Wish)
	}
	if raw, _ := json.Marshal(one.Names()); strings.Contains(string(raw), "first") {
		t.Error("the names give the token away")
	}
}

// TestMovingAnAdditionalSettingToItsFieldIsNoChange: a setting that got a field in a later release has one wish in both places, so
// that a manifest can be tidied up without a restart.
func TestMovingAnAdditionalSettingToItsFieldIsNoChange(t *testing.T) {
	typed := plan.Wishes(&v1alpha1.WhatsAppSettings{AutoTyping: new(int32(3)), LinkPreview: new(true), EnableLidMode: new(false)})
	for _, yes := range []string{"yes", "YES", "true", " True "} {
		additional := plan.Wishes(&v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{AdditionalSettings: []v1alpha1.AdditionalSetting{
			{Name: "enableLidMode", Value: "no"}, {Name: "autoTyping", Value: "3"}, {Name: "linkPreview", Value: yes},
		}}})
		if additional.Hash != typed.Hash {
			t.Errorf("%q: the hash is %s, want %s", yes, additional.Hash, typed.Hash)
		}
		for i, s := range typed.Settings {
			if other := additional.Settings[i]; other.Name != s.Name || other.Wish != s.Wish {
				t.Errorf("%q: %s has the wish %s, want %s of %s", yes, other.Name, other.Wish, s.Wish, s.Name)
			}
		}
	}
}
