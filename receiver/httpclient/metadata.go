// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"
	"syscall"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// metadata are the addresses, besides the link-local ones, at which clouds give a node's credentials to any process that
// runs on it.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
}

// metadataGuard refuses the addresses that may be of a cloud's metadata service, or of a group of hosts. It allows private and
// loopback addresses: a server is often a Service of the cluster, or runs beside the receiver. setting names in its failures
// what leads to the address.
func metadataGuard(setting string) *Guard {
	return &Guard{Refuse: func(ip netip.Addr) *failure.Error {
		if ip.IsValid() && !isMetadata(ip) {
			return nil
		}

		return &failure.Error{
			Class: failure.Configuration,
			Code:  CodeMetadata,
			Text:  setting + " leads to a link-local or metadata address, to which nothing is sent",
		}
	}}
}

func isMetadata(ip netip.Addr) bool {
	return ip.IsLinkLocalUnicast() || ip.IsMulticast() || slices.Contains(metadata, ip)
}

// ControlMetadata is the Control of a dialer that refuses the addresses which each [Client] refuses by default.
func ControlMetadata(network, address string, conn syscall.RawConn) error {
	return metadataGuard("the URL").control(network, address, conn)
}

// TransportFor returns a transport with the defaults of the standard library that refuses such addresses, for libraries that
// make their calls themselves. It trusts certificate authorities, as PEM, besides those of the system. setting names in its
// failures what leads to the address.
func TransportFor(setting, authorities string) (*http.Transport, error) {
	roots, err := rootsWith(authorities)
	if err != nil {
		return nil, err
	}

	transport := guarded(setting)
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}

	return transport, nil
}

// TransportWith returns such a transport whose authorities may change between two requests, and that identifies itself by a
// certificate, which may be nil, to servers that ask for one.
func TransportWith(setting string, authorities func() string,
	certificate func(*tls.CertificateRequestInfo) (*tls.Certificate, error),
) http.RoundTripper {
	return &trust{template: guarded(setting), authorities: authorities, certificate: certificate}
}

func guarded(setting string) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = metadataGuard(setting).dial

	return transport
}
