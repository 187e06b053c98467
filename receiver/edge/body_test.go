// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

func TestReadBody(t *testing.T) {
	const limit = 100 << 10
	for name, tc := range map[string]struct {
		announced int64 // -1: chunked
		source    io.Reader
		size      int // bytes read
		status    int
	}{
		"empty":                   {0, strings.NewReader(""), 0, 0},
		"small":                   {5, strings.NewReader("12345"), 5, 0},
		"at the limit, chunked":   {-1, strings.NewReader(strings.Repeat("x", limit)), limit, 0},
		"over the limit":          {limit + 1, strings.NewReader(""), 0, 413},
		"over the limit, chunked": {-1, strings.NewReader(strings.Repeat("x", limit+1)), 0, 413},
		"broken off":              {50, iotest.ErrReader(io.ErrUnexpectedEOF), 0, 400},
		"too slow":                {50, iotest.ErrReader(fmt.Errorf("read: %w", os.ErrDeadlineExceeded)), 0, 408},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(&inbox{}, func(c *config.Config, _ *config.Secrets) {
				c.Webhook.MaxBodyBytes = limit
				c.Webhook.MaxInFlightBytes = limit
			})
			r := httptest.NewRequest(http.MethodPost, "/webhooks/whatsapp", io.NopCloser(tc.source))
			r.ContentLength = tc.announced

			body, release, status := e.readBody(httptest.NewRecorder(), r, e.Live.Current())
			if len(body) != tc.size || status != tc.status {
				t.Errorf("read %d bytes, status %d, want %d and %d", len(body), status, tc.size, tc.status)
			}

			if status == 0 {
				release()
			}
		})
	}
}
