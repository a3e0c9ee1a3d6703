// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/version"
)

// TestTheVersionIsShown: by the flag, in the first line of the log, and to the vendor.
func TestTheVersionIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shown := w.command("--version", "--state-interval=0")
	shown.Stdout, shown.Stderr = nil, nil
	output, err := shown.Output()
	w.Expect(err).NotTo(HaveOccurred(), "it looks at nothing else")
	w.Expect(string(output)).To(Equal(version.Full() + "\n"))

	var agents sync.Map
	front := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		agents.Store(request.UserAgent(), true)
		w.vendor.ServeHTTP(writer, request)
	}))
	t.Cleanup(front.Close)
	w.url = front.URL
	w.start()
	w.awaitReady()
	agents.Range(func(agent, _ any) bool {
		w.Expect(agent).To(Equal("greenapi-operator/" + version.Get()))
		return true
	})
	w.Expect(w.output.String()).To(ContainSubstring(`"msg":"Starting the manager","version":"` + version.Get() + `"`))
}
