// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/doctor"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// settingsSchema is what a CRD says of the fields of spec.settings.
type settingsSchema map[string]apiextensionsv1.JSONSchemaProps

// ownCRDs are the CRDs that are part of this program, read once.
var ownCRDs = sync.OnceValues(doctor.CRDs)

// schemaOf returns the schema of a kind's settings. It is the only place that knows what a setting may be: markers in
// api/v1alpha1 make the CRD.
func schemaOf(kind instance.Kind) (settingsSchema, error) {
	definitions, err := ownCRDs()
	if err != nil {
		return nil, err
	}
	for _, definition := range definitions {
		if definition.Spec.Names.Kind != kind.Name {
			continue
		}
		for _, version := range definition.Spec.Versions {
			if version.Name == v1alpha1.GroupVersion.Version && version.Schema != nil && version.Schema.OpenAPIV3Schema != nil {
				return version.Schema.OpenAPIV3Schema.Properties["spec"].Properties["settings"].Properties, nil
			}
		}
	}
	return nil, fmt.Errorf("no CRD of this program has a schema of %s", kind.Name)
}

// bounds of a setting's field. One that the schema does not have takes 0 and "" only.
func (s settingsSchema) bounds(name string) bounds { return boundsOf(s[name]) }

// additionalBounds are those of additionalSettings: how many there may be, and what each may be called and hold.
type additionalBounds struct {
	count       int
	name, value bounds
}

func (s settingsSchema) additional() additionalBounds {
	list := s["additionalSettings"]
	if list.Items == nil || list.Items.Schema == nil {
		return additionalBounds{}
	}
	parts := list.Items.Schema.Properties
	return additionalBounds{count: int(ptr.Deref(list.MaxItems, 0)), name: boundsOf(parts["name"]), value: boundsOf(parts["value"])}
}

// bounds are what a field may hold: a number of a range, or a text of a length in characters that is one of the choices, if
// there are any, and matches all patterns.
type bounds struct {
	least, greatest   int64
	shortest, longest int64
	choices           []string
	patterns          []pattern
}

// pattern is one that a text has to match, unless it is empty and orEmpty.
type pattern struct {
	*regexp.Regexp
	orEmpty bool
}

func boundsOf(schema apiextensionsv1.JSONSchemaProps) bounds {
	var b bounds
	switch {
	case schema.Type == "string":
		b.shortest, b.longest = ptr.Deref(schema.MinLength, 0), ptr.Deref(schema.MaxLength, math.MaxInt64)
	case schema.Format == "int32":
		b.least, b.greatest = math.MinInt32, math.MaxInt32
	case schema.Format == "int64":
		b.least, b.greatest = math.MinInt64, math.MaxInt64
	}
	if schema.Minimum != nil {
		b.least = int64(*schema.Minimum)
	}
	if schema.Maximum != nil {
		b.greatest = int64(*schema.Maximum)
	}
	for _, choice := range schema.Enum {
		var text string
		if json.Unmarshal(choice.Raw, &text) == nil {
			b.choices = append(b.choices, text)
		}
	}
	if expression, err := regexp.Compile(schema.Pattern); err == nil && schema.Pattern != "" {
		b.patterns = append(b.patterns, pattern{Regexp: expression})
	}
	for _, rule := range schema.XValidations {
		if p, ok := patternOf(rule.Rule); ok {
			b.patterns = append(b.patterns, p)
		}
	}
	return b
}

// matchRule is a pattern as a rule in CEL, which has a message of its own where a plain pattern has none.
var matchRule = regexp.MustCompile(`^(self == '' \|\| )?self\.matches\('([^']*)'\)$`)

// patternOf reads a rule that is a pattern. Other rules are for the API server to check, which does so for all of them when
// the manifest is applied.
func patternOf(rule string) (pattern, bool) {
	parts := matchRule.FindStringSubmatch(rule)
	if parts == nil {
		return pattern{}, false
	}
	text, err := strconv.Unquote(`"` + parts[2] + `"`)
	if err != nil {
		return pattern{}, false
	}
	expression, err := regexp.Compile(text)
	return pattern{Regexp: expression, orEmpty: parts[1] != ""}, err == nil
}

// takesNumber reports whether a number is within the bounds.
func (b bounds) takesNumber(number int64) bool { return b.least <= number && number <= b.greatest }

// takesText reports whether a text is within the bounds.
func (b bounds) takesText(text string) bool {
	if length := int64(utf8.RuneCountInString(text)); length < b.shortest || length > b.longest {
		return false
	}
	if len(b.choices) > 0 && !slices.Contains(b.choices, text) {
		return false
	}
	for _, p := range b.patterns {
		if (text != "" || !p.orEmpty) && !p.MatchString(text) {
			return false
		}
	}
	return true
}
