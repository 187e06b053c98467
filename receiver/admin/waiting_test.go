// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// takenOver is a store with conversations that people have, by name.
type takenOver struct {
	store.Store
	conversations []store.NamedConversation
	err           error
}

func (t takenOver) TakenOver(_ context.Context, _ time.Time, after string, limit int) ([]store.NamedConversation, error) {
	start := 0
	for start < len(t.conversations) && t.conversations[start].Name <= after {
		start++
	}

	return t.conversations[start:min(start+limit, len(t.conversations))], t.err
}

// TestWaitingForPeople counts a person who waits behind many conversations in which no one does, and has no count rather than
// 0 if the store does not say.
func TestWaitingForPeople(t *testing.T) {
	deps := newDependencies(t, allSecrets)
	inbox := takenOver{Store: deps.Store}

	for i := range 2500 {
		inbox.conversations = append(inbox.conversations, store.NamedConversation{
			Name:         fmt.Sprintf("42:%06d", i),
			Conversation: store.Conversation{Takeover: store.Takeover{By: store.Desk, At: now}},
		})
	}

	inbox.conversations = append(inbox.conversations, store.NamedConversation{
		Name:         "42:9",
		Conversation: store.Conversation{Takeover: store.Takeover{By: store.HandedOff, At: now.Add(-time.Minute)}},
	})

	deps.Store = inbox

	var got health.Report

	_, body := get(t, deps, "/status")
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(&health.WaitingForPeople{Conversations: 1, OldestSecs: 60}, got.WaitingForPeople); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	inbox.err = errors.New("disk full")
	deps.Store = inbox

	if _, body := get(t, deps, "/status"); strings.Contains(body, "waiting_for_people") || !strings.Contains(body, `"pending"`) {
		t.Errorf("GET /status = %s, want no count of those who wait, and the others", body)
	}
}
