#!/bin/sh
# Guess:  the timeout in client-go's configuration is for requests that wait for an answer; a watch, whose answer has begun, goes on.
# Truth:  it counts until the whole answer is read, and a watch's answer has no end. So each watch is cut after that time, and whoever
#         watches by hand gets a closed channel and no error.
# Matters here: the operator and kubectl greenapi live by watches. Their configurations have no timeout, and a call that has to end has a
#         context that ends.
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
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		lamp := `{"type":"ADDED","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"quay","name":"lamp"}}}`
		for r.Context().Err() == nil {
			fmt.Fprintln(w, lamp)
			w.(http.Flusher).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	}))
	defer server.Close()
	for _, timeout := range []time.Duration{2 * time.Second, 0} {
		clients := kubernetes.NewForConfigOrDie(&rest.Config{Host: server.URL, Timeout: timeout})
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		watched, err := clients.CoreV1().ConfigMaps("quay").Watch(ctx, metav1.ListOptions{})
		if err != nil {
			panic(err)
		}
		kinds := map[string]bool{}
		for event := range watched.ResultChan() {
			kinds[string(event.Type)] = true
		}
		fmt.Printf("timeout %s: ended before its context: %t, events of type %v\n", timeout, ctx.Err() == nil, kinds)
		cancel()
	}
}
GO
quietly go mod init finding
quietly go get k8s.io/client-go@v0.37.2 k8s.io/api@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
timeout 2s: ended before its context: true, events of type map[ADDED:true]
timeout 0s: ended before its context: false, events of type map[ADDED:true]
TEXT
diff want seen
