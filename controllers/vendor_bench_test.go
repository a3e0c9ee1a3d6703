// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// readMethods are the three methods that a pass in steady state reads.
var readMethods = []string{greenapi.MethodGetStateInstance, greenapi.MethodGetSettings, greenapi.MethodGetWaSettings}

// leanVendor answers what the emulator would answer, byte for byte, and next to nothing of the time goes into it: the
// answers are ready, and it reads no more of a request than the method. It shares the process and its two cores with what
// is measured, so all that it costs would make the operator look nearer to the limit than it is.
type leanVendor struct {
	url     string
	answers map[string][]byte
	calls   atomic.Int64
	mu      sync.Mutex
	open    []net.Conn
	serving sync.WaitGroup
}

// newLeanVendor starts one. The same answers are given to every instance.
func newLeanVendor(b *testing.B) *leanVendor {
	b.Helper()
	v := &leanVendor{answers: map[string][]byte{}}
	const token = "t0ken-of-the-answers"
	vendor := emulator.New(emulator.Options{})
	vendor.Add(emulator.Instance{ID: instanceID, Token: token, Settings: map[string]any{"incomingWebhook": "yes", "delaySendMessagesMilliseconds": 5000}})
	for _, method := range readMethods {
		recorder := httptest.NewRecorder()
		vendor.ServeHTTP(recorder, httptest.NewRequestWithContext(b.Context(), http.MethodGet, fmt.Sprintf("/waInstance%d/%s/%s", instanceID, method, token), nil))
		body := recorder.Body.Bytes()
		if recorder.Code != http.StatusOK || len(body) == 0 {
			b.Fatalf("the emulator answers %s with %d %s", method, recorder.Code, body)
		}
		v.answers[method] = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	v.url = "http://" + listener.Addr().String()
	v.serving.Go(func() { v.accept(listener) })
	b.Cleanup(func() {
		_ = listener.Close()
		v.mu.Lock()
		for _, conn := range v.open {
			_ = conn.Close()
		}
		v.mu.Unlock()
		v.serving.Wait()
	})
	return v
}

func (v *leanVendor) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		v.mu.Lock()
		v.open = append(v.open, conn)
		v.mu.Unlock()
		v.serving.Go(func() { v.serve(conn) })
	}
}

func (v *leanVendor) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		parts := bytes.SplitN(line, []byte("/"), 4)
		if len(parts) < 4 {
			return
		}
		answer, known := v.answers[string(parts[2])]
		for len(bytes.TrimSpace(line)) > 0 {
			if line, err = reader.ReadSlice('\n'); err != nil {
				return
			}
		}
		if !known {
			answer = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		}
		v.calls.Add(1)
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// bareHTTP makes the calls of a pass and looks at nothing: what net/http alone costs.
type bareHTTP struct {
	client *http.Client
	urls   []string
}

func newBareHTTP(b *testing.B, vendor *leanVendor) *bareHTTP {
	b.Helper()
	transport := &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 128, DisableCompression: true}
	b.Cleanup(transport.CloseIdleConnections)
	bare := &bareHTTP{client: &http.Client{Transport: transport}}
	for _, method := range readMethods {
		bare.urls = append(bare.urls, fmt.Sprintf("%s/waInstance%d/%s/%s", vendor.url, instanceID, method, strings.Repeat("a", 50)))
	}
	return bare
}

// calls makes the three calls side by side, as a pass does, over connections that are kept.
func (h *bareHTTP) calls(ctx context.Context) error {
	var (
		beside sync.WaitGroup
		failed atomic.Pointer[error]
	)
	for _, url := range h.urls {
		beside.Go(func() {
			if err := h.get(ctx, url); err != nil {
				failed.Store(&err)
			}
		})
	}
	beside.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (h *bareHTTP) get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := h.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
