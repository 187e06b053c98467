// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
)

// metadata are the addresses, besides the link-local ones, at which clouds give a node's credentials or settings to any process
// that runs on it. Azure's is a public one.
var metadata = []netip.Addr{
	netip.MustParseAddr("168.63.129.16"),      // Azure: WireServer and the host's agent
	netip.MustParseAddr("fd00:ec2::254"),      // AWS: instance metadata
	netip.MustParseAddr("fd00:ec2::23"),       // AWS: credentials of pods in EKS
	netip.MustParseAddr("fd20:ce::254"),       // Google Cloud
	netip.MustParseAddr("192.0.0.192"),        // Oracle Cloud Classic
	netip.MustParseAddr("fd00:c1::a9fe:a9fe"), // Oracle Cloud
	netip.MustParseAddr("100.100.100.200"),    // Alibaba Cloud
	netip.MustParseAddr("fd00:100::100:200"),  // Alibaba Cloud
	netip.MustParseAddr("fd00:42::42"),        // Scaleway
	netip.MustParseAddr("fd00:a9fe:a9fe::1"),  // Akamai
}

// IsMetadata reports whether an address may belong to a cloud's metadata service, or to a multicast group. No client connects
// to such an address. Private and loopback addresses are allowed: a server is often a Service of the cluster, or a sidecar.
func IsMetadata(ip netip.Addr) bool {
	ip = embedded(ip)

	return ip.IsMulticast() || slices.ContainsFunc(append(carried(ip), ip), func(ip netip.Addr) bool {
		return ip.IsLinkLocalUnicast() || slices.Contains(metadata, ip)
	})
}

// ControlMetadata is the Control of a dialer that refuses the addresses which each [Client] refuses.
func ControlMetadata(network, address string, conn syscall.RawConn) error {
	return new(Guard).control(network, address, conn)
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

// TransportWith is TransportFor with authorities that may change between two requests, and with a client certificate for
// servers that ask for one. certificate may be nil.
func TransportWith(setting string, authorities func() string,
	certificate func(*tls.CertificateRequestInfo) (*tls.Certificate, error),
) http.RoundTripper {
	return &trust{
		template:    guarded(setting),
		authorities: authorities,
		certificate: certificate,
	}
}

func guarded(setting string) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&Guard{setting: setting}).dial

	return transport
}
