#!/bin/sh
# Guess:  client-go hands every answer of the API server to the caller, and what is not safe to repeat, such as a create, is left to the caller.
# Truth:  an answer of 429 or of any 5xx with a Retry-After header is not handed over. The request is sent again, up to ten times, whatever
#         its method is, and the caller learns of the last answer only. A name that the server makes up is another one each time.
# Matters here: a write of the API server that looks like one may have been several. Each write that has to happen once carries a
#         resourceVersion or a fixed name, so that the second one of them is refused.
# Seen with: k8s.io/client-go v0.37.2, go1.26.
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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func main() {
	for _, failures := range []int{3, 10, 11} {
		got := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if got++; got <= failures {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"quay","name":"lamp-%d"}}`, got)
		}))
		clients := kubernetes.NewForConfigOrDie(&rest.Config{Host: server.URL, QPS: -1})
		lamp := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "quay", GenerateName: "lamp-"}}
		made, err := clients.CoreV1().ConfigMaps("quay").Create(context.Background(), lamp, metav1.CreateOptions{})
		fmt.Printf("%d failures: one Create, %d POSTs, made %q, error %t\n", failures, got, made.Name, err != nil)
		server.Close()
	}
}
GO
quietly go mod init finding
quietly go get k8s.io/client-go@v0.37.2 k8s.io/api@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
3 failures: one Create, 4 POSTs, made "lamp-4", error false
10 failures: one Create, 11 POSTs, made "lamp-11", error false
11 failures: one Create, 11 POSTs, made "", error true
TEXT
diff want seen
