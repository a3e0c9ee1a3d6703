#!/bin/sh
# Guess:  when a server redirects to another host, net/http keeps back what is secret, as it drops the Authorization header.
# Truth:  it drops that header, and tells the other host the whole address of the first call in a Referer header, as a browser would,
#         with a key in the path or the query. Only a user and a password before the host are cut from it.
# Matters here: the vendor's API has the token in the path. So the client follows no redirect at all, also not to a host that it would trust.
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
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

func main() {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		from, err := url.Parse(r.Referer())
		if err != nil {
			panic(err)
		}
		fmt.Printf("the other host gets Authorization %q and the referer's path %q\n", r.Header.Get("Authorization"), from.Path)
	}))
	defer elsewhere.Close()
	other := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	first := httptest.NewServer(http.RedirectHandler(other+"/quay", http.StatusFound))
	defer first.Close()
	request, err := http.NewRequest(http.MethodGet, first.URL+"/lantern/KEY-OF-THE-LANTERN/state", nil)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer another")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	_ = response.Body.Close()
}
GO
quietly go mod init finding
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
the other host gets Authorization "" and the referer's path "/lantern/KEY-OF-THE-LANTERN/state"
TEXT
diff want seen
