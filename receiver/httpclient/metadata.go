// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"net/netip"
	"slices"
)

// metadata are the addresses, besides the link-local ones, at which clouds give a node's credentials to any process that
// runs on it.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
}

// IsMetadata reports whether ip may be the address of a cloud's metadata service, or is one of a group of hosts. It is for
// the Refuse of a [Guard].
func IsMetadata(ip netip.Addr) bool {
	return ip.IsLinkLocalUnicast() || ip.IsMulticast() || slices.Contains(metadata, ip)
}
