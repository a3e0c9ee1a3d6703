#!/bin/sh
# Guess:  a column of a CRD with "type: date" shows any time, one that is to come as "in 3h" or in full.
# Truth:  the API server writes how long ago it was, and of a time that is to come it writes <invalid>, as of one that is broken. It does so
#         from two seconds ahead on; a nearer one is 0s.
# Matters here: the columns for the end of a suspension and for the next window are of type string, though they hold times.
# Seen with: k8s.io/apimachinery v0.37.2 (api/meta/table, by which the API server fills such a column), go1.26.
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
	"time"

	"k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func main() {
	for _, ahead := range []time.Duration{-3*time.Hour - time.Minute, 3 * time.Hour} {
		fmt.Printf("a time %s ahead: %s\n", ahead, table.ConvertToHumanReadableDateType(metav1.NewTime(time.Now().Add(ahead))))
	}
}
GO
quietly go mod init finding
quietly go get k8s.io/apimachinery@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
a time -3h1m0s ahead: 3h1m
a time 3h0m0s ahead: <invalid>
TEXT
diff want seen
