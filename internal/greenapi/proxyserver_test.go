// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

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
	"time"
)

const (
	proxyUser     = "proxy-user"
	proxyPassword = "pr0xy-pa55w0rd"
)

// testProxy is an HTTP proxy that brings every host to one server, and keeps what passes through it.
type testProxy struct {
	t      *testing.T
	url    *url.URL
	vendor string
	// connect, if set, is what happens to a CONNECT in place of a tunnel.
	connect func(http.ResponseWriter)
	// before, if set, is done before a tunnel opens.
	before func()
	// breaks: the vendor is known to break off.
	breaks bool
	mu     sync.Mutex
	seen   strings.Builder
}

// newProxy starts a proxy, behind TLS or not.
func newProxy(t *testing.T, vendor string, secure bool) *testProxy {
	t.Helper()
	p := &testProxy{t: t, vendor: strings.TrimPrefix(strings.TrimPrefix(vendor, "https://"), "http://")}
	server := httptest.NewUnstartedServer(p)
	server.EnableHTTP2, server.Config.ErrorLog = true, log.New(io.Discard, "", 0)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	parsed, err := ParseProxy(strings.Replace(server.URL, "://", "://"+proxyUser+":"+proxyPassword+"@", 1))
	if err != nil {
		t.Fatal(err)
	}
	p.url = parsed
	return p
}

// Write keeps what passes through.
func (p *testProxy) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.Write(b)
}

// passed is all that passed through from a client.
func (p *testProxy) passed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// ServeHTTP is part of http.Handler.
func (p *testProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintf(p, "%s %s %s %v\n", r.Method, r.RequestURI, r.Host, r.Header)
	if user, password, ok := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); !ok || user != proxyUser || password != proxyPassword {
		p.t.Errorf("the proxy was asked by %q with %q", user, password)
	}
	if r.Method == http.MethodConnect && p.connect != nil {
		p.connect(w)
		return
	}
	if p.before != nil {
		p.before()
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
func (p *testProxy) forward(w http.ResponseWriter, r *http.Request, vendor net.Conn) {
	r.Header.Del("Proxy-Authorization")
	if err := r.Write(vendor); err != nil {
		p.t.Error(err)
		return
	}
	answer, err := http.ReadResponse(bufio.NewReader(vendor), r)
	if err != nil && p.breaks {
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

// vendorServer is a vendor that keeps what it is asked.
func vendorServer(t *testing.T, secure bool, change func(*httptest.Server)) (server *httptest.Server, asked func() []string) {
	t.Helper()
	var (
		mu   sync.Mutex
		list []string
	)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		list = append(list, r.URL.Path)
		mu.Unlock()
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("the vendor gets the password of the proxy")
		}
		if strings.Contains(r.URL.Path, MethodGetIncomingStatuses) {
			_, _ = io.WriteString(w, `[]`)
			return
		}
		_, _ = io.WriteString(w, `{"stateInstance":"authorized","saveSettings":true,"isReboot":true}`)
	}))
	server.EnableHTTP2, server.Config.ErrorLog = true, log.New(io.Discard, "", 0)
	if change != nil {
		change(server)
	}
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

// through returns the API of an instance at a host that only the proxy can find.
func through(t *testing.T, proxy *url.URL, origin string, change ...func(*Options)) *Instance {
	t.Helper()
	options := Options{Timeout: 5 * time.Second, AllowedHosts: []string{"example.com"}, UserAgent: "test", Proxy: proxy}
	for _, f := range change {
		f(&options)
	}
	instance, err := New(options).Instance(Target{Origin: mustOrigin(t, origin), ID: 1, Token: testToken, AccountMethod: MethodGetWaSettings})
	if err != nil {
		t.Fatal(err)
	}
	return instance
}
