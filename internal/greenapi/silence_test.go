// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// muting passes connections on to an address, until it goes silent: then it keeps all sockets that are open and passes on
// nothing from them any more, as a firewall that lost its table does. New connections work.
type muting struct {
	listener net.Listener
	opened   atomic.Int32
	mu       sync.Mutex
	silent   []*atomic.Bool
}

func newMuting(t *testing.T, to string) *muting {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &muting{listener: listener}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			silent := &atomic.Bool{}
			m.mu.Lock()
			m.silent = append(m.silent, silent)
			m.mu.Unlock()
			m.opened.Add(1)
			t.Cleanup(func() { _, _ = near.Close(), far.Close() })
			running.Go(func() { pass(far, near, silent) })
			running.Go(func() { pass(near, far, silent) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); running.Wait() })
	return m
}

// pass copies until an end closes, and swallows what comes while it is silent.
func pass(to, from net.Conn, silent *atomic.Bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if !silent.Load() {
			_, _ = to.Write(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

// mute silences all connections that are open.
func (m *muting) mute() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, silent := range m.silent {
		silent.Store(true)
	}
}

// TestADeadConnectionIsDropped: a kept HTTP/2 connection whose peer went silent, and whose socket stays open, is asked by
// pings, given up, and replaced. No call has to end it.
func TestADeadConnectionIsDropped(t *testing.T) {
	server, _ := vendorServer(t, true, nil)
	between := newMuting(t, server.Listener.Addr().String())
	_, port, err := net.SplitHostPort(between.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := New(Options{Timeout: 2 * time.Second, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "test"})
	reading, ok := client.reading.(*http.Transport)
	if !ok {
		t.Fatal("the reading transport is another")
	}
	if reading.HTTP2 == nil || reading.HTTP2.SendPingTimeout != sendPing || reading.HTTP2.PingTimeout != pingTimeout || sendPing <= 0 || pingTimeout <= 0 {
		t.Fatalf("kept connections are not asked whether they live: %+v", reading.HTTP2)
	}
	reading.HTTP2 = http2Config(50*time.Millisecond, 50*time.Millisecond)
	defer reading.CloseIdleConnections()
	instance, err := client.Instance(Target{Origin: mustOrigin(t, "https://127.0.0.1:"+port), ID: 1, Token: testToken, AccountMethod: MethodGetWaSettings})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := instance.State(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if opened := between.opened.Load(); opened != 1 {
		t.Fatalf("%d connections were opened for two calls over HTTP/2", opened)
	}
	between.mute()
	for tries := 1; ; tries++ {
		_, err := instance.State(t.Context())
		if err == nil {
			break
		}
		if tries == 10 {
			t.Fatalf("the dead connection still serves the calls: %v", err)
		}
	}
	if opened := between.opened.Load(); opened != 2 {
		t.Errorf("%d connections were opened, want one more than the dead one", opened)
	}
}
