#!/bin/sh
# Guess:  a field with "format: duration" in a CRD takes what Go's time.ParseDuration takes, so metav1.Duration can read whatever was accepted.
# Truth:  the format takes days, weeks, words between and a time hidden in a sentence. metav1.Duration cannot read them, and one such object
#         keeps the whole list from being read: an informer of typed objects sees none of its kind, in no namespace, until it is gone.
#         With date-time it is alike: small letters pass the schema, and metav1.Time refuses them.
# Matters here: intervals are strings with a rule that says the form in full, and no field has one of these formats.
# Seen with: k8s.io/apiextensions-apiserver v0.37.1, k8s.io/apimachinery v0.37.2, go1.26.
set -eu
cd "$(mktemp -d)"
trap 'chmod -R u+w . 2>/dev/null; rm -rf "$PWD"' EXIT
quietly() {
	"$@" > log 2>&1 || {
		cat log >&2
		return 1
	}
}
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type lantern struct {
	Every metav1.Duration `json:"every,omitzero"`
	Until metav1.Time     `json:"until,omitzero"`
}

func main() {
	for _, tried := range []struct{ field, format, value string }{
		{"every", "duration", "90m"},
		{"every", "duration", "3 days"},
		{"every", "duration", "2 weeks, then 1h more"},
		{"until", "date-time", "2026-11-29T10:00:00Z"},
		{"until", "date-time", "2026-11-29t10:00:00z"},
	} {
		schema := &apiextensions.JSONSchemaProps{Type: "object", Properties: map[string]apiextensions.JSONSchemaProps{
			tried.field: {Type: "string", Format: tried.format},
		}}
		validator, _, err := validation.NewSchemaValidator(schema)
		if err != nil {
			panic(err)
		}
		refused := validation.ValidateCustomResource(nil, map[string]any{tried.field: tried.value}, validator)
		list := struct{ Items []lantern }{}
		err = json.Unmarshal(fmt.Appendf(nil, `{"items":[{"every":"1m"},{%q:%q}]}`, tried.field, tried.value), &list)
		fmt.Printf("%s %q: the schema takes it: %t, a list with it can be read: %t\n", tried.format, tried.value, len(refused) == 0, err == nil)
	}
}
GO
quietly go mod init finding
quietly go get k8s.io/apiextensions-apiserver@v0.37.1 k8s.io/apimachinery@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
duration "90m": the schema takes it: true, a list with it can be read: true
duration "3 days": the schema takes it: true, a list with it can be read: false
duration "2 weeks, then 1h more": the schema takes it: true, a list with it can be read: false
date-time "2026-11-29T10:00:00Z": the schema takes it: true, a list with it can be read: true
date-time "2026-11-29t10:00:00z": the schema takes it: true, a list with it can be read: false
TEXT
diff want seen
