// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// everyMethod are the vendor's methods that the manager calls.
var everyMethod = []string{"getStateInstance", "getSettings", "getWaSettings", "setSettings", "reboot", "getIncomingStatuses"}

// status is the status of a line as text.
func (f *fleet) status(name string) string {
	f.t.Helper()
	text, err := json.Marshal(f.get(name).Status)
	f.Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// behindTLS serves the fleet's vendor over TLS as well, as example.com and 127.0.0.1, and makes its processes trust it.
func (f *fleet) behindTLS() *httptest.Server {
	f.t.Helper()
	server := httptest.NewUnstartedServer(f.vendor)
	server.EnableHTTP2, server.Config.ErrorLog = true, log.New(io.Discard, "", 0)
	server.StartTLS()
	f.t.Cleanup(server.Close)
	file := filepath.Join(f.t.TempDir(), "trusted.pem")
	f.Expect(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600)).To(Succeed())
	// What net/http logs of HTTP/2 at the wish of GODEBUG has the whole path of a request in it.
	f.env = append(f.env, "SSL_CERT_FILE="+file, "GODEBUG=http2debug=2")
	return server
}

// TestR24NoTokenGoesToTheEnvironmentsProxyOrAlongARedirect runs the real process with proxies in its environment.
// 0.0.0.0 leads to the loopback address, for which net/http would pass by a proxy.
func TestR24NoTokenGoesToTheEnvironmentsProxyOrAlongARedirect(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 3)
	secure := f.behindTLS()
	elsewhere := canary.NewPlace(t)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		f.env = append(f.env, name+"=http://"+elsewhere.Address())
	}
	f.env = append(f.env, "NO_PROXY=", "no_proxy=")
	f.flags = []string{"--allowed-api-hosts=127.0.0.1,0.0.0.0", "--default-api-url=" + strings.Replace(f.url, "127.0.0.1", "0.0.0.0", 1)}
	// line-1 is at a host whose certificate is for another name, line-2 at one that sends its callers elsewhere.
	f.edit("line-1", 0, func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.APIURL = strings.Replace(secure.URL, "127.0.0.1", "0.0.0.0", 1)
	})
	redirects := []emulator.Fault{{Location: "http://" + elsewhere.Address() + "/{token}"}, {Location: "http://" + elsewhere.Address() + "{path}", Status: 307}}
	for _, fault := range redirects {
		for _, method := range everyMethod {
			fault.ID, fault.Method = f.id("line-2"), method
			f.vendor.Fault(fault)
		}
	}
	for _, line := range []string{"line-0", "line-2"} {
		f.delay(line, 1000)
	}
	f.edit("line-2", 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.IncomingStatuses = &v1alpha1.IncomingStatuses{} })
	f.launch(newGate(t, environment.Config))
	f.Eventually(func() string { return f.status("line-1") }, patience).Should(ContainSubstring("the host's certificate is for another name"), "%s", f.alarm)
	f.Eventually(func() string { return f.status("line-2") }, patience).Should(ContainSubstring("the host redirects the call elsewhere"), "%s", f.alarm)
	f.names = []string{"line-0", "line-2"}
	f.converge("with proxies in the environment")
	f.Expect(f.vendor.Calls(f.id("line-1"), "")).To(BeEmpty())
	elsewhere.Untouched("environment and redirects")
}

// TestR24TheProxyOfTheFlagSeesNoToken runs the real process as it runs at a customer's: the vendor's host is only found by
// the proxy, and TLS is with the host.
func TestR24TheProxyOfTheFlagSeesNoToken(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 2)
	proxy := canary.NewProxy(t, f.behindTLS().URL, false)
	f.alarm.add(canary.ProxyPassword)
	f.flags = []string{"--insecure-api=false", "--state-interval=5s", "--settings-interval=10s", "--allowed-api-hosts=example.com", "--default-api-url=https://example.com", "--api-proxy=" + proxy.URL.String()}
	f.edit("line-1", 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = "https://elsewhere.example" })
	f.delay("line-0", 1000)
	f.launch(newGate(t, environment.Config))
	f.Eventually(func() string { return f.status("line-1") }, patience).Should(ContainSubstring(v1alpha1.ReasonEndpointNotAllowed), "%s", f.alarm)
	f.names = f.names[:1]
	f.converge("through a proxy")

	passed := proxy.Passed()
	f.Expect(passed).To(ContainSubstring("CONNECT example.com:443 "))
	f.Expect(passed).NotTo(ContainSubstring("elsewhere"))
	watch := &canary.Watch{}
	for _, name := range []string{"line-0", "line-1"} {
		watch.Add(f.tokens[name])
	}
	f.Expect(watch.Search(passed)).To(BeEmpty())
}

// TestR24ABadProxyIsNotQuoted: whatever is wrong with the flag, its password is not printed.
func TestR24ABadProxyIsNotQuoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const password = "pa55-canary-w0rd"
	watch := &canary.Watch{}
	watch.Add(password)
	for want, flags := range map[string][]string{
		"--api-proxy must be http://HOST:PORT": {"--api-proxy=socks5://user:" + password + "@egress.example:1080"},
		"--api-proxy must be":                  {"--api-proxy=http://user:" + password + "@proxy example"},
		"--api-proxy must be http":             {"--api-proxy", "http://user:" + password + "@egress.example:99999"},
		"--state-interval must be":             {"--state-interval=0", "--api-proxy=http://user:" + password + "@egress.example"},
		"there are no arguments, only flags":   {"--api-proxy=", "http://user:" + password + "@egress.example"},
		"flag provided but not defined":        {"--api-proxi=http://user:" + password + "@egress.example"},
	} {
		command := w.command(flags...)
		var output bytes.Buffer
		command.Stdout, command.Stderr = &output, &output
		if err := command.Run(); err == nil {
			t.Errorf("%s: it starts", flags)
		}
		if !strings.Contains(output.String(), want) {
			t.Errorf("%s: %s\nwant a message with %q", flags, output.String(), want)
		}
		if found := watch.Search(output.String()); found != "" {
			t.Errorf("%s: the password is printed: %s", flags, found)
		}
	}
}
