// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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
	// Each line that waits has a worker, or had one; of a first look up to three calls wait, of a poll one.
	var waiting sync.Map
	out := func() (lines int) {
		waiting.Range(func(any, any) bool { lines++; return true })
		return lines
	}
	for host := range 2 {
		var calls atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) > answered {
				line, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
				waiting.Store(line, true)
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
	s.Eventually(out, patience).Should(gomega.BeNumerically(">=", workers/2), "as many workers are out as slow hosts may have")
	s.line("new", s.healthy)
	s.Eventually(s.written, patience).WithArguments("new").Should(gomega.BeTrue())
}
