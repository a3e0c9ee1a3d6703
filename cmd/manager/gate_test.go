// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// gate stands between one manager and the API server. It sees every write of a status as it comes and as it was stored,
// so that a test can end the process at exactly that instant, and it can fail as a network does.
type gate struct {
	kubeconfig string
	proxy      *httputil.ReverseProxy

	mu      sync.Mutex
	closed  bool
	traps   []*trap
	watches map[int]context.CancelFunc
	opened  int
}

// trap fires once, at the first status write that it waits for.
type trap struct {
	// matches says which write, by what it stores.
	matches func(stored, written *v1alpha1.InstanceStatus) bool
	// stored: fire when the API server has stored the write, before the manager learns of it; else before the API server
	// sees it, which it then never does.
	stored bool
	fire   func()
}

func newGate(t *testing.T, config *rest.Config) *gate {
	t.Helper()
	g := &gate{watches: map[int]context.CancelFunc{}, proxy: proxyTo(t, config)}
	g.kubeconfig = stand(t, g)
	t.Cleanup(g.cut)
	return g
}

// proxyTo passes requests on to an API server with the rights of a config. What the API server does to a connection, it
// does as well.
func proxyTo(t *testing.T, config *rest.Config) *httputil.ReverseProxy {
	t.Helper()
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// stand puts a handler in the place of an API server until the test ends, and returns the kubeconfig that leads to it.
func stand(t *testing.T, handler http.Handler) (kubeconfig string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return testenv.Kubeconfig(t, &rest.Config{Host: server.URL})
}

// ServeHTTP is part of http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer g.enter(r, cancel)()
	written := statusOf(r)
	hit := g.trapped(r, written)
	if hit != nil && !hit.stored {
		hit.fire()
		panic(http.ErrAbortHandler)
	}
	if hit == nil {
		g.proxy.ServeHTTP(w, r.WithContext(ctx))
		return
	}
	held := httptest.NewRecorder()
	g.proxy.ServeHTTP(held, r.WithContext(ctx))
	if held.Code == http.StatusOK {
		hit.fire()
	} else {
		// The write was refused, so the instant has not come yet.
		g.set(hit)
	}
	maps.Copy(w.Header(), held.Header())
	w.WriteHeader(held.Code)
	_, _ = w.Write(held.Body.Bytes())
}

// enter lets a request in, and returns how it leaves.
func (g *gate) enter(r *http.Request, cancel context.CancelFunc) func() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		panic(http.ErrAbortHandler)
	}
	if r.URL.Query().Get("watch") != "true" {
		return func() {}
	}
	g.opened++
	number := g.opened
	g.watches[number] = cancel
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.watches, number)
	}
}

// set adds a trap.
func (g *gate) set(t *trap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.traps = append(g.traps, t)
}

// disarm takes out all traps.
func (g *gate) disarm() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.traps = nil
}

// watching is how many watches are open.
func (g *gate) watching() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.watches)
}

// cut ends all watches.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, cancel := range g.watches {
		cancel()
	}
}

// shut makes the API server unreachable for the manager, or reachable again.
func (g *gate) shut(closed bool) {
	g.mu.Lock()
	g.closed = closed
	g.mu.Unlock()
	if closed {
		g.cut()
	}
}

// trapped takes out and returns the trap that a request runs into.
func (g *gate) trapped(r *http.Request, written *v1alpha1.InstanceStatus) *trap {
	if written == nil {
		return nil
	}
	g.mu.Lock()
	waiting := len(g.traps)
	g.mu.Unlock()
	if waiting == 0 {
		return nil
	}
	stored := g.stored(r)
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, t := range g.traps {
		if t.matches(stored, written) {
			g.traps = append(g.traps[:i:i], g.traps[i+1:]...)
			return t
		}
	}
	return nil
}

// stored reads the status that a write is to replace.
func (g *gate) stored(r *http.Request) *v1alpha1.InstanceStatus {
	answer := httptest.NewRecorder()
	g.proxy.ServeHTTP(answer, httptest.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Path, nil))
	resource := &v1alpha1.WhatsAppInstance{}
	if err := json.Unmarshal(answer.Body.Bytes(), resource); err != nil {
		return &v1alpha1.InstanceStatus{}
	}
	return resource.InstanceStatus()
}

// statusOf returns the status that a request writes, nil if it is another request.
func statusOf(r *http.Request) *v1alpha1.InstanceStatus {
	if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/status") {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	resource := &v1alpha1.WhatsAppInstance{}
	if err := json.Unmarshal(body, resource); err != nil {
		return nil
	}
	return resource.InstanceStatus()
}

// outcomeOf is the outcome of the latest setSettings by a status, "" if there was none.
func outcomeOf(s *v1alpha1.InstanceStatus) v1alpha1.ApplyOutcome {
	if s.Apply == nil {
		return ""
	}
	return s.Apply.Outcome
}

// turns matches the write by which a record gets an outcome.
func turns(outcome v1alpha1.ApplyOutcome) func(stored, written *v1alpha1.InstanceStatus) bool {
	return func(stored, written *v1alpha1.InstanceStatus) bool {
		return outcomeOf(written) == outcome &&
			(outcomeOf(stored) != outcome || !stored.Apply.StartedTime.Equal(&written.Apply.StartedTime))
	}
}
