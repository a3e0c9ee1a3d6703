// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package canary

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// Place is somewhere on the loopback address where no token may come to. It answers nothing and keeps every byte.
type Place struct {
	t        testing.TB
	listener net.Listener
	mu       sync.Mutex
	visits   []net.Conn
	seen     bytes.Buffer
}

// NewPlace opens a place until the test ends.
func NewPlace(t testing.TB) *Place {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Place{t: t, listener: listener}
	go p.serve()
	t.Cleanup(p.close)
	return p
}

// close ends it, and with it the waiting of whoever has connected.
func (p *Place) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.visits {
		_ = conn.Close()
	}
}

func (p *Place) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.visits = append(p.visits, conn)
		p.mu.Unlock()
		go func() {
			_, _ = io.Copy(p, conn)
			_ = conn.Close()
		}()
	}
}

// Write keeps what came.
func (p *Place) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.Write(b)
}

// Address returns its host and port.
func (p *Place) Address() string { return p.listener.Addr().String() }

// Port returns its port.
func (p *Place) Port() string {
	_, port, err := net.SplitHostPort(p.Address())
	if err != nil {
		p.t.Fatal(err)
	}
	return port
}

// Untouched fails the test if anybody came here.
func (p *Place) Untouched(doing string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.visits) > 0 {
		p.t.Errorf("%s: %d connections came to a place where no token may come to, with: %q", doing, len(p.visits), p.seen.String())
	}
}
