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
)

// newTransport returns the transport for methods that only read: connections are kept and shared.
func newTransport(insecure bool) *http.Transport {
	return &http.Transport{
		// Proxy stays nil: the environment must not decide where a token goes.
		DialContext:            newDialer(insecure).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConnsPerHost,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// newDialer returns a dialer that looks at every address after its name was resolved, on every dial, so that no name
// can lead a token into a private network.
func newDialer(insecure bool) *net.Dialer {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	if insecure {
		return dialer
	}
	dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		if !publicAddress(address) {
			return errAddressRefused
		}
		return nil
	}
	return dialer
}

// sharedAddressSpace is 100.64.0.0/10, which carriers use behind their NAT (RFC 6598).
var sharedAddressSpace = netip.MustParsePrefix("100.64.0.0/10")

// publicAddress reports whether a host:port with a literal address lies in the public Internet.
func publicAddress(address string) bool {
	addrPort, err := netip.ParseAddrPort(address)
	if err != nil {
		return false
	}
	ip := addrPort.Addr().Unmap().WithZone("")
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !sharedAddressSpace.Contains(ip)
}

// guardedConn is the connection of one call that changes something. It checks the permit before each write, and
// counts what was written once the request itself began (after a TLS handshake).
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
	n, err := c.Conn.Write(b)
	if c.began.Load() {
		c.sent.Add(int64(n))
	}
	return n, err
}

// describe says what happened in words of this package. The text of the error itself is never used: it may hold an
// address with a port that differs each time, or bytes of the peer.
func describe(err error) string {
	var (
		dns     *net.DNSError
		errno   syscall.Errno
		record  tls.RecordHeaderError
		alert   tls.AlertError
		verify  *tls.CertificateVerificationError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, errPermitExpired):
		return "the process was held up for too long, so the call was not sent"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "the call was canceled"
	case errors.As(err, &dns):
		return "the host's name cannot be resolved"
	case errors.As(err, &host):
		return "the host's certificate is for another name"
	case errors.As(err, &unknown):
		return "the host's certificate is signed by an unknown authority"
	case errors.As(err, &invalid), errors.As(err, &verify):
		return "the host's certificate is not valid"
	case errors.As(err, &record), errors.As(err, &alert):
		return "the TLS handshake failed"
	case errors.As(err, &errno):
		return errno.Error()
	default:
		return "the connection broke"
	}
}
