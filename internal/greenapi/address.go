// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"net/netip"
	"slices"
)

var (
	// globalUnicast is all that is handed out of IPv6; what lies outside is loopback, link-local, site-local (fec0::/10),
	// unique local (fc00::/7), multicast, IPv4-compatible, local NAT64 (64:ff9b:1::/48), discard-only (100::/64) and so on.
	globalUnicast = netip.MustParsePrefix("2000::/3")

	// nat64 is how a network without IPv4 writes IPv4 addresses (RFC 6052): the address is what its last four bytes say.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")

	// specialNetworks are the networks that nobody on the Internet serves an API from, by IANA's registries of
	// special-purpose addresses.
	specialNetworks = prefixes(
		"0.0.0.0/8",         // this network
		"10.0.0.0/8",        // private
		"100.64.0.0/10",     // shared by carriers behind their NAT
		"127.0.0.0/8",       // loopback
		"169.254.0.0/16",    // link-local, where clouds serve their metadata
		"172.16.0.0/12",     // private
		"192.0.0.0/24",      // protocol assignments
		"192.0.2.0/24",      // documentation
		"192.31.196.0/24",   // AS112
		"192.52.193.0/24",   // AMT
		"192.88.99.0/24",    // relays of 6to4
		"192.168.0.0/16",    // private
		"192.175.48.0/24",   // AS112
		"198.18.0.0/15",     // benchmarks
		"198.51.100.0/24",   // documentation
		"203.0.113.0/24",    // documentation
		"224.0.0.0/4",       // multicast
		"240.0.0.0/4",       // reserved, broadcast
		"2001::/23",         // protocol assignments: Teredo, benchmarks, ORCHID
		"2001:db8::/32",     // documentation
		"2002::/16",         // 6to4, which embeds any IPv4 address
		"2620:4f:8000::/48", // AS112
		"3fff::/20",         // documentation
	)
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// publicAddress reports whether a literal address lies in the public Internet, so that a token may go there.
func publicAddress(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if nat64.Contains(ip) {
		bytes := ip.As16()
		ip = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	if ip.Is6() && !globalUnicast.Contains(ip) || !ip.IsValid() {
		return false
	}
	return !slices.ContainsFunc(specialNetworks, func(network netip.Prefix) bool { return network.Contains(ip) })
}
