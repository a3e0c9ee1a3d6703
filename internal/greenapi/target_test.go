// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/canary"
)

// TestR24NoOtherHostIsSmuggledIn: addresses that people or attackers write, of which a parser might see another host
// than a reader.
func TestR24NoOtherHostIsSmuggledIn(t *testing.T) {
	elsewhere := canary.NewPlace(t)
	evil := elsewhere.Address()
	client := New(Options{Timeout: time.Second, AllowedHosts: append([]string{"*.example"}, DefaultAllowedHosts...), UserAgent: "test", Insecure: true})
	for _, raw := range []string{
		"https://api.green-api.com@" + evil, "http://api.green-api.com@" + evil, "http://api.green-api.com:443@" + evil, "http://user:api.green-api.com@" + evil,
		"http://" + evil + "/api.green-api.com", "http://" + evil + "#api.green-api.com", "http://" + evil + "?api.green-api.com", "http://" + evil + `\@api.green-api.com`,
		`http://` + evil + `\.api.green-api.com`, "http://" + evil + "%2f.api.green-api.com", "http://" + evil + "%00.api.green-api.com", "http://" + evil + "\x00.api.green-api.com",
		"http://" + evil + "\t.api.green-api.com", "http://" + evil + "\n.api.green-api.com", "http://" + evil + "\r\nHost: api.green-api.com", "http://" + evil + " .api.green-api.com", "http://" + evil + ";.api.green-api.com",
		"http://" + evil + "/.api.green-api.com", "http://" + evil, "http://" + evil + ",api.green-api.com", " https://api.green-api.com", "https://api.green-api.com\t", "https:// api.green-api.com", "https:api.green-api.com", "https:/api.green-api.com", "https:///api.green-api.com",
		"https://api.green-api.com.", "https://api.green-api.com..", "https://.api.green-api.com", "https://-.api.green-api.com", "https://api。green-api。com", "https://api．green-api.com", "https://xn--pi-7kc.green-api.com", "https://аpi.green-api.com",
		"https://evil.net@7107.api.green-api.com", "https://evil.net:1@7107.api.green-api.com", "https://evil.net/7107.api.green-api.com", "https://evil.net#7107.api.green-api.com", "https://evil.net?7107.api.green-api.com", `https://evil.net\7107.api.green-api.com`,
		"https://api.green-api.com.evil.net", "https://api.green-api.com-evil.net", "https://evil.net/.api.green-api.com", "https://green-api.com", "https://evilapi.green-api.com", "https://api_green-api.com",
		"https://127.0.0.1", "https://2130706433", "https://0x7f000001", "https://0x7f.1", "https://0177.0.0.1", "https://127.1", "https://[::1]", "https://[::ffff:127.0.0.1]", "https://[api.green-api.com]", "https://::1", "https://localhost",
		"https://api.green-api.com:0", "https://api.green-api.com:65536", "https://api.green-api.com:99999", "https://api.green-api.com:443:443", "https://api.green-api.com:+443", "https://api.green-api.com:-1", "https://api.green-api.com:", "https://api.green-api.com:44З",
		"HTTPS://api.green-api.com", "file://api.green-api.com", "javascript:api.green-api.com", "http+unix://api.green-api.com", "https://*.api.green-api.com", "https://%61pi.green-api.com", "",
	} {
		origin, err := ParseOrigin(raw)
		if err == nil {
			_, err = client.Instance(Target{Origin: origin, ID: 1, Token: testToken})
		}
		if endpoint, ok := errors.AsType[*EndpointError](err); !ok {
			t.Errorf("%q: %v, want an EndpointError", raw, err)
		} else if endpoint.Resolved {
			t.Errorf("%q: only connecting shows that it is wrong", raw)
		}
	}
	elsewhere.Untouched("addresses")
}

// TestR24WhatIsCheckedIsWhatIsCalled: whatever passes the check is seen by net/url, which the call goes by, as the host that
// was checked, with the token at the end of its path. It tries everything that a few pieces around a good host make.
func TestR24WhatIsCheckedIsWhatIsCalled(t *testing.T) {
	pieces := []string{"", "7107.", "API", ".", ":", "443", "@", "/", `\`, "?", "#", "%2f", "%00", "\x00", "\n", " ", "[", "]", "é", "。", "evil.net", ";", "-"}
	accepted := 0
	for _, first := range pieces {
		for _, second := range pieces {
			for _, third := range pieces {
				for _, after := range append(pieces, ":443", ".evil.net", "@evil.net", "/@evil.net") {
					if checkedIsCalled(t, "https://"+first+second+third+"api.green-api.com"+after) {
						accepted++
					}
				}
			}
		}
	}
	if accepted < 10 {
		t.Errorf("%d addresses were accepted", accepted)
	}
}

// checkedIsCalled reports whether an address is accepted, and fails the test if its URL is another than a reader thinks.
func checkedIsCalled(t *testing.T, raw string) bool {
	t.Helper()
	origin, err := ParseOrigin(raw)
	if err != nil || origin.CheckAllowed(DefaultAllowedHosts, false) != nil {
		return false
	}
	instance := &Instance{target: Target{Origin: origin, ID: 1, Token: testToken}}
	u, err := url.Parse(instance.url(MethodGetSettings))
	if err != nil {
		t.Fatalf("%q is accepted, and its URL is none: %v", raw, err)
	}
	if u.Host != "api.green-api.com" && !strings.HasSuffix(u.Host, ".api.green-api.com") {
		t.Fatalf("%q is accepted, and its host is %q", raw, u.Host)
	}
	if u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "/waInstance1/getSettings/"+testToken {
		t.Fatalf("%q is accepted, and its URL is %q", raw, u)
	}
	return true
}

// TestR24NoTokenOrNumberChangesTheRequest: a token with a meaning in a URL or a header makes no call at all.
func TestR24NoTokenOrNumberChangesTheRequest(t *testing.T) {
	good := Target{ID: 1, Token: testToken, Prefix: "/v3", AccountMethod: MethodGetAccountSettings}
	bad := map[string]Target{}
	with := func(name string, change func(*Target)) {
		target := good
		change(&target)
		bad[name] = target
	}
	for _, token := range []string{
		"a/b", "a/../../x", "..", ".", "a?b", "a#b", "a b", "a\r\nX-Token: b", "a\nb", "a\tb", "a\x00b", "a%2fb", "a%0d%0ab", "a%", `a\b`, "a@b", "a:b", "a;b", "a&b", "a+b", "ä", "a\u202eb", "{}", strings.Repeat("a", 257),
	} {
		with("token "+token, func(target *Target) { target.Token = token })
	}
	for _, id := range []int64{0, -1, -1 << 63, 1 << 53, 1<<63 - 1} {
		with("a number", func(target *Target) { target.ID = id })
	}
	for _, prefix := range []string{"/", "v3", "/v3/", "/../", "/v3?", "//evil.net", "@evil.net"} {
		with("prefix "+prefix, func(target *Target) { target.Prefix = prefix })
	}
	with("a method", func(target *Target) { target.AccountMethod = "../reboot" })

	server := canary.NewPlace(t)
	client := New(Options{Timeout: time.Second, AllowedHosts: []string{"127.0.0.1"}, Insecure: true})
	for name, target := range bad {
		target.Origin = mustOrigin(t, "http://"+server.Address())
		if _, err := client.Instance(target); err == nil {
			t.Errorf("%q is accepted", name)
		} else if _, ok := errors.AsType[*EndpointError](err); !ok || strings.Contains(err.Error(), "a/") {
			t.Errorf("%q: %v, want an EndpointError that does not quote it", name, err)
		}
	}
	good.Origin = mustOrigin(t, "http://"+server.Address())
	good.Token = ""
	instance, err := client.Instance(good)
	if err != nil {
		t.Fatal(err)
	}
	for method, call := range calls(t.Context(), instance) {
		if err := call(); err == nil || !TookNoEffect(err) {
			t.Errorf("%s without a token: %v", method, err)
		}
	}
	server.Untouched("malformed targets")

	var path string
	dialed := dial(t, func(_ http.ResponseWriter, r *http.Request) { path = r.RequestURI }, func(_ *Options, target *Target) {
		target.Token, target.ID = "A-b_c.~9..", maxID
	})
	_, _ = dialed.State(t.Context())
	if path != "/waInstance9007199254740991/getStateInstance/A-b_c.~9.." {
		t.Errorf("the path is %q", path)
	}
}
