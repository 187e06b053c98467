// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import "net/netip"

// nat64 holds IPv4 addresses in its last four bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// embedded returns the IPv4 address within an IPv6 address, or else the address itself without its zone.
func embedded(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}

	return ip
}

// carriers are further ranges of IPv6 whose addresses may lead to an IPv4 address, with the places of its bytes. They are not
// decoded by embedded: whether an address leads there, and by which of several places, depends on the network.
var carriers = []struct {
	prefix   netip.Prefix
	places   [4]int
	inverted bool
}{
	{prefix: netip.MustParsePrefix("::/96"), places: [4]int{12, 13, 14, 15}},           // IPv4-compatible (RFC 4291)
	{prefix: netip.MustParsePrefix("::ffff:0:0:0/96"), places: [4]int{12, 13, 14, 15}}, // IPv4-translated (RFC 2765)

	// The networks' own prefixes for NAT64 (RFC 8215), of each length that RFC 6052 has from 48 bits on.
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), places: [4]int{6, 7, 9, 10}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), places: [4]int{7, 9, 10, 11}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), places: [4]int{9, 10, 11, 12}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), places: [4]int{12, 13, 14, 15}},

	{prefix: netip.MustParsePrefix("2002::/16"), places: [4]int{2, 3, 4, 5}}, // 6to4 (RFC 3056)

	// Teredo (RFC 4380): of its server, and of its client.
	{prefix: netip.MustParsePrefix("2001::/32"), places: [4]int{4, 5, 6, 7}},
	{prefix: netip.MustParsePrefix("2001::/32"), places: [4]int{12, 13, 14, 15}, inverted: true},
}

// carried returns the IPv4 addresses to which an IPv6 address may lead.
func carried(ip netip.Addr) []netip.Addr {
	var all []netip.Addr

	for _, carrier := range carriers {
		if !carrier.prefix.Contains(ip) {
			continue
		}

		whole := ip.As16()

		var b [4]byte
		for i, place := range carrier.places {
			b[i] = whole[place]
			if carrier.inverted {
				b[i] = ^b[i]
			}
		}

		all = append(all, netip.AddrFrom4(b))
	}

	return all
}
