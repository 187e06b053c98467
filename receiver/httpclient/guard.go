// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

const dialTimeout = 10 * time.Second

// nat64 holds IPv4 addresses in its last four bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// Guard checks each dialled address, after name resolution, so that DNS rebinding cannot evade the check.
type Guard struct {
	// Refuse returns why a call must not connect to ip, or nil. An IPv4 address within IPv6 arrives as IPv4; an
	// invalid address is the zero Addr.
	Refuse func(ip netip.Addr) *failure.Error
	// Exempt reports whether a host and port, before name resolution, may be at any address. Defaults to none.
	Exempt func(hostPort string) bool
}

func (g *Guard) dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: g.control}
	if g.Exempt != nil && g.Exempt(hostPort) {
		dialer.Control = nil
	}

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
	if dialled, err := netip.ParseAddrPort(address); err == nil {
		ip = embedded(dialled.Addr())
	}

	return g.Refuse(ip)
}

// embedded returns the IPv4 address within an IPv6 address, or else the address itself without its zone.
func embedded(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}

	return ip
}
