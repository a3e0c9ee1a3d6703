// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/canary"
)

// TestMain makes the certificate of httptest's servers one that the machine trusts, so that the client is tested as it
// is used, without a setting of its own for tests.
func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	folder, err := os.MkdirTemp("", "greenapi-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	file := filepath.Join(folder, "trusted.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err == nil {
		err = os.Setenv("SSL_CERT_FILE", file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// place is somewhere on the loopback address where no token may come to. It answers nothing and keeps every byte.
type place struct {
	t        *testing.T
	listener net.Listener
	mu       sync.Mutex
	visits   int
	seen     bytes.Buffer
}

func newPlace(t *testing.T) *place {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, listener: listener}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.visits++
			p.mu.Unlock()
			open.Go(func() {
				_, _ = io.Copy(p, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close() })
	return p
}

// Write keeps what came.
func (p *place) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.Write(b)
}

func (p *place) address() string { return p.listener.Addr().String() }

func (p *place) port() string {
	_, port, err := net.SplitHostPort(p.address())
	if err != nil {
		p.t.Fatal(err)
	}
	return port
}

// visited is how many connections came.
func (p *place) visited() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.visits
}

// untouched fails the test if anybody came here.
func (p *place) untouched(doing string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visits > 0 {
		p.t.Errorf("%s: %d connections came to a place where no token may come to, with: %q", doing, p.visits, p.seen.String())
	}
}

// calls are all that can be asked of an instance, by method. They wait for at most the client's time-out.
func calls(ctx context.Context, i *Instance) map[string]func() error {
	return map[string]func() error{
		MethodGetStateInstance: func() error { _, err := i.State(ctx); return err },
		MethodGetSettings:      func() error { _, err := i.Settings(ctx); return err },
		MethodGetWaSettings:    func() error { _, err := i.Account(ctx); return err },
		MethodGetIncomingStatuses: func() error {
			_, err := i.IncomingStatuses(ctx, time.Hour)
			return err
		},
		MethodSetSettings: func() error {
			_, err := i.SetSettings(ctx, map[string]any{"incomingWebhook": "yes"}, NewPermit(time.Minute))
			return err
		},
		MethodReboot: func() error { _, err := i.Reboot(ctx, NewPermit(time.Minute)); return err },
	}
}

// tokenWatch searches for the test's token in every form.
func tokenWatch() *canary.Watch {
	watch := &canary.Watch{}
	watch.Add(testToken)
	return watch
}

// mustOrigin parses an origin that is right.
func mustOrigin(t *testing.T, raw string) Origin {
	t.Helper()
	origin, err := ParseOrigin(raw)
	if err != nil {
		t.Fatal(err)
	}
	return origin
}
