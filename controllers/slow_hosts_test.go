// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/onsi/gomega"
)

// TestR41TwoSlowHostsDoNotHoldUpAThird: they answer within half of the time-out, so that each alone may have all workers but an
// eighth.
func TestR41TwoSlowHostsDoNotHoldUpAThird(t *testing.T) {
	for _, slow := range []int{1, 2} {
		t.Run(fmt.Sprint(slow), func(t *testing.T) {
			const lines, workers = 80, 8
			s := newNeighbors(t, 0, workers, 4*time.Second, true)
			for host := range slow {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s.note(r.URL.Path)
					time.Sleep(1500 * time.Millisecond)
					s.vendor.ServeHTTP(w, r)
				}))
				t.Cleanup(server.Close)
				for i := range lines / slow {
					s.line(fmt.Sprintf("slow-%d-%d", host, i), server.URL)
				}
			}
			time.Sleep(5 * time.Second)
			begun := time.Now()
			s.line("new", s.healthy)
			s.Eventually(s.written, 2*time.Minute, 20*time.Millisecond).WithArguments("new").Should(gomega.BeTrue())
			took := time.Since(begun)
			t.Logf("%d slow hosts: the new line waited %s", slow, took)
			s.Expect(took).To(gomega.BeNumerically("<", 5*time.Second))
		})
	}
}
