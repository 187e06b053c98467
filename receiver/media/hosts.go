// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

const (
	maxRedirects = 3
	dialTimeout  = 10 * time.Second
)

// newClient downloads from allowed hosts at public addresses. A URL that Meta hands out must not make the receiver call
// what only the cluster can reach: the Graph API's own host and the proxy are exempt, since the configuration names them.
func newClient(live *config.Live) *http.Client {
	plain := &net.Dialer{Timeout: dialTimeout}
	guarded := &net.Dialer{Timeout: dialTimeout, Control: refusePrivate}
	proxies := environmentProxies()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // what is counted and hashed is what was sent
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		address = strings.ToLower(address)
		if address == graphAddress(live.Current()) || slices.Contains(proxies, address) {
			return plain.DialContext(ctx, network, address)
		}

		return guarded.DialContext(ctx, network, address)
	}

	return &http.Client{
		Transport: transport,
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return &failure.Error{
					Class: failure.Permanent,
					Op:    op,
					Code:  CodeHost,
					Text:  "Meta's media host redirects more than 3 times",
				}
			}

			if !allowed(live.Current(), next.URL) {
				return foreign(next.URL)
			}

			next.Header.Del("Referer") // it would tell the signed URL

			if next.URL.Scheme != via[0].URL.Scheme || hostPort(next.URL) != hostPort(via[0].URL) {
				next.Header.Del("Authorization")
			}

			return nil
		},
	}
}

// allowed tells whether u may be downloaded from: over https from the hosts in media.allowedHosts, and from the Graph
// API's own host in the way that cloudAPI.baseURL has it.
func allowed(settings *config.Snapshot, u *url.URL) bool {
	if u.User != nil || u.Hostname() == "" {
		return false
	}

	if graph, err := url.Parse(settings.CloudAPI.BaseURL); err == nil && u.Scheme == graph.Scheme && hostPort(u) == hostPort(graph) {
		return true
	}

	if u.Scheme != "https" {
		return false
	}

	name := strings.TrimSuffix(hostPort(u), ":443")

	return slices.ContainsFunc(settings.Media.AllowedHosts, func(host string) bool {
		host = strings.ToLower(host)
		if strings.HasPrefix(host, ".") {
			return strings.HasSuffix(name, host) && name != host
		}

		return name == host
	})
}

// foreign names the host, since that is what has to be allowed.
func foreign(u *url.URL) error {
	return &failure.Error{
		Class: failure.Permanent,
		Op:    op,
		Code:  CodeHost,
		Text:  "the media is at " + hostName(u) + ", where it may not be fetched: add the host to media.allowedHosts if it is Meta's",
	}
}

// hostName is fit for a log whatever the URL holds.
func hostName(u *url.URL) string {
	name := strings.ToLower(u.Hostname())

	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".-:", r)
	}
	if name == "" || len(name) > 253 || strings.ContainsFunc(name, odd) {
		return "another host"
	}

	return u.Scheme + "://" + name
}

// hostPort is u's host in lower case with its port, the scheme's own where there is none, as it is dialled.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{
			"http":    "80",
			"https":   "443",
			"socks5":  "1080",
			"socks5h": "1080",
		}[u.Scheme]
	}

	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func graphAddress(settings *config.Snapshot) string {
	u, err := url.Parse(settings.CloudAPI.BaseURL)
	if err != nil {
		return ""
	}

	return hostPort(u)
}

// environmentProxies are the addresses of HTTPS_PROXY and HTTP_PROXY, which often are private.
func environmentProxies() []string {
	var addresses []string
	for _, scheme := range []string{"https", "http"} {
		proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: scheme, Host: "lookaside.fbsbx.com"}})
		if err == nil && proxy != nil {
			addresses = append(addresses, hostPort(proxy))
		}
	}

	return addresses
}

// notPublic are the ranges, besides those netip knows, that no public server has.
//
// Source: the IANA special-purpose address registries for IPv4 and IPv6
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT, where some clouds keep their metadata service
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), // protocols, among them Teredo, which holds IPv4 addresses
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4, which holds IPv4 addresses
	netip.MustParsePrefix("3fff::/20"),
}

var (
	// unicast6 is all of IPv6 that was given to public servers so far.
	unicast6 = netip.MustParsePrefix("2000::/3")
	// nat64 holds IPv4 addresses in its last four bytes (RFC 6052).
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

var errPrivate = errors.New("not a public address")

// refusePrivate judges the address that is dialled, after name resolution, so that a name cannot lead elsewhere later.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	dialled, err := netip.ParseAddrPort(address)
	if err != nil || !public(dialled.Addr()) {
		return errPrivate
	}

	return nil
}

func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}

	return ip.IsGlobalUnicast() && !ip.IsPrivate() && (ip.Is4() || unicast6.Contains(ip)) &&
		!slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(ip) })
}
