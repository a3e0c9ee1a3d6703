// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package canary

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// ProxyUser and ProxyPassword are what a Proxy wants to be asked with.
const (
	ProxyUser     = "proxy-user"
	ProxyPassword = "pr0xy-pa55w0rd"
)

// Proxy is an HTTP proxy that brings every host to one server, and keeps what passes through it.
type Proxy struct {
	t testing.TB
	// URL of it, with user and password.
	URL    *url.URL
	vendor string
	// Connect, if set, is what happens to a CONNECT in place of a tunnel.
	Connect func(http.ResponseWriter)
	// Before, if set, is done before a tunnel opens.
	Before func()
	// Breaks: the vendor is known to break off.
	Breaks bool
	mu     sync.Mutex
	seen   strings.Builder
}

// NewProxy starts a proxy, behind TLS or not, until the test ends.
func NewProxy(t testing.TB, vendor string, secure bool) *Proxy {
	t.Helper()
	p := &Proxy{t: t, vendor: strings.TrimPrefix(strings.TrimPrefix(vendor, "https://"), "http://")}
	server := httptest.NewUnstartedServer(p)
	server.EnableHTTP2, server.Config.ErrorLog = true, log.New(io.Discard, "", 0)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	parsed, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	parsed.User = url.UserPassword(ProxyUser, ProxyPassword)
	p.URL = parsed
	return p
}

// Write keeps what passes through.
func (p *Proxy) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.Write(b)
}

// Passed is all that passed through from a client.
func (p *Proxy) Passed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// ServeHTTP is part of http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintf(p, "%s %s %s %v\n", r.Method, r.RequestURI, r.Host, r.Header)
	if user, password, ok := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); !ok || user != ProxyUser || password != ProxyPassword {
		p.t.Errorf("the proxy was asked by %q with %q", user, password)
	}
	if r.Method == http.MethodConnect && p.Connect != nil {
		p.Connect(w)
		return
	}
	if p.Before != nil {
		p.Before()
	}
	vendor, err := new(net.Dialer).DialContext(r.Context(), "tcp", p.vendor)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer func() { _ = vendor.Close() }()
	if r.Method != http.MethodConnect {
		p.forward(w, r, vendor)
		return
	}
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.t.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(conn, vendor)
		_ = conn.Close()
	}()
	_, _ = io.Copy(io.MultiWriter(vendor, p), buffer)
}

// forward makes the call for the client, as proxies do for http.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, vendor net.Conn) {
	r.Header.Del("Proxy-Authorization")
	if err := r.Write(vendor); err != nil {
		p.t.Error(err)
		return
	}
	answer, err := http.ReadResponse(bufio.NewReader(vendor), r)
	if err != nil && p.Breaks {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if err != nil {
		p.t.Error(err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}
