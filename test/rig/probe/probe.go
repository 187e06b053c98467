// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package probe reads the admin port of a receiver under test: readiness, status and other pages.
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

const (
	requestTimeout = time.Minute
	maxPage        = 4 << 20
	pollInterval   = 5 * time.Millisecond
	// stallTimeout bounds the time in which nothing changes for the better.
	stallTimeout = time.Minute
)

// Client reads the admin port of one receiver. URL returns the port's address without a path; it may change when the
// receiver restarts.
type Client struct {
	URL func() string
}

var client = &http.Client{Timeout: requestTimeout}

// Get returns the status and body of a page.
func (c Client) Get(ctx context.Context, path string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL()+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}

	request.Close = true

	response, err := client.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("get %s: %w", path, err)
	}
	defer response.Body.Close()

	page, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	if err != nil {
		return response.StatusCode, "", fmt.Errorf("get %s: %w", path, err)
	}

	return response.StatusCode, string(page), nil
}

// Status returns the receiver's report about itself.
func (c Client) Status(ctx context.Context) (health.Report, error) {
	var report health.Report

	code, body, err := c.Get(ctx, "/status")
	if err != nil {
		return report, err
	}

	if code != http.StatusOK {
		return report, fmt.Errorf("get /status: answered %d", code)
	}

	if err := json.Unmarshal([]byte(body), &report); err != nil {
		return report, fmt.Errorf("decode /status: %w", err)
	}

	return report, nil
}

// Ready reports whether the receiver accepts deliveries, and the reason if it does not.
func (c Client) Ready(ctx context.Context) (ready bool, reason string, err error) {
	code, body, err := c.Get(ctx, "/readyz")
	return code == http.StatusOK, strings.TrimSpace(body), err
}

// WaitReady returns once the receiver accepts deliveries. It gives up after a minute.
func (c Client) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stallTimeout)
	defer cancel()

	for {
		ready, reason, err := c.Ready(ctx)
		if ready && err == nil {
			return nil
		}

		if !Sleep(ctx, pollInterval) {
			return fmt.Errorf("receiver is not ready: %s: %w", reason, errors.Join(err, ctx.Err()))
		}
	}
}

// WaitProcessed returns once no message is pending. It gives up when the number of pending messages does not fall for a
// minute.
func (c Client) WaitProcessed(ctx context.Context) error {
	lowest := int64(-1)
	changed := time.Now()

	for {
		status, err := c.Status(ctx)
		if err == nil && status.Backlog != nil {
			if status.Pending == 0 {
				return nil
			}

			if lowest < 0 || status.Pending < lowest {
				lowest = status.Pending
				changed = time.Now()
			}
		}

		if time.Since(changed) > stallTimeout {
			return fmt.Errorf("%d messages stay pending: %w", lowest, errors.Join(err, context.DeadlineExceeded))
		}

		if !Sleep(ctx, pollInterval) {
			return ctx.Err()
		}
	}
}

// Sleep waits for d and reports whether ctx lasted that long.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// WaitFor polls a condition until it holds. It gives up after limit.
func WaitFor(ctx context.Context, limit time.Duration, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	for !holds() {
		if !Sleep(ctx, pollInterval) {
			return fmt.Errorf("waited in vain for %s: %w", what, ctx.Err())
		}
	}

	return nil
}
