// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// label63 is a part of a host that is as long as DNS allows.
var label63 = strings.Repeat("a", 63)

func TestParseOrigin(t *testing.T) {
	for raw, want := range map[string]string{
		"https://7107.api.greenapi.com":     "https://7107.api.greenapi.com",
		"https://7107.API.GreenAPI.com/":    "https://7107.api.greenapi.com",
		"https://api.green-api.com:443":     "https://api.green-api.com",
		"http://127.0.0.1:8090":             "http://127.0.0.1:8090",
		"http://localhost:80/":              "http://localhost",
		"https://api.green-api.com/v3":      "",
		"https://me@api.green-api.com":      "",
		"https://api.green-api.com?x=1":     "",
		"https://api.green-api.com#x":       "",
		"https://api.green-api.com\\@x.com": "",
		"https://api.green-api.com\n":       "",
		"//api.green-api.com":               "",
		"ftp://api.green-api.com":           "",
		"https://[::1]":                     "",
		"https://api.green-api.com.":        "",
		"https://" + label63 + "." + label63 + "." + label63 + "." + label63[2:]: "https://" + label63 + "." + label63 + "." + label63 + "." + label63[2:],
		"https://" + label63 + "." + label63 + "." + label63 + "." + label63[1:]: "",
		"https://a" + label63 + ".example":                                       "",
		"https://a..example":                                                     "",
		"https://a-.example":                                                     "",
		"https://a.-b.example":                                                   "",
		"https://-a.example":                                                     "",
		"https://a-":                                                             "",
		"https://a--b.example:65535":                                             "https://a--b.example:65535",
		"https://a.example:65536":                                                "",
		"https://a.example:0":                                                    "",
		"https://a.example:":                                                     "",
		"https://":                                                               "",
		"":                                                                       "",
	} {
		origin, err := ParseOrigin(raw)
		switch {
		case want == "" && err == nil:
			t.Errorf("ParseOrigin(%q) = %s, want an error", raw, origin)
		case want != "" && (err != nil || origin.String() != want):
			t.Errorf("ParseOrigin(%q) = %s, %v; want %s", raw, origin, err, want)
		}
	}
}

func TestCheckAllowed(t *testing.T) {
	for _, test := range []struct {
		origin   string
		hosts    []string
		insecure bool
		want     bool
	}{
		{"https://api.green-api.com", DefaultAllowedHosts, false, true},
		{"https://7107.api.greenapi.com", DefaultAllowedHosts, false, true},
		{"https://a.b.api.greenapi.com", DefaultAllowedHosts, false, true},
		{"https://evil-api.greenapi.com", DefaultAllowedHosts, false, false},
		{"https://xapi.green-api.com", DefaultAllowedHosts, false, false},
		{"https://api.green-api.com.evil.example", DefaultAllowedHosts, false, false},
		{"http://api.green-api.com", DefaultAllowedHosts, false, false},
		{"https://api.green-api.com:8443", DefaultAllowedHosts, false, false},
		{"http://127.0.0.1:8090", DefaultAllowedHosts, true, false},
		{"http://127.0.0.1:8090", []string{"127.0.0.1"}, true, true},
		{"http://127.0.0.1:8090", []string{"127.0.0.1"}, false, false},
		{"https://x.example", []string{" X.Example "}, false, true},
		{"https://x.example", []string{"*"}, false, false},
		{"https://x.example", []string{"*example"}, false, false},
		{"https://x.example", nil, false, false},
	} {
		origin, err := ParseOrigin(test.origin)
		if err != nil {
			t.Fatal(err)
		}
		err = origin.CheckAllowed(test.hosts, test.insecure)
		if (err == nil) != test.want {
			t.Errorf("%s for %v (insecure %v): %v, want allowed %v", test.origin, test.hosts, test.insecure, err, test.want)
		}
		if _, ok := errors.AsType[*EndpointError](err); err != nil && !ok {
			t.Errorf("%T, want an EndpointError", err)
		}
	}
}

func TestR18HostsOfTheVendorAreOneOrigin(t *testing.T) {
	identity := func(raw string) string {
		origin, err := ParseOrigin(raw)
		if err != nil {
			t.Fatal(err)
		}
		return origin.Identity()
	}
	if identity("https://api.green-api.com") != identity("https://7107.api.greenapi.com/") {
		t.Error("two hosts of the vendor are two origins")
	}
	if identity("http://127.0.0.1:1") == identity("http://127.0.0.1:2") {
		t.Error("two other hosts are one origin")
	}
}

func TestPrivateAddressesAreRefusedAfterResolution(t *testing.T) {
	// A name that is allowed and leads to the loopback address: no byte may go there.
	origin, err := ParseOrigin("https://localhost")
	if err != nil {
		t.Fatal(err)
	}
	instance, err := New(Options{Timeout: time.Second, AllowedHosts: []string{"localhost"}}).Instance(Target{Origin: origin, ID: 1, Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	_, err = instance.State(t.Context())
	if endpoint, ok := errors.AsType[*EndpointError](err); !ok || !endpoint.Resolved {
		t.Errorf("%v, want an EndpointError that was found by resolving", err)
	}
}

func TestTokens(t *testing.T) {
	for token, want := range map[string]bool{
		testToken: true, "a": true, "A-b_c.~9": true, "": false, ".": false, "../x": false, "a/b": false, "a%2f": false, "a b": false, "a\nb": false, "ä": false,
		strings.Repeat("a", 256): true, strings.Repeat("a", 257): false, "a?x": false, "a#x": false,
	} {
		if got := ValidToken(token); got != want {
			t.Errorf("ValidToken(%q) = %v, want %v", token, got, want)
		}
	}
	for token, want := range map[string]bool{"": true, "Basic dXNlcg==": true, "a\nb": false, "ä": false, strings.Repeat("a", 1024): true, strings.Repeat("a", 1025): false} {
		if got := ValidWebhookToken(token); got != want {
			t.Errorf("ValidWebhookToken(%.20q) = %v, want %v", token, got, want)
		}
	}
}
