// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// shaky stands before the API server, cuts watches and answers the next ones that they are too old.
type shaky struct {
	through http.Handler

	mu      sync.Mutex
	cuts    []context.CancelFunc
	tooOld  int
	refused int
}

func (s *shaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("watch") == "" || !strings.HasSuffix(r.URL.Path, "/whatsappinstances") {
		s.through.ServeHTTP(w, r)
		return
	}
	ctx, cut := context.WithCancel(r.Context())
	defer cut()
	s.mu.Lock()
	if s.tooOld > 0 {
		s.tooOld--
		s.refused++
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusGone)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,"message":"too old resource version"}`)
		return
	}
	s.cuts = append(s.cuts, cut)
	s.mu.Unlock()
	s.through.ServeHTTP(w, r.WithContext(ctx))
}

// cut ends all watches; the next ones are too old.
func (s *shaky) cut(tooOld int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tooOld = tooOld
	for _, cut := range s.cuts {
		cut()
	}
	s.cuts = nil
}

func (s *shaky) watching() (watches, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.cuts), s.refused
}

func TestAWatchSurvivesCutConnectionsAndOldVersions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, written)
	transport, err := rest.TransportFor(cluster)
	d.Expect(err).NotTo(HaveOccurred())
	target, err := url.Parse(cluster.Host)
	d.Expect(err).NotTo(HaveOccurred())
	if target.Scheme == "" {
		target = &url.URL{Scheme: "https", Host: cluster.Host}
	}
	proxy := &httputil.ReverseProxy{Transport: transport, FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}}
	s := &shaky{through: proxy}
	server := httptest.NewServer(s)
	d.t.Cleanup(func() { s.cut(0); server.Close() })
	d.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	d.Expect(os.WriteFile(d.kubeconfig, fmt.Appendf(nil, `{apiVersion: v1, kind: Config, current-context: c,
contexts: [{name: c, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: %q}}], users: [{name: u, user: {}}]}`, server.URL), 0o600)).To(Succeed())

	shown := d.at(200, []string{"NO_COLOR=1"}, "status", "--watch")
	for i, state := range []string{"sleepMode", "blocked", "starting"} {
		d.Eventually(func() int { watches, _ := s.watching(); return watches }, patience).Should(BeNumerically(">", 0))
		s.cut(i) // first only cut, then too old as well
		good.Status.StateInstance = state
		set(&good.Status, metav1.Now(), v1alpha1.AvailableCondition, metav1.ConditionFalse, v1alpha1.ReasonStarting, "It is "+state)
		d.Expect(admin.Status().Update(d.ctx, good)).To(Succeed())
		d.Eventually(shown.screen, patience).Should(MatchRegexp(`(?m)^good .* `+state+` `), "after cut %d", i)
	}
	_, refused := s.watching()
	d.Expect(refused).To(BeNumerically(">=", 2), "410 was answered")
	_, err = shown.keyboard.WriteString("\x03")
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(shown.end(d)).To(Equal(exitInterrupted))
	d.Expect(shown.screen()).NotTo(ContainSubstring("error"))
}
