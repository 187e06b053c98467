// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// The migration to version 8 was interrupted while it built the index of histories.
func TestHistoryOfVersion6(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := Access{URL: user.URL}
	migrateTo(t, access, 6)

	server.Exec(t, "SET search_path = "+user.Name+`;
		INSERT INTO events (seq, id, kind, type, state, class, lane, phone_number_id, received_at, finished_at, emptied) VALUES
			(1, '01000000-0000-0000-0000-000000000000', 'message', 'text', 'done', 0, 'number', '', 1, 1, true),
			(2, '02000000-0000-0000-0000-000000000000', 'message', 'text', 'done', 0, 'user', '', 1, 1, false),
			(3, '03000000-0000-0000-0000-000000000000', 'message', 'text', 'dead', 0, 'number', '', 1, 1, false),
			(4, '04000000-0000-0000-0000-000000000000', 'message', 'text', 'skipped', 3, 'number', '', 1, 1, false),
			(5, '05000000-0000-0000-0000-000000000000', 'message', 'text', 'pending', 0, 'number', '', 1, NULL, false);
		INSERT INTO conversations (lane, class, ready_at, last_inbound_at) VALUES ('number', 0, 1, 1);
		INSERT INTO names (name, person) VALUES ('user', 'number');
		CREATE INDEX events_history ON events (lane);
		UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'events_history'::regclass`)

	s := openStore(t, access)

	found, err := s.History(t.Context(), "user", 0, time.Time{}, 10)
	if err != nil {
		t.Fatal(err)
	}

	var order []int64
	for _, record := range found {
		order = append(order, record.Seq)
	}

	if diff := cmp.Diff([]int64{5, 3, 2}, order); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}

	leases, err := s.Claim(t.Context(), store.Conversations, time.UnixMilli(1), time.UnixMilli(60_000), 10)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim returned %v, %v, want the lane that waits", leases, err)
	}

	_, err = s.Advance(t.Context(), leases[0].LeaseRef, store.ID{5}, store.Step{
		Now:              time.UnixMilli(2),
		AIConversationID: new("thread"),
		Transcript:       new("Hello"),
		Outcome:          &store.Outcome{State: store.Done},
	})
	if err != nil {
		t.Fatal(err)
	}

	// Version 6 purges payloads in this way.
	server.Exec(t, "UPDATE "+user.Name+".events SET payload = NULL, emptied = true WHERE seq = 5")

	record, err := s.Get(t.Context(), store.ID{5})
	if err != nil || record.Transcript != "" {
		t.Errorf("Get returned the transcript %q, %v, want none without a payload", record.Transcript, err)
	}

	server.Exec(t, "SET search_path = "+user.Name+`;
		DO $$ BEGIN
			ASSERT (SELECT indisvalid AND indnatts = 2 FROM pg_index WHERE indexrelid = 'events_history'::regclass), 'the index was not built anew';
		END $$`)
}
