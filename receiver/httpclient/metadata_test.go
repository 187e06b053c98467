// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestRefuseMetadata(t *testing.T) {
	guard := Guard{setting: "bird.baseURL"}
	for address, refused := range map[string]bool{
		"10.96.0.17:80":               false,
		"192.168.1.1:80":              false,
		"127.0.0.1:8080":              false,
		"[::1]:8080":                  false,
		"[fd00::17]:80":               false,
		"93.184.216.34:443":           false,
		"169.254.169.254:80":          true,
		"169.254.170.2:80":            true,
		"[::ffff:169.254.169.254]:80": true,
		"168.63.129.16:80":            true,
		"168.63.129.16:32526":         true,
		"[::ffff:168.63.129.16]:80":   true,
		"[64:ff9b::a83f:8110]:80":     true,
		"168.63.129.17:80":            false,
		"192.0.0.192:80":              true,
		"[64:ff9b::a9fe:a9fe]:80":     true,
		"[fe80::1%eth0]:80":           true,
		"[fd00:ec2::254]:80":          true,
		"[fd00:ec2::23]:80":           true,
		"[fd20:ce::254]:80":           true,
		"[fd00:c1::a9fe:a9fe]:80":     true,
		"[fd00:100::100:200]:80":      true,
		"[fd00:42::42]:80":            true,
		"[fd00:a9fe:a9fe::1]:80":      true,
		"100.100.100.200:80":          true,
		"224.0.0.1:80":                true,
		"[ff02::1]:80":                true,

		// An IPv4 address that a translator or a tunnel may reach.
		"[::a9fe:a9fe]:80":                          true,
		"[::ffff:0:a9fe:a9fe]:80":                   true,
		"[64:ff9b:1::a9fe:a9fe]:80":                 true,
		"[64:ff9b:1:ab:cd:ef:a9fe:a9fe]:80":         true,
		"[64:ff9b:1:0:a9:fea9:fe00:0]:80":           true,
		"[64:ff9b:1:a9:fe:a9fe::]:80":               true,
		"[64:ff9b:1:a9fe:a9:fe00::]:80":             true,
		"[64:ff9b:1::a83f:8110]:80":                 true,
		"[64:ff9b:1::5db8:d822]:80":                 false,
		"[64:ff9b:1:e000::5db8:d822]:80":            false,
		"[64:ff9b::5db8:d822]:80":                   false,
		"[2002:a83f:8110::1]:80":                    true,
		"[2002:5db8:d822::1]:80":                    false,
		"[2001:0:a9fe:a9fe::1]:80":                  true,
		"[2001:0:4136:e378:8000:63bf:5601:5601]:80": true,
		"[2001:0:4136:e378:8000:63bf:3fff:fdd2]:80": false,
		"[2001:db8::a9fe:a9fe]:80":                  false,
		"no address":                                true,
	} {
		if f := guard.Check(address); (f != nil) != refused {
			t.Errorf("guard.Check(%s) = %v, want it refused: %t", address, f, refused)
		}

		if err := ControlMetadata("tcp", address, nil); (err != nil) != refused {
			t.Errorf("ControlMetadata(%s) = %v, want it refused: %t", address, err, refused)
		}
	}
}

// TestExemptHostsAreNoMetadataService shows that a host may be exempt from what a guard refuses, and not from what each client
// refuses.
func TestExemptHostsAreNoMetadataService(t *testing.T) {
	private := serve(t, func(http.ResponseWriter, *http.Request) {})
	guard := &Guard{
		Refuse: func(netip.Addr) *failure.Error { return &failure.Error{Class: failure.Permanent, Code: "refused"} },
		Exempt: func(hostPort string) bool { return hostPort != "192.0.2.1:80" },
	}
	client := newTestClient(t, Options{Guard: guard})

	for address, want := range map[string]string{
		private:                "",
		"http://192.0.2.1":     "refused",
		"http://168.63.129.16": CodeMetadata,
	} {
		_, fault := client.Do(t.Context(), Call{Method: http.MethodGet, BaseURL: address, Timeout: time.Minute})

		code := ""
		if fault != nil {
			code = fault.Code
		}

		if code != want {
			t.Errorf("%s: %v, want the code %q", address, fault, want)
		}
	}
}

// TestClientsRefuseMetadata shows that a client without its own guard does not connect to such an address.
func TestClientsRefuseMetadata(t *testing.T) {
	client := New(Options{
		Clock:   clockwork.NewRealClock(),
		Peer:    "Bird",
		Setting: "bird.baseURL",
	})
	defer client.Close()

	for _, address := range []string{"http://169.254.169.254", "http://[fd00:ec2::254]", "http://168.63.129.16"} {
		_, fault := client.Do(t.Context(), Call{
			Op:      "ask Bird",
			Method:  http.MethodGet,
			BaseURL: address,
			Timeout: time.Minute,
		})
		if fault == nil || fault.Class != failure.Configuration || fault.Code != CodeMetadata || fault.Op != "ask Bird" {
			t.Errorf("%s: failure = %+v, want one of the configuration", address, fault)
		}

		fixed, err := TransportFor("the URL", "")
		if err != nil {
			t.Fatal(err)
		}

		for name, transport := range map[string]http.RoundTripper{
			"TransportFor":  fixed,
			"TransportWith": TransportWith("the URL", func() string { return "" }, nil),
		} {
			if _, err := (&http.Client{Transport: transport}).Get(address); err == nil {
				t.Errorf("%s was reached by %s", address, name)
			}
		}
	}
}
