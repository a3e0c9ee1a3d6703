#!/bin/sh
# Guess:  tests that run a second time without a change are neither compiled nor linked again, since go has a cache of what it built; and -o
#         only says where a copy of their program goes.
# Truth:  the cache holds what is compiled, not the programs of tests: each run links them anew. With -o the program that is there already
#         is run as it is, as long as nothing in it has changed.
# Matters here: the tests of an operator link Kubernetes' types into each package's program, and that was a tenth of all the work of
#         `make test`. It keeps the programs by -o.
# Seen with: go1.26.8; k8s.io/api v0.37.2 is what is linked.
set -eu
cd "$(mktemp -d)"
trap 'chmod -R u+w . 2>/dev/null; rm -rf "$PWD"' EXIT
quietly() {
	"$@" > log 2>&1 || {
		cat log >&2
		return 1
	}
}
cat > lamp_test.go <<'GO'
package lamp

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestLamp(t *testing.T) {
	if (&corev1.Pod{}).Name != "" {
		t.Error("a new lamp has a name")
	}
}
GO
quietly go mod init example.com/lamp
export GOFLAGS=-mod=mod
quietly go get k8s.io/api@v0.37.2
# run runs the tests, and says how many programs were linked for it.
run() {
	quietly go test -x -count=1 "$@" .
	echo "go test $*: $(grep -c 'link -o .*lamp' log)"
}
{
	run
	run
	run -o kept.test
	run -o kept.test
	echo 'func TestLight(*testing.T) {}' >> lamp_test.go
	run -o kept.test
} > seen
cat seen
cat > want <<'TEXT'
go test : 1
go test : 1
go test -o kept.test: 1
go test -o kept.test: 0
go test -o kept.test: 1
TEXT
diff want seen
