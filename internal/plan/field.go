// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Fields are all settings that a kind's settings struct (a pointer to it) has a field for, without values, sorted by
// name: those with a wish and those without.
func Fields(settings any) []Setting {
	var fields []Setting
	eachField(reflect.Zero(reflect.TypeOf(settings).Elem()), func(field reflect.StructField, _ reflect.Value) {
		if described := describe(field); described.Kind != KindAdditional {
			fields = append(fields, described)
		}
	})
	slices.SortFunc(fields, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// collect adds every field that is set.
func (d *Desired) collect(settings reflect.Value) {
	eachField(settings, func(field reflect.StructField, value reflect.Value) {
		if value.IsNil() {
			return
		}
		described := describe(field)
		switch described.Kind {
		case KindFlag:
			described.Value = yesNo(value.Elem().Bool())
		case KindNumber:
			described.Value = strconv.FormatInt(value.Elem().Int(), 10)
		case KindURL, KindText:
			described.Value = value.Elem().String()
		case KindSecret:
			ref, _ := reflect.TypeAssert[*v1alpha1.SecretKeyReference](value)
			d.TokenRef = &v1alpha1.SecretKeyReference{Name: ref.Name, Key: ref.KeyOr(v1alpha1.DefaultWebhookURLTokenKey)}
			return
		case KindAdditional:
			list, _ := reflect.TypeAssert[[]v1alpha1.AdditionalSetting](value)
			for _, additional := range list {
				d.Settings = append(d.Settings, Setting{Name: additional.Name, Kind: KindAdditional, Value: additional.Value})
			}
			return
		}
		d.Settings = append(d.Settings, described)
	})
}

// eachField calls a function with every field of a settings struct, those of embedded structs among them.
func eachField(settings reflect.Value, do func(reflect.StructField, reflect.Value)) {
	for i := range settings.NumField() {
		field := settings.Type().Field(i)
		if field.Anonymous {
			eachField(settings.Field(i), do)
			continue
		}
		do(field, settings.Field(i))
	}
}

// describe tells the setting that a field is for: the JSON name is the vendor's name, and the type says the kind. Of a text
// the tag says it, setting:"url" or setting:"text", since the status shows a text as it is and of a URL only the host.
// What it does not know is a mistake in the API types; a test walks them all.
func describe(field reflect.StructField) Setting {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	switch field.Type {
	case reflect.TypeFor[*v1alpha1.SecretKeyReference]():
		return Setting{Name: WebhookTokenName, Kind: KindSecret}
	case reflect.TypeFor[[]v1alpha1.AdditionalSetting]():
		return Setting{Name: name, Kind: KindAdditional}
	}
	if field.Type.Kind() == reflect.Pointer {
		switch field.Type.Elem().Kind() {
		case reflect.Bool:
			return Setting{Name: name, Kind: KindFlag}
		case reflect.Int32, reflect.Int64:
			return Setting{Name: name, Kind: KindNumber}
		case reflect.String:
			if kind := textKinds[field.Tag.Get("setting")]; kind != 0 {
				return Setting{Name: name, Kind: kind}
			}
			panic("plan: the settings field " + field.Name + ` needs the tag setting:"url" or setting:"text"`)
		default:
		}
	}
	panic("plan: the settings field " + field.Name + " has a type that cannot be compared")
}

// textKinds are the kinds of texts by the tag of their fields.
var textKinds = map[string]SettingKind{"url": KindURL, "text": KindText}
