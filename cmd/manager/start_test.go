// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// caches are the caches of a test, of which some never sync.
type caches struct{ unsynced []string }

func (c caches) Unsynced() []string { return c.unsynced }
func (c caches) Missing() []string  { return nil }
func (c caches) Works() bool        { return true }

func TestStart(t *testing.T) {
	t.Parallel()

	// never runs until the test ends, whatever its context says.
	never := func(t *testing.T) func(context.Context) error {
		t.Helper()

		end := make(chan struct{})
		t.Cleanup(func() { close(end) })

		return func(context.Context) error {
			<-end

			return nil
		}
	}

	for name, test := range map[string]struct {
		caches  caches
		run     func(context.Context) error // does not end by default
		signal  time.Duration
		wantErr string
		within  time.Duration
	}{
		"caches do not sync": {
			caches:  caches{unsynced: []string{"Deployment"}},
			signal:  time.Hour,
			wantErr: "caches did not sync within 2m0s: Deployment",
			within:  startTimeout,
		},
		"signal before the caches have synced": {
			caches: caches{unsynced: []string{"Deployment"}},
			signal: time.Minute,
			within: time.Minute,
		},
		"signal, and the manager does not end": {
			signal:  time.Hour,
			wantErr: "did not end in time",
			within:  time.Hour + stopTimeout,
		},
		"signal, and the manager ends": {
			run: func(ctx context.Context) error {
				<-ctx.Done()
				<-time.After(time.Second)

				return nil
			},
			signal: time.Hour,
			within: time.Hour + time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.signal)
				defer cancel()

				run := test.run
				if run == nil {
					run = never(t)
				}

				begin := time.Now()
				err := start(ctx, run, test.caches)

				if took := time.Since(begin); took != test.within {
					t.Errorf("it took %s; want %s", took, test.within)
				}

				if test.wantErr == "" && err != nil || test.wantErr != "" && (err == nil || !strings.Contains(err.Error(), test.wantErr)) {
					t.Errorf("error %v; want %q", err, test.wantErr)
				}
			})
		})
	}
}
