#!/bin/sh
# Guess:  tests that run side by side may each add a user to the one control plane that they share; every certificate has its own number.
# Truth:  envtest's authority counts without a lock. Now and then two users that are added at the same time get certificates with the same
#         number, and the race detector fails the test, whose author wrote no line of it.
# Matters here: the tests of the roles add users side by side, so a lock is held while one is added.
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
// The module's path lets it call what envtest's AddUser calls, without starting a control plane.
package main

import (
	"fmt"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/internal/testing/certs"
)

func main() {
	authority, err := certs.NewTinyCA()
	if err != nil {
		panic(err)
	}
	seen, twice := sync.Map{}, make(chan string, 1)
	var adding sync.WaitGroup
	for keeper := range 8 {
		adding.Go(func() {
			for range 20000 { // it takes a few hundred to a few thousand
				if len(twice) > 0 {
					return
				}
				pair, err := authority.NewClientCert(certs.ClientInfo{Name: fmt.Sprint("keeper-", keeper)})
				if err != nil {
					panic(err)
				}
				if _, found := seen.LoadOrStore(pair.Cert.SerialNumber.String(), true); found {
					select {
					case twice <- "two users have certificates with one number":
					default:
					}
				}
			}
		})
	}
	adding.Wait()
	select {
	case found := <-twice:
		fmt.Println(found)
	default:
		fmt.Println("each number is there once")
	}
}
GO
quietly go mod init sigs.k8s.io/controller-runtime/pkg/finding
quietly go get sigs.k8s.io/controller-runtime@v0.25.2 k8s.io/client-go@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
two users have certificates with one number
TEXT
diff want seen
