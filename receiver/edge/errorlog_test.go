// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logsample"
)

func TestErrorLogIsSampled(t *testing.T) {
	var journal logBuffer

	e := newEdge(&inbox{}, nil)
	e.Log = slog.New(logsample.New(slog.NewTextHandler(&journal, nil), e.Clock))

	for i := range 100 {
		e.ErrorLog().Printf("http: TLS handshake error from 192.0.2.1:%d: EOF", i)
	}

	if got := journal.count("TLS handshake error"); got != logsample.Burst || strings.Contains(journal.text.String(), `\n`) {
		t.Errorf("%d lines were logged, want %d, each without a line break", got, logsample.Burst)
	}
}
