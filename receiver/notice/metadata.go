// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"net/netip"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// metadata are the addresses, besides the link-local ones, at which clouds give a node's credentials to any process that
// runs on it.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
}

// refuseMetadata allows private and loopback addresses: the sink is often a Service of the cluster, or runs beside the
// receiver.
func refuseMetadata(ip netip.Addr) *failure.Error {
	if ip.IsValid() && !ip.IsLinkLocalUnicast() && !ip.IsMulticast() && !slices.Contains(metadata, ip) {
		return nil
	}

	return &failure.Error{
		Class: failure.Configuration,
		Op:    op,
		Code:  CodeSinkAddress,
		Text:  "notifications.sinkURL leads to a link-local or metadata address, to which no notice is sent",
	}
}
