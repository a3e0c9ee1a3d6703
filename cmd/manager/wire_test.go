// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wire stands between a manager and the vendor, and fails as networks do. Its faults lie below HTTP; those of HTTP are
// the emulator's.
type wire struct {
	url      string
	listener net.Listener
	vendor   string

	fault atomic.Pointer[wireFault]
	met   atomic.Int64
	conns sync.Map
}

// wireFault is what connections meet.
type wireFault struct {
	do func(caller net.Conn)
	// writes: only setSettings meets it, which has a connection of its own; late: and only once it had its effect.
	writes, late bool
}

func newWire(t *testing.T, vendorURL string) *wire {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{url: "http://" + listener.Addr().String(), listener: listener, vendor: strings.TrimPrefix(vendorURL, "http://")}
	go w.serve()
	t.Cleanup(func() {
		_ = listener.Close()
		w.drop()
	})
	return w
}

// fail makes all connections meet a fault from now on, and drops those that are open; nil ends it.
func (w *wire) fail(fault *wireFault) {
	w.met.Store(0)
	w.fault.Store(fault)
	w.drop()
}

func (w *wire) drop() {
	w.conns.Range(func(conn, _ any) bool {
		if c, ok := conn.(net.Conn); ok {
			_ = c.Close()
		}
		return true
	})
}

func (w *wire) serve() {
	for {
		caller, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.conns.Store(caller, nil)
		go w.treat(caller)
	}
}

func (w *wire) treat(caller net.Conn) {
	defer w.conns.Delete(caller)
	defer func() { _ = caller.Close() }()
	first, fault := make([]byte, 4096), w.fault.Load()
	n := 0
	if fault != nil && fault.writes {
		n, _ = caller.Read(first)
		if !strings.Contains(string(first[:n]), "/setSettings/") {
			fault = nil
		}
	}
	if fault != nil {
		w.met.Add(1)
		if !fault.late {
			fault.do(caller)
			return
		}
	}
	vendor, err := new(net.Dialer).DialContext(context.Background(), "tcp", w.vendor)
	if err != nil {
		return
	}
	defer func() { _ = vendor.Close() }()
	_, _ = vendor.Write(first[:n])
	go func() {
		_, _ = io.Copy(vendor, caller)
		_ = vendor.Close()
	}()
	if fault != nil {
		// The vendor's answer says that it has done what it was asked; the caller never sees it.
		_, _ = vendor.Read(make([]byte, 1))
		fault.do(caller)
		return
	}
	_, _ = io.Copy(caller, vendor)
}

// reset ends a connection without a farewell.
func reset(caller net.Conn) {
	if tcp, ok := caller.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// resetMidRequest ends a connection when the first bytes have come.
func resetMidRequest(caller net.Conn) {
	_, _ = caller.Read(make([]byte, 16))
	reset(caller)
}

// halfOpen takes what comes and never answers.
func halfOpen(caller net.Conn) {
	_, _ = io.Copy(io.Discard, caller)
}

// dripping answers so slowly that it never comes to an end.
func dripping(caller net.Conn) {
	go func() { _, _ = io.Copy(io.Discard, caller) }()
	for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n" + strings.Repeat(" ", 400)) {
		if _, err := caller.Write([]byte{b}); err != nil {
			return
		}
		lasts(context.Background(), 50*time.Millisecond)
	}
}

// saying answers every request with the same bytes.
func saying(text string) func(net.Conn) {
	return func(caller net.Conn) {
		buffer := make([]byte, 4096)
		for {
			if _, err := caller.Read(buffer); err != nil {
				return
			}
			if _, err := caller.Write([]byte(text)); err != nil {
				return
			}
		}
	}
}
