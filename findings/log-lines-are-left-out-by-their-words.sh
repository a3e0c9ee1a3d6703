#!/bin/sh
# Guess:  a logger writes each line that its level lets through; if lines are left out, then those that repeat all of another.
# Truth:  controller-runtime's logger leaves out lines by their message alone. Of the lines of one second with the same message it writes
#         the first hundred and then each hundredth, errors too, whatever object they name; nothing says that some are missing.
# Matters here: with thousands of instances the same thing happens to many at once, at a start or when the vendor is down, and a line for
#         most of them is not in the log. What has to be there for each stands in its status.
# Seen with: sigs.k8s.io/controller-runtime v0.25.2 (pkg/log/zap) with go.uber.org/zap v1.27.1, go1.26.
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
	"bytes"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

func main() {
	for _, differ := range []string{"names", "messages"} {
		var lines bytes.Buffer
		logger := zap.New(zap.WriteTo(&lines))
		for i := range 1000 {
			message := "the lantern is dark"
			if differ == "messages" {
				message = fmt.Sprintf("lantern %d is dark", i)
			}
			logger.Error(errors.New("no oil"), message, "lantern", i)
		}
		written := bytes.Count(lines.Bytes(), []byte("is dark"))
		fmt.Printf("1000 errors whose %s differ: all are written: %t, fewer than a third: %t\n", differ, written == 1000, written < 333)
	}
}
GO
quietly go mod init finding
quietly go get sigs.k8s.io/controller-runtime@v0.25.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
1000 errors whose names differ: all are written: false, fewer than a third: true
1000 errors whose messages differ: all are written: true, fewer than a third: false
TEXT
diff want seen
