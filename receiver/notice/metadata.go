// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
)

// metadata are the addresses, besides the link-local ones, at which clouds give the credentials of a node to whoever asks
// from it.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
}

// nat64 holds IPv4 addresses in its last four bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

var errMetadata = errors.New("a link-local or metadata address")

// refuseMetadata judges the address that is dialled, after name resolution. A private or loopback address is fine: the
// sink is often a Service of the cluster, or runs beside the receiver.
func refuseMetadata(_, address string, _ syscall.RawConn) error {
	dialled, err := netip.ParseAddrPort(address)
	if err != nil {
		return errMetadata
	}

	ip := dialled.Addr().Unmap().WithZone("")
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}

	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || slices.Contains(metadata, ip) {
		return errMetadata
	}

	return nil
}
