#!/bin/sh
# Guess:  a client that is told to read Secrets live still reads their metadata from the cache, since the cache has an informer of its own
#         for metadata and the Go types differ.
# Truth:  the switch is by kind. The metadata is read live too, and the informer that was made for it is asked by nobody; nothing fails,
#         each read is only a request more.
# Matters here: the operator keeps the metadata of Secrets in its cache and reads a Secret itself live. With this switch each pass asked the
#         API server for each Secret.
# Seen with: sigs.k8s.io/controller-runtime v0.25.2, go1.26.
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
	"net/http"
	"net/http/httptest"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// cache counts what it is asked for.
type cache struct{ asked int }

func (c *cache) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	c.asked++
	return nil
}

func (c *cache) List(context.Context, client.ObjectList, ...client.ListOption) error { return nil }

func main() {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{"namespace":"quay","name":"lamp"}}`)
	}))
	defer server.Close()
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Secret"), meta.RESTScopeNamespace)
	for _, live := range [][]client.Object{nil, {&corev1.Secret{}}} {
		requests = 0
		reader := &cache{}
		c, err := client.New(&rest.Config{Host: server.URL}, client.Options{
			Mapper: mapper, HTTPClient: server.Client(), Cache: &client.CacheOptions{Reader: reader, DisableFor: live},
		})
		if err != nil {
			panic(err)
		}
		lamp := &metav1.PartialObjectMetadata{}
		lamp.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		if err := c.Get(context.Background(), client.ObjectKey{Namespace: "quay", Name: "lamp"}, lamp); err != nil {
			panic(err)
		}
		fmt.Printf("%d kinds read live: metadata of a Secret: %d from the cache, %d requests\n", len(live), reader.asked, requests)
	}
}
GO
quietly go mod init finding
quietly go get sigs.k8s.io/controller-runtime@v0.25.2 k8s.io/client-go@v0.37.2 k8s.io/api@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
0 kinds read live: metadata of a Secret: 1 from the cache, 0 requests
1 kinds read live: metadata of a Secret: 0 from the cache, 1 requests
TEXT
diff want seen
