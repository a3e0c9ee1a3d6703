#!/bin/sh
# Guess:  kube-state-metrics makes a number of seconds of a duration in a resource, or says that it is none.
# Truth:  it takes a text for a quantity before it gives up, and 5m is five thousandths there. So minutes become a metric of 0.005, hours and
#         seconds are an error, and 1h30m is one as well: a rule over a fleet sees small numbers for some and no series for the others.
# Matters here: intervals in a spec are such texts. config/kube-state-metrics makes metrics of numbers, times and states, and of no interval.
# Seen with: k8s.io/kube-state-metrics/v2 v2.18.0, go1.26.
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

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2"
	"k8s.io/kube-state-metrics/v2/pkg/customresourcestate"
	"sigs.k8s.io/yaml"
)

const config = `
groupVersionKind: {group: example.com, version: v1, kind: Lantern}
metrics:
  - name: interval
    each: {type: gauge, gauge: {path: [spec, interval]}}
`

func main() {
	klog.SetLogger(logr.Discard())
	resource := customresourcestate.Resource{}
	if err := yaml.Unmarshal([]byte(config), &resource); err != nil {
		panic(err)
	}
	metrics, err := customresourcestate.NewCustomResourceMetrics(resource)
	if err != nil {
		panic(err)
	}
	for _, interval := range []string{"5m", "90m", "1h", "30s", "1h30m"} {
		lantern := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"interval": interval}}}
		for _, family := range metrics.MetricFamilyGenerators() {
			made := family.Generate(lantern).Metrics
			fmt.Printf("interval %s: %d series", interval, len(made))
			for _, series := range made {
				fmt.Printf(" of %g", series.Value)
			}
			fmt.Println()
		}
	}
}
GO
quietly go mod init finding
quietly go get k8s.io/kube-state-metrics/v2@v2.18.0
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
interval 5m: 1 series of 0.005
interval 90m: 1 series of 0.09
interval 1h: 0 series
interval 30s: 0 series
interval 1h30m: 0 series
TEXT
diff want seen
