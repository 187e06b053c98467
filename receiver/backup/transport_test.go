// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// paused is a transport whose bodies have a byte after each pause.
type paused []time.Duration

func (p paused) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: &pausedBody{request.Context(), p}}, nil
}

type pausedBody struct {
	ctx  context.Context
	left []time.Duration
}

func (b *pausedBody) Read(p []byte) (int, error) {
	if len(b.left) == 0 {
		return 0, io.EOF
	}

	select {
	case <-time.After(b.left[0]):
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}

	b.left = b.left[1:]

	return copy(p, "x"), nil
}

func (*pausedBody) Close() error { return nil }

// TestStall checks that a slow download goes on for as long as it makes progress, and is ended when it makes none.
func TestStall(t *testing.T) {
	for name, c := range map[string]struct {
		pauses []time.Duration
		bytes  int
		want   error
	}{
		"slow":    {[]time.Duration{stallTimeout / 2, stallTimeout / 2, stallTimeout / 2, stallTimeout / 2}, 4, nil},
		"stalled": {[]time.Duration{stallTimeout / 2, 2 * stallTimeout, stallTimeout / 2}, 1, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://s3.example.test", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}

				response, err := (&watched{paused(c.pauses)}).RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()

				got, err := io.ReadAll(response.Body)
				if len(got) != c.bytes || !errors.Is(err, c.want) {
					t.Errorf("read %d bytes with %v, want %d with %v", len(got), err, c.bytes, c.want)
				}
			})
		})
	}
}
