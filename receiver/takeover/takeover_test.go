// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package takeover

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// TestApply changes who has the conversation of a person with two names.
func TestApply(t *testing.T) {
	clock := clockwork.NewFakeClockAt(now)

	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	})

	changer := Changer{
		Store: inbox,
		Live:  config.Fixed(config.Config{}, config.Secrets{}),
		Wake:  func(...store.Class) {},
		Clock: clock,
		Log:   slog.New(slog.DiscardHandler),
	}

	const byNumber, byUser = "42:573001234567", "42:CO.1349"

	if _, err := changer.Apply(t.Context(), byUser, Change{By: store.Desk}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a conversation that is not known: error = %v, want ErrNotFound", err)
	}

	ahead := store.Takeover{
		By:    store.Colleague,
		Until: now.Add(time.Hour),
		At:    now.Add(time.Minute),
	}
	message := store.Event{
		ID:         store.NewID(store.KindMessage, "1"),
		Kind:       store.KindMessage,
		State:      store.Pending,
		Lane:       byNumber,
		Aliases:    []string{byUser},
		ReceivedAt: now,
		Takeover:   &ahead, // by Meta's clock, which is ahead
	}

	if _, err := inbox.Ingest(t.Context(), []store.Event{message}); err != nil {
		t.Fatal(err)
	}

	taken, err := changer.Apply(t.Context(), byUser, Change{
		By:     store.Desk,
		Until:  now.Add(2 * time.Hour),
		Reason: "refund",
	})
	if err != nil {
		t.Fatal(err)
	}

	if got := taken.Takeover; got.By != store.Desk || !got.Until.Equal(now.Add(2*time.Hour)) || !got.At.After(ahead.At) {
		t.Errorf("takeover = %+v, want that of the desk, after the colleague's", got)
	}

	for _, name := range []string{byNumber, byUser} {
		if got := changer.Reason(t.Context(), name, taken.Takeover); got != "refund" {
			t.Errorf("the reason by %s is %q, want refund", name, got)
		}
	}

	if got := changer.Reason(t.Context(), byUser, ahead); got != "" {
		t.Errorf("the reason of a colleague is %q, want none", got)
	}
}
