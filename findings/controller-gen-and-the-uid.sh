#!/bin/sh
# Guess:  a field of type types.UID, which is a string, can have a greatest length in a CRD like any other string.
# Truth:  controller-gen does not look into the type of another package when it applies the marker, finds the type "" and refuses the
#         whole package, although it writes "type: string" for the same field without the marker. A marker that says the type first
#         makes it work.
# Matters here: the status of a PartnerAccount holds UIDs of claims, and what is bounded in an API has to have a bound.
# Seen with: sigs.k8s.io/controller-tools v0.23.0 with k8s.io/apimachinery v0.37.2.
set -eu
cd "$(mktemp -d)"
trap 'chmod -R u+w . 2>/dev/null; rm -rf "$PWD"' EXIT
quietly() {
	"$@" > log 2>&1 || {
		cat log >&2
		return 1
	}
}
write() {
	cat > api/types.go <<GO
// +groupName=example.com
package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// +kubebuilder:object:root=true
type Lantern struct {
	metav1.TypeMeta   \`json:",inline"\`
	metav1.ObjectMeta \`json:"metadata,omitempty"\`

$1
	Keeper types.UID \`json:"keeper"\`
}
GO
}
generate() {
	write "$1"
	bin/controller-gen crd paths=./api output:crd:stdout 2>&1
}
mkdir api
quietly go mod init finding
quietly env GOBIN="$PWD/bin" go install sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0
write ""
export GOFLAGS=-mod=mod
quietly go get k8s.io/apimachinery@v0.37.2
longest='	// +kubebuilder:validation:MaxLength=64'
echo "without a marker:" > seen
generate "" | grep -A8 ' keeper:$' | grep -o 'type: .*' | head -n 1 >> seen
echo "with the greatest length:" >> seen
if generate "$longest" > problem; then echo "it is taken now" >> seen; fi
grep -o 'must apply maxlength to a textual value, found type ""' problem >> seen
echo "with the type and the greatest length:" >> seen
generate "	// +kubebuilder:validation:Type=string
$longest" | grep -o 'maxLength: 64' >> seen
cat seen
cat > want <<'TEXT'
without a marker:
type: string
with the greatest length:
must apply maxlength to a textual value, found type ""
with the type and the greatest length:
maxLength: 64
TEXT
diff want seen
