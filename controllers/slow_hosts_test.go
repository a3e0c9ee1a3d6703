// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onsi/gomega"
)

// TestR41TwoSlowHostsDoNotHoldUpAThird: they answered so many calls that each alone may have all workers but an eighth, and then
// take their time.
func TestR41TwoSlowHostsDoNotHoldUpAThird(t *testing.T) {
	const lines, workers, answered = 40, 16, 90
	s := newNeighbors(t, 0, workers, time.Hour, true)
	healed := make(chan struct{})
	var waiting atomic.Int64
	for host := range 2 {
		var calls atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) > answered {
				waiting.Add(1)
				select {
				case <-healed:
				case <-r.Context().Done():
				}
			}
			s.vendor.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		for i := range lines {
			s.line(fmt.Sprintf("slow-%d-%d", host, i), server.URL)
		}
	}
	t.Cleanup(func() { close(healed) })
	// A look makes up to three calls side by side.
	s.Eventually(waiting.Load, patience).Should(gomega.BeNumerically(">=", 3*workers/2), "most workers are out")
	s.line("new", s.healthy)
	s.Eventually(s.written, patience).WithArguments("new").Should(gomega.BeTrue())
}
