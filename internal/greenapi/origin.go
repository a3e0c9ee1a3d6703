// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
)

// DefaultAllowedHosts are the hosts under which the vendor serves its API, by its documentation: both of its
// domains, with or without a pool number in front.
var DefaultAllowedHosts = []string{"api.green-api.com", "*.api.green-api.com", "api.greenapi.com", "*.api.greenapi.com"}

// DefaultURL is where the vendor serves the API of an instance whose own address is not known (its documentation).
const DefaultURL = "https://api.green-api.com"

// originPattern is the rule that the schema of the resources has for apiUrl as well.
var originPattern = regexp.MustCompile(`^(https?)://([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::([0-9]{1,5}))?/?$`)

// oddHost is the schema's rule for a host that DNS has not: a part that is empty, longer than 63 characters, or has a hyphen at
// either end, or too much of them.
var oddHost = regexp.MustCompile(`(^|[.])[-.]|[-.]([.]|$)|[A-Za-z0-9-]{64}|^.{254}`)

// maxOriginLength is the MaxLength that the schema has for apiUrl, and for the status that shows it.
const maxOriginLength = 300

// Origin is a scheme, a host and a port: where the API is served.
type Origin struct {
	scheme, host, port string
}

// ParseOrigin reads an origin such as https://7107.api.greenapi.com. A trailing slash is fine; a path, a query, a
// fragment or userinfo is an *EndpointError.
func ParseOrigin(raw string) (Origin, error) {
	m := originPattern.FindStringSubmatch(raw)
	if m == nil || len(raw) > maxOriginLength {
		return Origin{}, &EndpointError{What: "the address of the API must be an origin such as https://7107.api.greenapi.com: no path (leave out /v3), query, fragment or user"}
	}
	o := Origin{scheme: m[1], host: strings.ToLower(m[2]), port: strings.TrimLeft(m[3], "0")}
	if oddHost.MatchString(m[2]) {
		return Origin{}, &EndpointError{What: "the host of the address must be parts of 1 to 63 letters, digits and hyphens with dots between, no hyphen at either end of a part, at most 253 characters in all, such as 7107.api.greenapi.com"}
	}
	if m[3] != "" && !validPort(m[3]) {
		return Origin{}, &EndpointError{What: "the port of the address must be 1 to 65535"}
	}
	if o.port == defaultPort(o.scheme) {
		o.port = ""
	}
	return o, nil
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// String returns the origin in its shortest form: lower case, without a default port or a trailing slash.
func (o Origin) String() string {
	if o.port == "" {
		return o.scheme + "://" + o.host
	}
	return o.scheme + "://" + net.JoinHostPort(o.host, o.port)
}

// Identity returns what makes two origins the same place: all the vendor's own hosts serve one set of instances, any
// other origin is a place of its own.
func (o Origin) Identity() string {
	if hostMatches(o.host, DefaultAllowedHosts) {
		return "green-api"
	}
	return o.String()
}

// CheckAllowed returns an *EndpointError if a token may not be sent to this origin: its host is not among the
// allowed ones ("*." stands for any labels below), or, unless insecure is set, it is not https on port 443 of a public
// address or a name.
func (o Origin) CheckAllowed(hosts []string, insecure bool) error {
	if !hostMatches(o.host, hosts) {
		return &EndpointError{What: fmt.Sprintf("the host %s is not among the hosts a token may be sent to (--allowed-api-hosts)", o.host)}
	}
	if insecure {
		return nil
	}
	if o.scheme != "https" {
		return &EndpointError{What: "the address must start with https:// (http:// is for the emulator and needs --insecure-api)"}
	}
	if o.port != "" {
		return &EndpointError{What: "only port 443 is allowed (others are for the emulator and need --insecure-api)"}
	}
	if ip, err := netip.ParseAddr(o.host); err == nil && !publicAddress(ip) {
		// The dialer refuses it as well, where it is this process that dials and not a proxy.
		return &EndpointError{What: "the address " + o.host + " lies in " + specialNetwork}
	}
	return nil
}

func hostMatches(host string, patterns []string) bool {
	for _, p := range patterns {
		p = strings.ToLower(strings.TrimSpace(p))
		if suffix, ok := strings.CutPrefix(p, "*"); ok {
			// The dot of "*.example" stays in the suffix, so that it matches on a label boundary only.
			if strings.HasPrefix(suffix, ".") && len(host) > len(suffix) && strings.HasSuffix(host, suffix) {
				return true
			}
			continue
		}
		if host == p {
			return true
		}
	}
	return false
}
