#!/bin/sh
# Guess:  who reads only the metadata of Secrets, as an informer for metadata does, holds names and labels and none of their data.
# Truth:  if the Secret came by kubectl apply, its metadata holds all of it: an annotation keeps the manifest as it was applied, and what
#         was written as stringData stands there as plain text, not even in base64.
# Matters here: the operator caches the metadata of Secrets. Nothing but name and version of one gets into the cache, and no body of an
#         answer is logged, also not of metadata.
# Seen with: k8s.io/kubectl v0.37.2, go1.26.
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
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/kubectl/pkg/util"
)

func main() {
	applied := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "quay", Name: "lamp"},
		StringData: map[string]string{"oil": "whale"},
	}
	if err := util.CreateApplyAnnotation(applied, unstructured.UnstructuredJSONScheme); err != nil {
		panic(err)
	}
	metadata, err := json.Marshal(metav1.PartialObjectMetadata{TypeMeta: applied.TypeMeta, ObjectMeta: applied.ObjectMeta})
	if err != nil {
		panic(err)
	}
	fmt.Println("the metadata of the applied Secret has its data in plain text:", strings.Contains(string(metadata), `\"oil\":\"whale\"`))
}
GO
quietly go mod init finding
quietly go get k8s.io/kubectl@v0.37.2 k8s.io/client-go@v0.37.2 k8s.io/api@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
the metadata of the applied Secret has its data in plain text: true
TEXT
diff want seen
