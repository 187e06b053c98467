// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// fullStore is a store on a disk that is nearly full.
type fullStore struct{ store.Store }

func (fullStore) Ping(context.Context) error {
	return fmt.Errorf("store events: %w", store.ErrDiskFull)
}

func (fullStore) Space() store.Space {
	return store.Space{Total: 1 << 30, Free: 1 << 20, Reserved: 32 << 20}
}

func TestFullDiskIsReported(t *testing.T) {
	deps := newDependencies(t, allSecrets)
	deps.Store = deps.Metrics.CountStore(fullStore{deps.Store})

	if code, body := get(t, deps, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, store.ErrDiskFull.Error()) {
		t.Errorf("GET /readyz = %d %q, want 503 that says that the disk is full", code, body)
	}

	if _, body := get(t, deps, "/status"); !strings.Contains(body, `"store": "the disk is nearly full`) || !strings.Contains(body, "warning") {
		t.Errorf("GET /status = %s, want a warning about the disk", body)
	}
}

// storeWithStats is a store with given figures.
type storeWithStats struct {
	store.Store

	stats store.Stats
}

func (s storeWithStats) Stats(context.Context, time.Time) (store.Stats, error) { return s.stats, nil }

func TestDamageIsReported(t *testing.T) {
	for want, stats := range map[string]store.Stats{
		"3 lanes are blocked":                {Damaged: 3, DamagedEvents: 4},
		"4 finished events cannot be purged": {DamagedEvents: 4},
		"lists what is to be processed":      {Damaged: 3, Unclaimable: true},
	} {
		deps := newDependencies(t, allSecrets)
		deps.Store = deps.Metrics.CountStore(storeWithStats{deps.Store, stats})

		_, body := get(t, deps, "/status")
		for _, text := range []string{want, "POST /store/check", "warning"} {
			if !strings.Contains(body, text) {
				t.Errorf("GET /status = %s, want %q", body, text)
			}
		}
	}
}

// canceledStore is a store whose caller has disconnected.
type canceledStore struct{ store.Store }

func (canceledStore) Stats(context.Context, time.Time) (store.Stats, error) {
	return store.Stats{}, fmt.Errorf("count events: %w", context.Canceled)
}

func TestCallerThatDisconnectsIsNoFailure(t *testing.T) {
	var log strings.Builder

	deps := newDependencies(t, allSecrets)
	deps.Log = slog.New(slog.NewTextHandler(&log, nil))
	deps.Store = deps.Metrics.CountStore(canceledStore{deps.Store})

	get(t, deps, "/status")

	if log.String() != "" {
		t.Errorf("the log has %q", log.String())
	}
}

func TestSpaceOfTheDiskIsMeasured(t *testing.T) {
	deps := newDependencies(t, allSecrets)

	_, body := get(t, deps, "/metrics")
	for _, name := range []string{"whatsapp_store_disk_free_bytes ", "whatsapp_store_disk_reserved_bytes "} {
		if !strings.Contains(body, "\n"+name) {
			t.Errorf("GET /metrics has no %s", name)
		}
	}
}
