// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

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
		if slices.ContainsFunc([]string{MethodGetIncomingStatuses, MethodGetStateInstanceHistory, MethodGetInstances}, func(method string) bool { return strings.Contains(r.URL.Path, method) }) {
			_, _ = io.WriteString(w, `[]`)
			return
		}
		_, _ = io.WriteString(w, `{"stateInstance":"authorized","saveSettings":true,"isReboot":true,"type":"alreadyLogged","idInstance":7107000001,"apiTokenInstance":"new-token","deleteInstanceAccount":true}`)
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
