// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// schemaOrigin is the rule for apiUrl as the schema of the resources has it.
func schemaOrigin(tb testing.TB) *regexp.Regexp {
	tb.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "api", "v1alpha1", "instance_types.go"))
	if err != nil {
		tb.Fatal(err)
	}
	rule := regexp.MustCompile(`self\.matches\('(\^https\?[^']*)'\)`).FindSubmatch(source)
	if rule == nil {
		tb.Fatal("no rule for apiUrl in the API types")
	}
	return regexp.MustCompile(string(rule[1]))
}

// FuzzOrigin: an address is accepted exactly if the schema accepts it, and whatever is accepted leads a request to that
// host and that path and nowhere else.
func FuzzOrigin(f *testing.F) {
	schema := schemaOrigin(f)
	for _, raw := range []string{
		"https://7107.api.greenapi.com", "https://7107.API.GreenAPI.com/", "https://api.green-api.com:443", "http://127.0.0.1:8090", "http://localhost:80/",
		"https://api.green-api.com/v3", "https://me@api.green-api.com", "https://api.green-api.com?x=1", "https://api.green-api.com#x", "https://api.green-api.com\\@x.com",
		"https://api.green-api.com\n", "//api.green-api.com", "https://[::1]", "https://api.green-api.com.", "https://", "", "https://a..b", "https://api.green-api.com:99999",
		"https://api.green-api.com%2f.evil.example", "https://api.green-api.com:443:80", "https://ａpi.green-api.com", "https://API.GREEN-API.COM:0443", "http://0x7f.1", "https://-x",
		"https://" + strings.Repeat("a", 300), "https://" + strings.Repeat("a.", 126) + "aa", "https://a-.b", "https://a.-b", "https://a:0", "https://a:65535/", "https://a:65536",
	} {
		f.Add(raw, testToken, int64(710700000001), "api.green-api.com, *.api.greenapi.com")
	}
	f.Add("https://api.green-api.com", "a", int64(1), "x.api.green-api.com")
	f.Add("https://x.api.green-api.com", "a", int64(1), "api.green-api.com")
	f.Add("https://x.example", "a..b", int64(1), "*,*x,*.example")
	f.Add("https://x.example", ".hidden", int64(-1), "X.EXAMPLE")
	f.Fuzz(func(t *testing.T, raw, token string, id int64, allowed string) {
		origin, err := ParseOrigin(raw)
		// The schema counts the digits of a port, and cannot know how great it is.
		port := portPattern.FindString(strings.TrimSuffix(raw, "/"))
		fits := port == "" || validPort(port[1:])
		if accepts := schema.MatchString(raw) && utf8.RuneCountInString(raw) <= maxOriginLength && fits && hasLabels(raw); accepts != (err == nil) {
			t.Fatalf("the schema accepts %q: %v, the client says %v", raw, accepts, err)
		}
		if err != nil {
			shown(t, "the error", err.Error(), 300)
			return
		}
		if again, err := ParseOrigin(origin.String()); err != nil || again != origin {
			t.Fatalf("%q is %+v and read again %+v, %v", raw, origin, again, err)
		}
		want, err := url.Parse(raw)
		if err != nil {
			t.Fatalf("%q was accepted, and is no URL: %v", raw, err)
		}
		hosts := strings.Split(allowed, ",")
		err = origin.CheckAllowed(hosts, false)
		if err == nil && (want.Scheme != "https" || want.Port() != "" && strings.TrimLeft(want.Port(), "0") != "443") {
			t.Fatalf("%q is allowed", raw)
		}
		if err == nil && !strings.Contains(allowed, "*") && !anyEqual(hosts, want.Hostname()) {
			t.Fatalf("%q is allowed by %q", raw, allowed)
		}
		if !ValidToken(token) || len(token) > 256 {
			return
		}
		checkURL(t, origin, want, token, id)
	})
}

// hasLabels reports whether the host of what the schema's rule accepts is one that DNS has.
func hasLabels(raw string) bool {
	_, host, _ := strings.Cut(strings.TrimSuffix(raw, "/"), "://")
	host, _, _ = strings.Cut(host, ":")
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(host) <= 253
}

var portPattern = regexp.MustCompile(`:[0-9]+$`)

func anyEqual(hosts []string, host string) bool {
	for _, allowed := range hosts {
		if strings.EqualFold(strings.TrimSpace(allowed), host) {
			return true
		}
	}
	return false
}

// checkURL holds the URL of a request against its parts.
func checkURL(t *testing.T, origin Origin, want *url.URL, token string, id int64) {
	t.Helper()
	instance, err := New(Options{AllowedHosts: []string{want.Hostname()}, Insecure: true}).Instance(Target{Origin: origin, ID: id, Token: token, Prefix: "/v3"})
	if id < 1 || id > maxID {
		if err == nil {
			t.Fatalf("the number %d is accepted", id)
		}
		return
	}
	if err != nil {
		t.Fatalf("%s is not allowed by its own host: %v", origin, err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, instance.url(MethodGetSettings), nil)
	if err != nil {
		t.Fatalf("no request to %s with the token %q: %v", origin, token, err)
	}
	u, path := request.URL, "/v3/waInstance"+strconv.FormatInt(id, 10)+"/getSettings/"+token
	if u.Scheme != want.Scheme || u.Hostname() != strings.ToLower(want.Hostname()) || u.Path != path || u.EscapedPath() != path {
		t.Errorf("the request goes to %q %q %q", u.Scheme, u.Host, u.Path)
	}
	if port := strings.TrimLeft(want.Port(), "0"); port != "" && port != defaultPort(want.Scheme) && u.Port() != port {
		t.Errorf("the request goes to the port %q, want %q", u.Port(), port)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Opaque != "" || u.ForceQuery || request.Host != u.Host {
		t.Errorf("the request has more than a path: %#v", u)
	}
}

// FuzzTokens: what counts as a token is one segment of a path that needs no escaping, or one line of a header.
func FuzzTokens(f *testing.F) {
	for _, token := range []string{testToken, fuzzWebhookToken, "", ".", "..", "a..", "a/b", "a%2f", "a?b", "a#b", "a\nb", "a\x00", "ä", "a:b", strings.Repeat("a", 257), strings.Repeat("b", 1025), " a", "\x7f"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if ValidToken(token) && (url.PathEscape(token) != token || token == "" || len(token) > 256 || token == "." || token == "..") {
			t.Errorf("%q is a token", token)
		}
		if !ValidWebhookToken(token) {
			return
		}
		if len(token) > maxWebhookToken || strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q is a webhook token", token)
		}
	})
}
