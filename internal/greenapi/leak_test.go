// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestNoCallLeavesAGoroutine: however a call ends, nothing of it lives on, except the connections that are kept for the
// next reading call.
func TestNoCallLeavesAGoroutine(t *testing.T) {
	flush := func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
	hang := func(r *http.Request) { <-r.Context().Done() }
	handlers := map[string]http.HandlerFunc{
		"answers": answer(200, `{"stateInstance":"authorized","saveSettings":true,"isReboot":true}`),
		"hangs":   func(_ http.ResponseWriter, r *http.Request) { hang(r) },
		"hangs amid its answer": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"stateInst`)
			flush(w)
			hang(r)
		},
		"drips": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				flush(w)
			}
		},
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"stateInst`)
			flush(w)
			panic(http.ErrAbortHandler)
		},
		"answers before it read": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusBadGateway)
		},
		"never ends": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, &endless{unit: "x"}) },
		"malformed":  malformed,
		"redirects":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
	}
	for name, unread := range handlers {
		handler := func(w http.ResponseWriter, r *http.Request) {
			if name != "answers before it read" {
				// The server notices that the caller left only once it has read everything.
				_, _ = io.Copy(io.Discard, r.Body)
			}
			unread(w, r)
		}
		t.Run(name, func(t *testing.T) {
			instance := dial(t, handler, func(o *Options, _ *Target) { o.Timeout = 100 * time.Millisecond })
			// The server is up already, and stays so: its end would end what the client left.
			before := goleak.IgnoreCurrent()
			soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			for _, ctx := range []context.Context{t.Context(), soon} {
				_, _ = instance.SetSettings(ctx, map[string]any{"a": "b"}, NewPermit(time.Minute))
				_, _ = instance.Reboot(ctx, NewPermit(time.Minute))
				_, _ = instance.SetSettings(ctx, map[string]any{"a": "b"}, NewPermit(-time.Minute))
			}
			goleak.VerifyNone(t, before)
			for _, ctx := range []context.Context{t.Context(), soon} {
				_, _ = instance.State(ctx)
				_, _ = instance.IncomingStatuses(ctx, time.Hour)
			}
			if kept, ok := instance.client.reading.(*http.Transport); ok {
				kept.CloseIdleConnections()
			}
			goleak.VerifyNone(t, before)
		})
	}
}
