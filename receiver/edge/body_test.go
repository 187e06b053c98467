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
		announced int64 // -1: by chunks
		source    io.Reader
		size      int // of what is read
		status    int
	}{
		"empty":                    {0, strings.NewReader(""), 0, 0},
		"small":                    {5, strings.NewReader("12345"), 5, 0},
		"small, byte by byte":      {5, iotest.OneByteReader(strings.NewReader("12345")), 5, 0},
		"small, in chunks":         {-1, strings.NewReader("12345"), 5, 0},
		"just small":               {smallBody, strings.NewReader(strings.Repeat("x", smallBody)), smallBody, 0},
		"just large":               {smallBody + 1, strings.NewReader(strings.Repeat("x", smallBody+1)), smallBody + 1, 0},
		"as large as may be":       {limit, strings.NewReader(strings.Repeat("x", limit)), limit, 0},
		"the same in chunks":       {-1, iotest.HalfReader(strings.NewReader(strings.Repeat("x", limit))), limit, 0},
		"a byte too much":          {limit + 1, strings.NewReader(""), 0, 413},
		"a byte too much, chunked": {-1, strings.NewReader(strings.Repeat("x", limit+1)), 0, 413},
		"broken off":               {50, iotest.ErrReader(io.ErrUnexpectedEOF), 0, 400},
		"too slow":                 {50, iotest.ErrReader(fmt.Errorf("read: %w", os.ErrDeadlineExceeded)), 0, 408},
		"large, then broken off":   {limit, io.MultiReader(strings.NewReader(strings.Repeat("x", 60<<10)), iotest.ErrReader(io.ErrUnexpectedEOF)), 0, 400},
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

			if took := !e.bodies.TryAcquire(limit); took != (tc.size > smallBody) {
				t.Errorf("room taken: %t", took)
			} else if !took {
				e.bodies.Release(limit)
			}

			if status == 0 {
				release()
			}

			if !e.bodies.TryAcquire(limit) {
				t.Error("room was not given back")
			}
		})
	}
}
