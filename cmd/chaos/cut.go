// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net"
	"sync"
)

// wire passes connections on to the API server, until they are cut.
type wire struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	open     map[net.Conn]bool
}

func newWire(to string) (*wire, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed, not canceled
	if err != nil {
		return nil, err
	}
	w := &wire{listener: listener, to: to, open: map[net.Conn]bool{}}
	go w.accept()
	return w, nil
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		from, err := w.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", w.to) //nolint:noctx // it is on this machine
		if err != nil {
			_ = from.Close()
			continue
		}
		w.mu.Lock()
		w.open[from], w.open[to] = true, true
		w.mu.Unlock()
		go w.pass(from, to)
		go w.pass(to, from)
	}
}

func (w *wire) pass(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	w.mu.Lock()
	delete(w.open, from)
	delete(w.open, to)
	w.mu.Unlock()
	_ = from.Close()
	_ = to.Close()
}

// cut ends all connections there are.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for connection := range w.open {
		_ = connection.Close()
	}
}

func (w *wire) close() {
	if w == nil {
		return
	}
	_ = w.listener.Close()
	w.cut()
}
