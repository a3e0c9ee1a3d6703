#!/bin/sh
# Guess:  what client-go logs is klog's, with klog's own level, so the level of a program's own logger says only what the program itself logs.
# Truth:  client-go logs to the logger in the context of the call. If that one takes level 8, a Secret that is read stands in the program's
#         log, data and all, while klog is at level 0. A context of one's own for that one call is what keeps it out.
# Matters here: controller-runtime puts its logger into the context of every pass, so --zap-log-level=8 would log tokens. The operator takes
#         no level above 7, and reads Secrets with a logger that discards.
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
	"strings"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const answer = `{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"quay","name":"lamp"},"data":{"oil":"d2hhbGU="}}`

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	clients := kubernetes.NewForConfigOrDie(&rest.Config{Host: server.URL})
	for _, level := range []int{7, 8} {
		var lines strings.Builder
		logger := funcr.New(func(prefix, args string) { fmt.Fprintln(&lines, prefix, args) }, funcr.Options{Verbosity: level})
		ctx := logr.NewContext(context.Background(), logger)
		secret, err := clients.CoreV1().Secrets("quay").Get(ctx, "lamp", metav1.GetOptions{})
		if err != nil {
			panic(err)
		}
		fmt.Printf("the program's logger at level %d: read %q, the log has the data: %t\n", level, secret.Data["oil"], strings.Contains(lines.String(), "d2hhbGU="))
	}
}
GO
quietly go mod init finding
quietly go get k8s.io/client-go@v0.37.2 k8s.io/api@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
the program's logger at level 7: read "whale", the log has the data: false
the program's logger at level 8: read "whale", the log has the data: true
TEXT
diff want seen
