#!/bin/sh
# Guess:  a chart that Helm's Go packages render in a test is what the program renders with the same packages and no cluster.
# Truth:  what stands in for the cluster's version is another one in a test: 1.20, whatever the packages were built for, and in any other
#         program that of client-go in its build, which may be a newer one than Helm's own. So a chart with a kubeVersion may be refused in
#         the test alone, and what a template does for an old cluster is all that the test sees.
# Matters here: the chart asks for 1.31 or later. Its tests run the released helm, or name the version of the cluster.
# Seen with: helm.sh/helm/v4 v4.3.1 with k8s.io/client-go v0.37.2, go1.26.
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

	"helm.sh/helm/v4/pkg/chart/common"
)

func say(who string) {
	fmt.Println(who, "takes the cluster to be", common.DefaultCapabilities.KubeVersion.Version)
}

func main() { say("a program") }
GO
cat > main_test.go <<'GO'
package main

import "testing"

func TestSay(t *testing.T) { say("its test") }
GO
quietly go mod init finding
quietly go get helm.sh/helm/v4@v4.3.1 k8s.io/client-go@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
quietly go test -mod=mod -c -o finding.test .
./finding.test | grep cluster >> seen
cat seen
cat > want <<'TEXT'
a program takes the cluster to be v1.37.0
its test takes the cluster to be v1.20.0
TEXT
diff want seen
