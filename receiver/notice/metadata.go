// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"net/netip"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// refuseMetadata allows private and loopback addresses: the sink is often a Service of the cluster, or runs beside the
// receiver.
func refuseMetadata(ip netip.Addr) *failure.Error {
	if ip.IsValid() && !httpclient.IsMetadata(ip) {
		return nil
	}

	return &failure.Error{
		Class: failure.Configuration,
		Op:    op,
		Code:  CodeSinkAddress,
		Text:  "notifications.sinkURL leads to a link-local or metadata address, to which no notice is sent",
	}
}
