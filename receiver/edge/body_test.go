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
		"small, byte by byte":     {5, iotest.OneByteReader(strings.NewReader("12345")), 5, 0},
		"small, chunked":          {-1, strings.NewReader("12345"), 5, 0},
		"largest small":           {smallBody, strings.NewReader(strings.Repeat("x", smallBody)), smallBody, 0},
		"smallest large":          {smallBody + 1, strings.NewReader(strings.Repeat("x", smallBody+1)), smallBody + 1, 0},
		"at the limit":            {limit, strings.NewReader(strings.Repeat("x", limit)), limit, 0},
		"at the limit, chunked":   {-1, iotest.HalfReader(strings.NewReader(strings.Repeat("x", limit))), limit, 0},
		"over the limit":          {limit + 1, strings.NewReader(""), 0, 413},
		"over the limit, chunked": {-1, strings.NewReader(strings.Repeat("x", limit+1)), 0, 413},
		"broken off":              {50, iotest.ErrReader(io.ErrUnexpectedEOF), 0, 400},
		"too slow":                {50, iotest.ErrReader(fmt.Errorf("read: %w", os.ErrDeadlineExceeded)), 0, 408},
		"large, then broken off": {
			announced: limit,
			source:    io.MultiReader(strings.NewReader(strings.Repeat("x", 60<<10)), iotest.ErrReader(io.ErrUnexpectedEOF)),
			status:    400,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(&inbox{}, func(c *config.Config, _ *config.Secrets) {
				c.Webhook.MaxBodyBytes = limit
				c.Webhook.MaxInFlightBytes = limit
			})
			r := httptest.NewRequest(http.MethodPost, "/webhooks/whatsapp", io.NopCloser(tc.source))
			r.ContentLength = tc.announced
			w := httptest.NewRecorder()

			body, release, status := e.readBody(w, r, e.Live.Current())
			if len(body) != tc.size || status != tc.status {
				t.Errorf("read %d bytes, status %d, want %d and %d", len(body), status, tc.size, tc.status)
			}

			if reserved := !e.bodyBytes.TryAcquire(limit); reserved != (tc.size > smallBody) {
				t.Errorf("memory reserved: %t", reserved)
			} else if !reserved {
				e.bodyBytes.Release(limit)
			}

			if status == 0 {
				release()
			}

			if !e.bodyBytes.TryAcquire(limit) {
				t.Error("the memory was not released")
			}
		})
	}
}
