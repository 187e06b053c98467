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

// TestSendToTheMetadataService shows that the dialler refuses the address without connecting to it.
func TestSendToTheMetadataService(t *testing.T) {
	sender := NewSender(config.Fixed(config.Config{
		Notifications: config.Notifications{SinkURL: "http://169.254.169.254/latest/api/token", Timeout: time.Minute},
	}, config.Secrets{}), 1, clockwork.NewFakeClock())
	defer sender.Close()

	err := sender.Send(t.Context(), "id", stored)
	if f := failure.Of(err); err == nil || f.Class != failure.Configuration || f.Code != httpclient.CodeMetadata {
		t.Errorf("Send() = %+v, want a configuration failure about the address", err)
	}
}
