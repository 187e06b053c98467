// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

func TestRefuseMetadata(t *testing.T) {
	guard := httpclient.Guard{Refuse: refuseMetadata}
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
	}
}

// TestSendToTheMetadataService shows that the dialler refuses the address without connecting to it.
func TestSendToTheMetadataService(t *testing.T) {
	sender := NewSender(config.Fixed(config.Config{
		Notifications: config.Notifications{SinkURL: "http://169.254.169.254/latest/api/token", Timeout: time.Minute},
	}, config.Secrets{}), 1, clockwork.NewFakeClock())
	defer sender.Close()

	err := sender.Send(t.Context(), "id", stored)
	if f := failure.Of(err); err == nil || f.Class != failure.Configuration || f.Code != "sink_address" {
		t.Errorf("Send() = %+v, want a configuration failure about the address", err)
	}
}
