// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

const maxRedirects = 3

// newClient returns a client that downloads from allowed hosts at public addresses. A URL in Meta's response must not
// make the receiver call a host that only the cluster can reach. The Graph API's own host and the proxy may be private, since
// the configuration names them.
func newClient(live *config.Live, clock clockwork.Clock) *httpclient.Client {
	proxies := environmentProxies()

	return httpclient.New(httpclient.Options{
		Clock:   clock,
		Peer:    "Meta's media host",
		Setting: "Meta's address of the media",
		// A proxy that inspects TLS signs for every host of Meta.
		Authorities: func() string { return live.Current().Secrets.MetaCA },
		Guard: &httpclient.Guard{
			Refuse: refusePrivate,
			Exempt: func(hostPort string) bool {
				hostPort = strings.ToLower(hostPort)
				return hostPort == addressOf(live.Current().CloudAPI.BaseURL) || slices.Contains(proxies, hostPort)
			},
		},
		CheckRedirect: func(next *http.Request, via []*http.Request) error { return checkRedirect(live, next, via) },
		KeepEncoding:  true, // size and hash are those of the file that Meta announced
	})
}

func checkRedirect(live *config.Live, next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return hostFailure("Meta's media host redirects more than 3 times")
	}

	if !allowed(live.Current(), next.URL) {
		return foreign(next.URL)
	}

	next.Header.Del("Referer") // it would reveal the signed URL

	if next.URL.Scheme != via[0].URL.Scheme || hostPort(next.URL) != hostPort(via[0].URL) {
		next.Header.Del("Authorization")
	}

	return nil
}

// allowed reports whether a file may be downloaded from u: over https from the hosts in media.allowedHosts, and from the
// Graph API's own host with the scheme of cloudAPI.baseURL.
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

// foreign names the host, so that it can be allowed.
func foreign(u *url.URL) *failure.Error {
	return hostFailure("the media is at " + hostName(u) + ", which is not allowed: add the host to media.allowedHosts if it is Meta's")
}

// hostName returns u's scheme and host, or a fixed text if they are not fit for a log.
func hostName(u *url.URL) string {
	name := strings.ToLower(u.Hostname())

	invalid := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".-:", r)
	}
	if name == "" || len(name) > 253 || strings.ContainsFunc(name, invalid) {
		return "another host"
	}

	return u.Scheme + "://" + name
}

// hostPort returns the address to dial for u: its host in lower case, and its port or the default of its scheme.
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

// addressOf returns the address to dial for a URL, or "" if it is none.
func addressOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}

	return hostPort(u)
}

// environmentProxies returns the addresses of HTTPS_PROXY and HTTP_PROXY, which often are private.
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

// notPublic contains the ranges without public servers that netip does not know, besides those of httpclient.IsMetadata.
//
// Source: the IANA special-purpose address registries for IPv4 and IPv6
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT, where some clouds have their metadata service
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), // protocols such as Teredo, which contains IPv4 addresses
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4, which contains IPv4 addresses
	netip.MustParsePrefix("3fff::/20"),
}

// unicast6 are the IPv6 addresses that have been assigned to public servers so far.
var unicast6 = netip.MustParsePrefix("2000::/3")

func refusePrivate(ip netip.Addr) *failure.Error {
	if public(ip) {
		return nil
	}

	return hostFailure("the media's host is at an address that is not public")
}

func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !httpclient.IsMetadata(ip) && (ip.Is4() || unicast6.Contains(ip)) &&
		!slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(ip) })
}
