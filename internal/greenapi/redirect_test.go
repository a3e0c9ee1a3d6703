// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/canary"
)

// TestR24NoRedirectIsFollowed: whatever code and place a host answers with, the token comes to no second place, and the
// host is asked once.
func TestR24NoRedirectIsFollowed(t *testing.T) {
	elsewhere := canary.NewPlace(t)
	locations := map[string]string{
		"another host": "http://" + elsewhere.Address() + "/{path}", "another scheme": "https://" + elsewhere.Address() + "/{path}",
		"no scheme": "//" + elsewhere.Address() + "{path}", "the same host": "/again{path}", "no address": "http://[::1", "userinfo": "http://{host}@" + elsewhere.Address() + "/",
		"nothing": "",
	}
	for _, code := range []int{300, 301, 302, 303, 304, 305, 306, 307, 308, 399} {
		for name, location := range locations {
			var asked []string
			handler := func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Method+" "+r.URL.Path)
				if location != "" {
					w.Header().Set("Location", strings.NewReplacer("{path}", r.URL.Path, "{host}", r.Host).Replace(location))
				}
				w.WriteHeader(code)
			}
			for method, call := range calls(t.Context(), dial(t, handler)) {
				asked = nil
				err := call()
				if endpoint, ok := errors.AsType[*EndpointError](err); !ok || !endpoint.Resolved || !TookNoEffect(err) {
					t.Errorf("%s, %d to %s: %v, want an EndpointError that took no effect", method, code, name, err)
				}
				if len(asked) != 1 {
					t.Errorf("%s, %d to %s: the host was asked %q", method, code, name, asked)
				}
				if t.Failed() {
					elsewhere.Untouched("redirects")
					return
				}
			}
		}
	}
	elsewhere.Untouched("redirects")
}

// TestR24NothingIsKeptOfAnAnswer: hosts cannot make the client come back with a cookie, elsewhere, or later.
func TestR24NothingIsKeptOfAnAnswer(t *testing.T) {
	elsewhere := canary.NewPlace(t)
	var (
		mu   sync.Mutex
		seen []*http.Request
	)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r)
		w.Header().Set("Set-Cookie", "where="+r.URL.Path)
		w.Header().Set("Alt-Svc", fmt.Sprintf(`h2=":%s", http/1.1="%s"; persist=1`, elsewhere.Port(), elsewhere.Address()))
		w.Header().Set("Refresh", "0; url=http://"+elsewhere.Address()+r.URL.Path)
		w.Header().Set("Link", "<http://"+elsewhere.Address()+r.URL.Path+">; rel=preload")
		w.Header().Set("Content-Location", "http://"+elsewhere.Address()+r.URL.Path)
		_, _ = io.WriteString(w, `{"stateInstance":"authorized","saveSettings":true,"isReboot":true,"type":"alreadyLogged","idInstance":7107000001,"apiTokenInstance":"new-token"}`)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	for round := range 2 {
		instance := dialTo(t, server.URL)
		for method, call := range calls(t.Context(), instance) {
			if err := call(); err != nil && !slices.Contains([]string{MethodGetIncomingStatuses, MethodGetStateInstanceHistory, MethodGetInstances}, method) {
				t.Errorf("round %d, %s: %v", round, method, err)
			}
		}
	}
	elsewhere.Untouched("headers of an answer")
	watch := tokenWatch()
	for _, r := range seen {
		for name, values := range r.Header {
			if !slices.Contains([]string{"User-Agent", "Accept", "Content-Type", "Content-Length", "Connection"}, name) {
				t.Errorf("%s has the header %s: %q", r.URL.Path, name, values)
			}
			if found := watch.Search(fmt.Sprint(name, values)); found != "" {
				t.Errorf("a header holds the token: %s", found)
			}
		}
		if found := watch.Search(r.Host); found != "" {
			t.Errorf("Host holds the token: %s", found)
		}
	}
	if len(seen) != 26 {
		t.Errorf("%d calls came, want 26", len(seen))
	}
}

// dialTo returns the API of an instance at a server of the test.
func dialTo(t *testing.T, url string, change ...func(*Options)) *Instance {
	t.Helper()
	origin := mustOrigin(t, url)
	options := Options{Timeout: time.Minute, AllowedHosts: []string{origin.host}, Insecure: true, UserAgent: "test"}
	for _, f := range change {
		f(&options)
	}
	instance, err := New(options).Instance(Target{Origin: origin, ID: 1, Token: testToken, AccountMethod: MethodGetWaSettings})
	if err != nil {
		t.Fatal(err)
	}
	return instance
}

// TestR24NoTokenWithoutATrustedHost: a host that does not prove to be the one that is meant gets no request.
func TestR24NoTokenWithoutATrustedHost(t *testing.T) {
	for name, test := range map[string]struct {
		config *tls.Config
		host   string
		want   string
	}{
		"a good one":           {nil, "127.0.0.1", ""},
		"another name":         {nil, "localhost", "the host's certificate is for another name"},
		"an unknown authority": {&tls.Config{Certificates: []tls.Certificate{selfSigned(t, time.Hour)}}, "127.0.0.1", "the host's certificate is signed by an unknown authority"},
		"an old certificate":   {&tls.Config{Certificates: []tls.Certificate{selfSigned(t, -time.Hour)}}, "127.0.0.1", "the host's certificate is not valid"},
		"TLS 1.1":              {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "127.0.0.1", "the TLS handshake failed"},
		"TLS 1.2":              {&tls.Config{MaxVersion: tls.VersionTLS12}, "127.0.0.1", ""},
	} {
		var asked int
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			_, _ = io.WriteString(w, `{"stateInstance":"authorized","saveSettings":true}`)
		}))
		server.TLS, server.Config.ErrorLog = test.config, log.New(io.Discard, "", 0)
		server.StartTLS()
		_, port, err := net.SplitHostPort(server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		instance := dialTo(t, "https://"+net.JoinHostPort(test.host, port))
		for _, method := range []string{MethodGetStateInstance, MethodSetSettings} {
			asked = 0
			err := calls(t.Context(), instance)[method]()
			transport, failed := errors.AsType[*TransportError](err)
			switch {
			case test.want == "" && (err != nil || asked != 1):
				t.Errorf("%s, %s: %v, asked %d times", name, method, err, asked)
			case test.want != "" && (!failed || transport.What != test.want || asked != 0):
				t.Errorf("%s, %s: %v, asked %d times; want %q and no call", name, method, err, asked, test.want)
			case method == MethodSetSettings && err != nil && !TookNoEffect(err):
				t.Errorf("%s: a handshake that failed counts as a call", name)
			}
		}
		server.Close()
	}
}

// selfSigned makes a certificate that nobody vouches for, valid for the given time from now, or until so long ago.
func selfSigned(t *testing.T, valid time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(valid),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestAnAnswerOfAnotherProtocolEndsTheCall: after 101 the body is the bare connection, for which net/http knows no
// time-out.
func TestAnAnswerOfAnotherProtocolEndsTheCall(t *testing.T) {
	handler := func(w http.ResponseWriter, _ *http.Request) {
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = buffer.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
		_ = buffer.Flush()
	}
	for method, call := range calls(t.Context(), dial(t, handler, func(o *Options, _ *Target) { o.Timeout = time.Second })) {
		ended := make(chan error, 1)
		go func() { ended <- call() }()
		select {
		case err := <-ended:
			if _, ok := errors.AsType[*UnreadableError](err); !ok || TookNoEffect(err) {
				t.Errorf("%s: %v, want an UnreadableError that may have taken effect", method, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s does not end", method)
		}
	}
}
