#!/bin/sh
# Guess:  a method that HTTP calls idempotent may be sent again when a connection breaks, so GET, PUT and DELETE are alike; and what acted
#         at the server and was not answered comes back as an error.
# Truth:  net/http sends a GET again, alone, when a connection that it kept breaks before the answer. The server has acted twice and the
#         caller sees one success. A DELETE and a PUT are never sent again, though HTTP calls both idempotent. A connection that is used
#         once only makes the broken GET an error, too.
# Matters here: the vendor's API reboots an instance and logs it out by GET. Such a call goes over a connection of its own, so that one
#         call acts at most once and a broken one is known to be in doubt.
# Seen with: go1.26.
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
	"io"
	"net/http"
	"net/http/httptest"
)

func main() {
	acted := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if acted++; acted != 2 {
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_ = conn.Close()
	}))
	defer server.Close()
	for _, call := range []struct {
		method string
		once   bool
	}{{http.MethodGet, false}, {http.MethodPut, false}, {http.MethodDelete, false}, {http.MethodGet, true}} {
		acted = 0
		transport := &http.Transport{DisableKeepAlives: call.once}
		errors := 0
		for range 2 {
			request, err := http.NewRequest(call.method, server.URL+"/lantern/light", nil)
			if err != nil {
				panic(err)
			}
			response, err := (&http.Client{Transport: transport}).Do(request)
			if err != nil {
				errors++
				continue
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		transport.CloseIdleConnections()
		fmt.Printf("%s, connections kept %t: 2 calls, %d errors, the server acted %d times\n", call.method, !call.once, errors, acted)
	}
}
GO
quietly go mod init finding
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
GET, connections kept true: 2 calls, 0 errors, the server acted 3 times
PUT, connections kept true: 2 calls, 1 errors, the server acted 2 times
DELETE, connections kept true: 2 calls, 1 errors, the server acted 2 times
GET, connections kept false: 2 calls, 1 errors, the server acted 2 times
TEXT
diff want seen
