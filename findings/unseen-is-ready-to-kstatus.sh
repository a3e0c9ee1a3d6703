#!/bin/sh
# Guess:  an object without a status, which no controller has looked at yet, is in progress to tools that wait until things are ready.
# Truth:  kstatus, by which Flux and Helm wait, calls it current: no condition speaks against it. So a wait that begins just after the apply
#         ends at once, if the controller is a moment late. An observedGeneration that is not the object's is what makes it wait.
# Matters here: each kind has a default in its CRD, a status with observedGeneration -1, so that no object is ever without.
# Seen with: github.com/fluxcd/cli-utils v1.3.0 (pkg/kstatus), go1.26.
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

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	ready := map[string]any{"type": "Ready", "status": "Unknown", "reason": "New", "message": "not looked at"}
	for _, tried := range []struct {
		name   string
		status map[string]any
	}{
		{"no status", nil},
		{"a generation that was never seen", map[string]any{"observedGeneration": int64(-1)}},
		{"Ready is Unknown", map[string]any{"conditions": []any{ready}}},
	} {
		lantern := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "example.com/v1", "kind": "Lantern",
			"metadata": map[string]any{"namespace": "quay", "name": "lamp", "generation": int64(1)},
		}}
		if tried.status != nil {
			lantern.Object["status"] = tried.status
		}
		result, err := status.Compute(lantern)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: %s\n", tried.name, result.Status)
	}
}
GO
quietly go mod init finding
quietly go get github.com/fluxcd/cli-utils@v1.3.0 k8s.io/apimachinery@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
no status: Current
a generation that was never seen: InProgress
Ready is Unknown: InProgress
TEXT
diff want seen
