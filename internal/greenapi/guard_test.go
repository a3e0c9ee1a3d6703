// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// writer is a connection that only writes.
type writer struct {
	net.Conn
	write func([]byte) (int, error)
}

func (w writer) Write(b []byte) (int, error) { return w.write(b) }

// TestR21ACallCountsAsBegunBeforeItsBytesLeave: the end of an answer may be judged before the goroutine that wrote the request runs again,
// and a call that was made must not be taken for one that was not.
func TestR21ACallCountsAsBegunBeforeItsBytesLeave(t *testing.T) {
	t.Parallel()
	var guard *guardedConn
	guard = &guardedConn{permit: NewPermit(time.Minute), Conn: writer{write: func(b []byte) (int, error) {
		if err, ok := errors.AsType[*TransportError](callError(MethodSetSettings, io.ErrUnexpectedEOF, guard)); !ok || !err.Begun {
			t.Error("the bytes leave, and the call has not begun")
		}
		return len(b), nil
	}}}
	guard.began.Store(true)
	if _, err := guard.Write([]byte("POST")); err != nil {
		t.Fatal(err)
	}

	guard = &guardedConn{permit: NewPermit(time.Minute), Conn: writer{write: func([]byte) (int, error) { return 0, io.ErrClosedPipe }}}
	guard.began.Store(true)
	if _, err := guard.Write([]byte("POST")); err == nil || guard.sent.Load() != 0 {
		t.Errorf("nothing left (%v), and %d writes count", err, guard.sent.Load())
	}

	guard = &guardedConn{permit: NewPermit(-time.Second), Conn: writer{}}
	guard.began.Store(true)
	if _, err := guard.Write([]byte("POST")); err == nil || guard.sent.Load() != 0 {
		t.Errorf("the permit expired (%v), and %d writes count", err, guard.sent.Load())
	}
}
