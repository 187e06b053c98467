// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"net/http"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestRefuseMetadata(t *testing.T) {
	guard := metadataGuard("bird.baseURL")
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
		"[64:ff9b::a9fe:a9fe]:80":     true,
		"[fe80::1%eth0]:80":           true,
		"[fd00:ec2::254]:80":          true,
		"[fd20:ce::254]:80":           true,
		"100.100.100.200:80":          true,
		"224.0.0.1:80":                true,
		"no address":                  true,
	} {
		if f := guard.Check(address); (f != nil) != refused {
			t.Errorf("guard.Check(%s) = %v, want it refused: %t", address, f, refused)
		}

		if err := ControlMetadata("tcp", address, nil); (err != nil) != refused {
			t.Errorf("ControlMetadata(%s) = %v, want it refused: %t", address, err, refused)
		}
	}
}

// TestClientsRefuseMetadata shows that a client without a guard of its own does not connect to such an address.
func TestClientsRefuseMetadata(t *testing.T) {
	client := New(Options{
		Clock:   clockwork.NewRealClock(),
		Peer:    "Bird",
		Setting: "bird.baseURL",
	})
	defer client.Close()

	for _, address := range []string{"http://169.254.169.254", "http://[fd00:ec2::254]", "http://100.100.100.200"} {
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
