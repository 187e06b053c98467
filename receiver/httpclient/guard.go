// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

const dialTimeout = 10 * time.Second

// Guard checks each dialed address, after name resolution, so that DNS rebinding cannot evade the check. It always refuses the
// addresses for which [IsMetadata] is true, with CodeMetadata.
type Guard struct {
	// Refuse returns why a call must not connect to another address, or nil. An IPv4 address within IPv6 arrives as IPv4; an
	// invalid address is the zero Addr. Defaults to a guard that refuses no others.
	Refuse func(ip netip.Addr) *failure.Error
	// Exempt reports whether a host and port, before name resolution, may be at an address that Refuse refuses. Defaults to
	// none.
	Exempt func(hostPort string) bool

	setting string // names in a failure what leads to the address
}

func (g *Guard) dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	allow := *g
	if g.Exempt != nil && g.Exempt(hostPort) {
		allow.Refuse = nil
	}

	dialer := &net.Dialer{Timeout: dialTimeout, Control: allow.control}

	return dialer.DialContext(ctx, network, hostPort)
}

func (g *Guard) control(_, address string, _ syscall.RawConn) error {
	if f := g.Check(address); f != nil {
		return f
	}

	return nil
}

// Check returns why a call must not connect to address, an IP address with a port, or nil.
func (g *Guard) Check(address string) *failure.Error {
	var ip netip.Addr
	if dialed, err := netip.ParseAddrPort(address); err == nil {
		ip = embedded(dialed.Addr())
	}

	if g.Refuse != nil {
		if f := g.Refuse(ip); f != nil {
			return f
		}
	}

	if ip.IsValid() && !IsMetadata(ip) {
		return nil
	}

	return &failure.Error{
		Class: failure.Configuration,
		Code:  CodeMetadata,
		Text:  cmp.Or(g.setting, "the URL") + " leads to a link-local or metadata address, to which nothing is sent",
	}
}
