// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

func TestAllowed(t *testing.T) {
	for address, want := range map[string]bool{
		"https://lookaside.fbsbx.com/x":        true,
		"https://LOOKASIDE.FBSBX.COM:443/x":    true,
		"https://a.b.fbcdn.net/x":              true,
		"https://media.example.com/x":          true,
		"https://media.example.com:8443/x":     false,
		"https://odd.example.com:8443/x":       true,
		"https://odd.example.com/x":            false,
		"http://lookaside.fbsbx.com/x":         false,
		"https://lookaside.fbsbx.com:8443/x":   false,
		"https://fbsbx.com/x":                  false,
		"https://.fbsbx.com/x":                 false,
		"https://evilfbsbx.com/x":              false,
		"https://lookaside.fbsbx.com.evil.com": false,
		"https://a@lookaside.fbsbx.com/x":      false,
		"https://sub.media.example.com/x":      false,
		"http://graph.test:9000/x":             true,
		"https://graph.test:9000/x":            false,
		"http://graph.test/x":                  false,
		"http://a@graph.test:9000/x":           false,
		"ftp://lookaside.fbsbx.com/x":          false,
		"/x":                                   false,
		"":                                     false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}

		settings := config.Fixed(config.Config{
			CloudAPI: config.CloudAPI{BaseURL: "http://Graph.test:9000"},
			Media:    config.Media{AllowedHosts: []string{".fbsbx.com", ".fbcdn.net", "Media.example.com", "odd.example.com:8443"}},
		}, config.Secrets{}).Current()
		if got := allowed(settings, u); got != want {
			t.Errorf("allowed(%q) = %t, want %t", address, got, want)
		}
	}
}

func TestPublic(t *testing.T) {
	guard := httpclient.Guard{Refuse: refusePrivate}
	for address, want := range map[string]bool{
		"157.240.1.1":            true,
		"2a03:2880::1":           true,
		"64:ff9b::9df0:101":      true,
		"::ffff:157.240.1.1":     true,
		"127.0.0.1":              false,
		"::1":                    false,
		"0.0.0.0":                false,
		"::":                     false,
		"0.1.2.3":                false,
		"10.1.2.3":               false,
		"172.16.0.1":             false,
		"192.168.1.1":            false,
		"fd00::1":                false,
		"fec0::1":                false,
		"169.254.169.254":        false,
		"fe80::1%eth0":           false,
		"100.100.100.200":        false,
		"168.63.129.16":          false,
		"::ffff:168.63.129.16":   false,
		"64:ff9b::a83f:8110":     false,
		"2002:a83f:8110::1":      false,
		"168.63.129.17":          true,
		"192.0.0.192":            false,
		"192.0.0.8":              false,
		"198.18.0.1":             false,
		"224.0.0.1":              false,
		"ff02::1":                false,
		"255.255.255.255":        false,
		"250.1.1.1":              false,
		"::ffff:127.0.0.1":       false,
		"64:ff9b::7f00:1":        false,
		"64:ff9b::a9fe:a9fe":     false,
		"64:ff9b:1::a9fe:a9fe":   false,
		"::ffff:169.254.169.254": false,
		"::169.254.169.254":      false,
		"::ffff:0:a9fe:a9fe":     false,
		"fd00:ec2::254":          false,
		"2002:a9fe:a9fe::1":      false,
		"2001:0:1::1":            false,
		"2001:db8::1":            false,
		"100::1":                 false,
		"3fff::1":                false,
		"192.0.2.1":              false,
		"198.51.100.1":           false,
		"203.0.113.1":            false,
		"192.88.99.1":            false,
		"172.32.0.1":             true,
		"2606:4700::1":           true,
	} {
		f := guard.Check(netip.AddrPortFrom(netip.MustParseAddr(address), 443).String())
		if got := f == nil; got != want {
			t.Errorf("guard.Check(%s) = %v, want it allowed: %t", address, f, want)
		}
	}

	if guard.Check("no address") == nil {
		t.Error("an invalid address is allowed")
	}
}

func TestHostPort(t *testing.T) {
	for address, want := range map[string]string{
		"http://[::1]":               "[::1]:80",
		"https://[::1]":              "[::1]:443",
		"socks5://[::1]":             "[::1]:1080",
		"http://Proxy.internal:3128": "proxy.internal:3128",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}

		if got := hostPort(u); got != want {
			t.Errorf("hostPort(%s) = %s, want %s", address, got, want)
		}
	}
}

func TestErrorNamesTheForeignHost(t *testing.T) {
	for host, want := range map[string]string{
		"cdn.example.com":        "https://cdn.example.com,",
		"a b\n":                  "another host,",
		strings.Repeat("a", 300): "another host,",
		"":                       "another host,",
	} {
		if err := foreign(&url.URL{
			Scheme: "https",
			Host:   host,
			Path:   "/secret",
		}); !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("foreign(%q) = %v, want it to name %q", host, err, want)
		}
	}
}
