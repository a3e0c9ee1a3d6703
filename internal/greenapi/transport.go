// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// Permit says until when a call may leave this process. It is issued before the intent to call is recorded; a
// process that was frozen between the two sends nothing when it wakes up.
type Permit struct {
	issued time.Time
	within time.Duration
}

// NewPermit issues a permit that is valid for the given time from now on.
func NewPermit(within time.Duration) Permit {
	return Permit{issued: time.Now(), within: within}
}

// valid checks both clocks: the monotonic one may stand still while a machine sleeps, the wall clock may be set back.
func (p Permit) valid() bool {
	now := time.Now()
	return now.Sub(p.issued) <= p.within && now.Round(0).Sub(p.issued.Round(0)) <= p.within
}

var (
	errPermitExpired  = errors.New("the permit to call expired")
	errAddressRefused = errors.New("the address is refused")
)

const (
	dialTimeout         = 5 * time.Second
	keepAlive           = 30 * time.Second
	idleTimeout         = 90 * time.Second
	maxIdleConns        = 512
	maxIdleConnsPerHost = 128
	maxHeaderBytes      = 64 << 10
	// sendPing is how long a kept HTTP/2 connection may be silent before it is asked whether it lives, pingTimeout how long
	// it has to say so. One connection serves all calls to a host: a dead one would blind the process until the kernel
	// gives it up, which takes minutes, or for ever behind a proxy that keeps its sockets.
	sendPing, pingTimeout = 15 * time.Second, 10 * time.Second
	// maxUnread is how much of an answer may come over HTTP/2 before it is read.
	maxUnread = 128 << 10
)

// http2Config is how kept connections behave where the host speaks HTTP/2.
func http2Config(sendPing, pingTimeout time.Duration) *http.HTTP2Config {
	return &http.HTTP2Config{SendPingTimeout: sendPing, PingTimeout: pingTimeout, MaxReceiveBufferPerStream: maxUnread}
}

// newTransport returns the transport for methods that only read: connections are kept and shared. It is used without an
// http.Client, so that there is nothing that follows a redirect or keeps a cookie.
func (c *Client) newTransport() *http.Transport {
	transport := &http.Transport{
		// Proxy is nil unless a flag names one: the environment must not decide where a token goes.
		DialContext:            c.newDialer().DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		HTTP2:                  http2Config(sendPing, pingTimeout),
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConnsPerHost,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	if c.options.Proxy != nil {
		useProxy(transport, c.options.Proxy)
	}
	return transport
}

// newDialer returns a dialer that looks at every address after its name was resolved, on every dial, so that no name
// can lead a token into a private network. Where a proxy resolves the names, all dials go to that proxy, and its
// place is the administrator's choice.
func (c *Client) newDialer() *net.Dialer {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive, Resolver: c.resolver}
	if c.options.Insecure || c.options.Proxy != nil {
		return dialer
	}
	dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		if to, err := netip.ParseAddrPort(address); err != nil || !publicAddress(to.Addr()) {
			return errAddressRefused
		}
		return nil
	}
	return dialer
}

// guardedConn is the connection of one call that changes something. It checks the permit before each write, and
// counts the writes by which bytes may have left once the request itself began (after a TLS handshake).
type guardedConn struct {
	net.Conn
	permit Permit
	began  atomic.Bool
	sent   atomic.Int64
}

// Write writes only while the permit is valid.
func (c *guardedConn) Write(b []byte) (int, error) {
	if !c.permit.valid() {
		return 0, errPermitExpired
	}
	began := c.began.Load()
	if began {
		// Before the bytes leave: the answer may be read, and its end judged, before this goroutine runs again.
		c.sent.Add(1)
	}
	n, err := c.Conn.Write(b)
	if began && n == 0 {
		c.sent.Add(-1)
	}
	return n, err
}

// describe says what happened in words of this package. The text of the error itself is never used: it may hold an
// address with a port that differs each time, or bytes of the peer.
func describe(err error) string {
	var (
		dns     *net.DNSError
		errno   syscall.Errno
		timeout interface{ Timeout() bool }
		proxy   *proxyError
	)
	switch {
	case errors.Is(err, errPermitExpired):
		return "the process was held up for too long, so the call was not sent"
	case errors.Is(err, errNoRoom):
		return "too many other long answers were being read"
	case errors.As(err, &proxy):
		return proxy.Error()
	case beforeProxy(err) != nil:
		return "the proxy (--api-proxy) cannot be reached: " + describe(beforeProxy(err))
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "the call was canceled"
	case errors.As(err, &dns):
		return "the host's name cannot be resolved"
	}
	if text := describeTLS(err); text != "" {
		return text
	}
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return "the connection broke"
}

// describeTLS says what is wrong with a TLS handshake, "" if it is about something else.
func describeTLS(err error) string {
	var (
		record  tls.RecordHeaderError
		op      *net.OpError
		verify  *tls.CertificateVerificationError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &host):
		return "the host's certificate is for another name"
	case errors.As(err, &unknown):
		return "the host's certificate is signed by an unknown authority"
	case errors.As(err, &invalid), errors.As(err, &verify):
		return "the host's certificate is not valid"
	case errors.As(err, &record), errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		// These are what crypto/tls calls an alert, whose type it does not export.
		return "the TLS handshake failed"
	}
	return ""
}
