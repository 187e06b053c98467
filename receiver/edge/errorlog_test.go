// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
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

// TestSenderThatDisconnectsIsNoFailure checks that the log has no failure of the store if its call was canceled.
func TestSenderThatDisconnectsIsNoFailure(t *testing.T) {
	const body = `{"object":"whatsapp_business_account","entry":[]}`

	for err, isFailure := range map[error]bool{
		fmt.Errorf("store events: %w", context.Canceled): false,
		context.DeadlineExceeded:                         true,
	} {
		var journal logBuffer

		e := newEdge(&inbox{err: err}, nil)
		e.Log = slog.New(slog.NewTextHandler(&journal, nil))

		r := httptest.NewRequest(http.MethodPost, "/webhooks/whatsapp", strings.NewReader(body))
		r.Header.Set("X-Hub-Signature-256", sign("old", body))

		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)

		if w.Code != http.StatusServiceUnavailable || (journal.count("level=ERROR") > 0) != isFailure {
			t.Errorf("%v: answered %d, the log has %q, want a failure: %t", err, w.Code, journal.text.String(), isFailure)
		}
	}
}
