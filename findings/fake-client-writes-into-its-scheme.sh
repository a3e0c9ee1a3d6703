#!/bin/sh
# Guess:  a fake client only reads the scheme that it is given, as a real client does, so tests that run side by side may share one.
# Truth:  a list of a kind that the scheme does not know makes the fake client register that kind in the scheme, under a lock that
#         each fake client has for itself. Two of them that share a scheme write one map, and a test that asks later finds a kind
#         that nobody registered.
# Matters here: tests of `kubectl greenapi doctor` shared client-go's scheme and asked for CRDs, and failed now and then with a data race.
# Seen with: sigs.k8s.io/controller-runtime v0.25.2, k8s.io/client-go v0.37.2, go1.26.
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
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func main() {
	scheme := runtime.NewScheme()
	kind := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "LanternList"}
	fmt.Println("known before the list:", scheme.Recognizes(kind))
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind)
	err := fake.NewClientBuilder().WithScheme(scheme).Build().List(context.Background(), list)
	fmt.Println("error:", err)
	fmt.Println("known after it:", scheme.Recognizes(kind))
}
GO
quietly go mod init finding
quietly go get sigs.k8s.io/controller-runtime@v0.25.2 k8s.io/client-go@v0.37.2 k8s.io/api@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
known before the list: false
error: <nil>
known after it: true
TEXT
diff want seen
