// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/canary"
)

// TestR24TheProxySeesNoToken: https goes through a tunnel, in which TLS is with the host; http needs --insecure-api.
func TestR24TheProxySeesNoToken(t *testing.T) {
	for _, secure := range []bool{false, true} {
		server, asked := vendorServer(t, true, nil)
		proxy := canary.NewProxy(t, server.URL, secure)
		instance := through(t, proxy.URL, "https://example.com")
		for range 2 {
			for method, call := range calls(t.Context(), instance) {
				if err := call(); err != nil {
					t.Errorf("%s (proxy behind TLS: %v): %v", method, secure, err)
				}
			}
		}
		if len(asked()) != 26 {
			t.Errorf("the vendor was asked %q", asked())
		}
		if !strings.Contains(proxy.Passed(), "CONNECT example.com:443 ") {
			t.Errorf("the proxy was asked %.300q", proxy.Passed())
		}
		if found := tokenWatch().Search(proxy.Passed()); found != "" || strings.Contains(proxy.Passed(), "waInstance") || strings.Contains(proxy.Passed(), "partner") {
			t.Errorf("the proxy saw the request: %s", found)
		}
	}
}

func TestR24TheHostsAreTheSameBehindAProxy(t *testing.T) {
	proxy := canary.NewPlace(t)
	client := New(Options{Timeout: time.Second, AllowedHosts: []string{"example.com", "10.0.0.1"}, Proxy: &url.URL{Scheme: "http", Host: proxy.Address()}})
	for _, origin := range []string{"https://evil.example", "http://example.com", "https://example.com:8443", "https://10.0.0.1", "https://127.0.0.1"} {
		if _, err := client.Instance(Target{Origin: mustOrigin(t, origin), ID: 1, Token: testToken}); err == nil {
			t.Errorf("%s is allowed", origin)
		}
		if _, err := client.Partner(PartnerTarget{Origin: mustOrigin(t, origin), Token: testToken}); err == nil {
			t.Errorf("%s is allowed for a partner account", origin)
		}
	}
	proxy.Untouched("hosts that are not allowed")

	server, asked := vendorServer(t, false, nil)
	plain := canary.NewProxy(t, server.URL, false)
	instance := through(t, plain.URL, "http://example.com", func(o *Options) { o.Insecure = true })
	for method, call := range calls(t.Context(), instance) {
		if err := call(); err != nil {
			t.Errorf("%s over http: %v", method, err)
		}
	}
	if len(asked()) != 13 || !strings.Contains(plain.Passed(), "GET http://example.com/waInstance1/") {
		t.Errorf("the vendor was asked %q, the proxy %q", asked(), plain.Passed())
	}
}

// TestR11AProxyThatDoesNotConnectTookNoEffect: whatever goes wrong before the request itself, nothing has happened at the
// vendor, and the reason says so without the password.
func TestR11AProxyThatDoesNotConnectTookNoEffect(t *testing.T) {
	refuse := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Proxy-Authenticate", "Basic realm="+canary.ProxyPassword)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, canary.ProxyPassword)
		}
	}
	saying := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, text)
				_ = conn.Close()
			}
		}
	}
	for name, test := range map[string]struct {
		connect func(http.ResponseWriter)
		want    string
	}{
		"407":           {refuse(407), "the proxy wants another user and password than --api-proxy has (407)"},
		"403":           {refuse(403), "the proxy did not connect to the host (403)"},
		"502":           {refuse(502), "the proxy did not connect to the host (502)"},
		"204":           {refuse(204), "the proxy did not connect to the host (204)"},
		"a redirect":    {refuse(307), "the proxy did not connect to the host (307)"},
		"nonsense":      {saying("SSH-2.0-x " + canary.ProxyPassword + "\r\n\r\n"), "the connection broke"},
		"nothing":       {saying(""), "the connection broke"},
		"a dead tunnel": {saying("HTTP/1.1 200 OK\r\n\r\n"), ""}, // broken or reset, as it happens
	} {
		server, asked := vendorServer(t, true, nil)
		proxy := canary.NewProxy(t, server.URL, false)
		proxy.Connect = test.connect
		checkNoEffect(t, name, through(t, proxy.URL, "https://example.com"), test.want)
		if len(asked()) > 0 {
			t.Errorf("%s: the vendor was asked", name)
		}
	}
	nowhere, err := ParseProxy(strings.Replace(closedPort(t), "://", "://"+canary.ProxyUser+":"+canary.ProxyPassword+"@", 1))
	if err != nil {
		t.Fatal(err)
	}
	checkNoEffect(t, "no proxy", through(t, nowhere, "https://example.com"), "the proxy (--api-proxy) cannot be reached: connection refused")
	silent := canary.NewPlace(t)
	checkNoEffect(t, "a silent proxy", through(t, &url.URL{Scheme: "http", Host: silent.Address()}, "https://example.com", func(o *Options) { o.Timeout = 100 * time.Millisecond }), "no answer in time")
	checkNoEffect(t, "a silent proxy behind TLS", through(t, &url.URL{Scheme: "https", Host: silent.Address()}, "https://example.com", func(o *Options) { o.Timeout = 100 * time.Millisecond }), "no answer in time")
}

// checkNoEffect makes every call and wants it to fail for a reason, or for any if that is "", without an effect.
func checkNoEffect(t *testing.T, name string, instance *Instance, want string) {
	t.Helper()
	for method, call := range calls(t.Context(), instance) {
		err := call()
		transport, ok := errors.AsType[*TransportError](err)
		if !ok || want != "" && transport.What != want {
			t.Errorf("%s, %s: %v, want %q", name, method, err, want)
		}
		if (method == MethodSetSettings || method == MethodReboot) && !TookNoEffect(err) {
			t.Errorf("%s, %s: it counts as a call that may have taken effect", name, method)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary.ProxyPassword) || strings.Contains(text, canary.ProxyUser) {
			t.Errorf("%s: the error holds the password of the proxy: %s", name, text)
		}
	}
}

// TestR10NothingLeavesAfterThePermitThroughAProxy: the permit ends while the proxy connects, or during the handshake.
func TestR10NothingLeavesAfterThePermitThroughAProxy(t *testing.T) {
	permit := NewPermit(100 * time.Millisecond)
	wait := func() {
		for permit.valid() {
			runtime.Gosched()
		}
	}
	for name, late := range map[string]struct{ connect, handshake bool }{"the proxy is late": {connect: true}, "the handshake is late": {handshake: true}} {
		server, asked := vendorServer(t, true, func(s *httptest.Server) {
			if late.handshake {
				s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { wait(); return nil, nil }}
			}
		})
		proxy := canary.NewProxy(t, server.URL, false)
		if late.connect {
			proxy.Before = wait
		}
		permit = NewPermit(100 * time.Millisecond)
		_, err := through(t, proxy.URL, "https://example.com").SetSettings(t.Context(), map[string]any{"a": "b"}, permit)
		transport, ok := errors.AsType[*TransportError](err)
		if !ok || transport.What != describe(errPermitExpired) || !TookNoEffect(err) {
			t.Errorf("%s: %v, want that the call was not sent", name, err)
		}
		if len(asked()) > 0 {
			t.Errorf("%s: the vendor was asked", name)
		}
	}
}

// TestR21ACallThroughAProxyIsMadeOnce: what breaks off once the request has begun may have taken effect, and is not
// repeated.
func TestR21ACallThroughAProxyIsMadeOnce(t *testing.T) {
	for _, secure := range []bool{true, false} {
		var (
			mu   sync.Mutex
			seen []string
		)
		server, _ := vendorServer(t, secure, func(s *httptest.Server) {
			s.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, fmt.Sprintf("%s HTTP/%d close %v", r.Method, r.ProtoMajor, r.Close))
				panic(http.ErrAbortHandler)
			})
		})
		origin := map[bool]string{true: "https://example.com", false: "http://example.com"}[secure]
		proxy := canary.NewProxy(t, server.URL, false)
		proxy.Breaks = true
		instance := through(t, proxy.URL, origin, func(o *Options) { o.Insecure = !secure })
		for _, method := range []string{MethodSetSettings, MethodReboot} {
			if err := calls(t.Context(), instance)[method](); err == nil || TookNoEffect(err) {
				t.Errorf("%s to %s: %v, want that it may have taken effect", method, origin, err)
			}
		}
		mu.Lock()
		if len(seen) != 2 || !strings.HasPrefix(seen[0], "POST HTTP/1") || !strings.HasPrefix(seen[1], "GET HTTP/1") || secure && !strings.HasSuffix(seen[0], "close true") {
			t.Errorf("%s: the vendor saw %q", origin, seen)
		}
		mu.Unlock()
	}
}

func TestAddressesOfProxies(t *testing.T) {
	for raw, want := range map[string]string{
		"http://egress.example:3128": "http://egress.example:3128", "https://egress.example": "https://egress.example", "http://10.0.0.1:8080/": "http://10.0.0.1:8080", "http://[fd00::1]:8080": "http://[fd00::1]:8080",
		"http://u:p%40ss@egress.example:3128": "http://u:p%40ss@egress.example:3128",
		"egress.example:3128":                 "", "socks5://egress.example:1080": "", "http://": "", "http://:3128": "", "http://egress.example:0": "", "http://egress.example:99999": "", "http://egress.example:": "",
		"http://egress.example/path": "", "http://egress.example?x": "", "http://egress.example?": "", "http://egress.example#": "", "http:egress.example": "", "http://proxy example": "", "http://a@b@c:1\n": "", "none": "",
	} {
		parsed, err := ParseProxy(raw)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is accepted as %s", raw, parsed)
		case want != "" && (err != nil || parsed.String() != want):
			t.Errorf("%q: %v, %v; want %s", raw, parsed, err, want)
		case err != nil && len(raw) > len("https://") && strings.Contains(err.Error(), raw):
			t.Errorf("%q is quoted: %v", raw, err)
		}
	}
}
