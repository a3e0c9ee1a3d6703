#!/bin/sh
# Guess:  what is created by a fake client has what the API server gives every object: a UID of its own and the time of its creation.
# Truth:  it has a resourceVersion and neither of the others, while a deletion is stamped with the clock of the machine. So two objects, also
#         one that was deleted and made anew, have the same UID "", a comparison of UIDs says "the same object", and an order by age is none.
# Matters here: whether a claim is another one of the same name decides if its instance may have been bought already; a test with such
#         objects would prove the wrong thing, so ours give each a UID and a time.
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

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func main() {
	ctx, c := context.Background(), fake.NewClientBuilder().Build()
	made := func() *corev1.ConfigMap {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "quay", Name: "lamp", Finalizers: []string{"example.com/keep"}}}
		fmt.Println("create:", c.Create(ctx, object))
		return object
	}
	first := made()
	fmt.Printf("uid %q, created %v, resourceVersion %q\n", first.UID, first.CreationTimestamp, first.ResourceVersion)
	fmt.Println("delete:", c.Delete(ctx, first))
	_ = c.Get(ctx, client.ObjectKeyFromObject(first), first)
	fmt.Println("deletion is stamped:", !first.DeletionTimestamp.IsZero())
	first.Finalizers = nil
	fmt.Println("let go:", c.Update(ctx, first))
	fmt.Println("the same UID again:", made().UID == first.UID)
}
GO
quietly go mod init finding
quietly go get sigs.k8s.io/controller-runtime@v0.25.2 k8s.io/client-go@v0.37.2 k8s.io/api@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
create: <nil>
uid "", created 0001-01-01 00:00:00 +0000 UTC, resourceVersion "1"
delete: <nil>
deletion is stamped: true
let go: <nil>
create: <nil>
the same UID again: true
TEXT
diff want seen
