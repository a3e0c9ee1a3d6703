// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// errProxy says what is wrong with an address of a proxy. It never quotes it, for it may hold a password.
var errProxy = errors.New("must be http://HOST:PORT or https://HOST:PORT of an HTTP proxy, with USER:PASSWORD@ before the host if the proxy wants them (percent-encode what is special in them)")

// ParseProxy reads the address of an HTTP proxy. Its error does not quote the address.
func ParseProxy(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" ||
		u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#") {
		return nil, errProxy
	}
	if port := u.Port(); port == "" && strings.HasSuffix(u.Host, ":") || port != "" && !validPort(port) {
		return nil, errProxy
	}
	// What a dial, a certificate or a log line may show of it has no path.
	return &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}, nil
}

func validPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port != 0
}

// proxyError is what a proxy says instead of connecting. Nothing of it is shown but the code.
type proxyError struct{ code int }

func (e *proxyError) Error() string {
	if e.code == http.StatusProxyAuthRequired {
		return "the proxy wants another user and password than --api-proxy has (407)"
	}
	return fmt.Sprintf("the proxy did not connect to the host (%d)", e.code)
}

// useProxy makes a transport connect by way of a proxy: https by CONNECT, so that the proxy sees no byte of the token,
// and http by asking the proxy for the whole URL.
func useProxy(transport *http.Transport, proxy *url.URL) {
	transport.Proxy = http.ProxyURL(proxy)
	// A proxy behind TLS is spoken to in HTTP/1.1, and so are the hosts behind it.
	transport.ForceAttemptHTTP2 = transport.ForceAttemptHTTP2 && proxy.Scheme == "http"
	transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode != http.StatusOK {
			return &proxyError{code: answer.StatusCode}
		}
		return nil
	}
}

// beforeProxy returns what went wrong on the way to the proxy, nil if that was not it.
func beforeProxy(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return op.Err
	}
	return nil
}
