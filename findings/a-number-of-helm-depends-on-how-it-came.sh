#!/bin/sh
# Guess:  a value that is a number is written into a manifest as it was given, and the same from a file of values as from --set.
# Truth:  a template writes a whole number of seven digits or more from a file as a floating one with an exponent, and the same number from
#         --set in full. quote and print do not help, toYaml and int64 do.
# Matters here: an instance is named by a number of ten digits. The chart writes it by int64 or toYaml, and nowhere as it is.
# Seen with: helm.sh/helm/v4 v4.3.1, go1.26.
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
	"fmt"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"
)

func main() {
	file := map[string]any{}
	if err := yaml.Unmarshal([]byte("lantern: 1234567890\n"), &file); err != nil {
		panic(err)
	}
	set, err := strvals.Parse("lantern=1234567890")
	if err != nil {
		panic(err)
	}
	lamp := &chart.Chart{
		Metadata:  &chart.Metadata{Name: "lamp", Version: "0.1.0"},
		Templates: []*common.File{{Name: "templates/lamp", Data: []byte("{{ .Values.lantern }} {{ quote .Values.lantern }} {{ toYaml .Values.lantern }} {{ int64 .Values.lantern }}")}},
	}
	for _, from := range []struct {
		name   string
		values map[string]any
	}{{"a file", file}, {"--set", set}} {
		written, err := engine.Render(lamp, common.Values{"Values": from.values})
		if err != nil {
			panic(err)
		}
		fmt.Printf("from %s: %s\n", from.name, written["lamp/templates/lamp"])
	}
}
GO
quietly go mod init finding
quietly go get helm.sh/helm/v4@v4.3.1 k8s.io/client-go@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
from a file: 1.23456789e+09 "1.23456789e+09" 1234567890 1234567890
from --set: 1234567890 "1234567890" 1234567890 1234567890
TEXT
diff want seen
