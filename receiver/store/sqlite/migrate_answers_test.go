// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// version7 is the content of a store with version 7 of the schema: answered messages of a person under an older and the
// present name, a message whose payload was purged, and a waiting one.
const version7 = `
INSERT INTO events (seq, id, kind, type, state, lane, class, phone_number_id, received_at, finished_at, emptied) VALUES
	(1, x'01000000000000000000000000000000', 'message', 'text', 'done', 'number', 0, '1065', 1000, 1500, 1),
	(2, x'02000000000000000000000000000000', 'message', 'text', 'done', 'user', 0, '1065', 2000, 2500, 0),
	(3, x'03000000000000000000000000000000', 'message', 'text', 'dead', 'number', 0, '1065', 3000, 3500, 0),
	(4, x'04000000000000000000000000000000', 'message', 'text', 'skipped', 'number', 3, '1065', 4000, 4000, 0),
	(5, x'05000000000000000000000000000000', 'message', 'text', 'pending', 'number', 0, '1065', 5000, NULL, 0);
INSERT INTO conversations (lane, class, ready_at, set_at, last_inbound_at) VALUES ('number', 0, 5000, 5000, 5000);
INSERT INTO names (name, person) VALUES ('user', 'number');
UPDATE counts SET pending = 1, dead = 1;
`

func TestHistoryOfVersion7(t *testing.T) {
	s := openStore(t, oldStore(t, 7, version7))

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

	leases, err := s.Claim(t.Context(), store.Conversations, unix(5000), unix(65_000), 10)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim returned %v, %v, want the lane that waits", leases, err)
	}

	_, err = s.Advance(t.Context(), leases[0].LeaseRef, store.ID{5}, store.Step{
		Now:              unix(6000),
		AIConversationID: new("thread"),
		Transcript:       new("Hello"),
		Outcome:          &store.Outcome{State: store.Done},
	})
	if err != nil {
		t.Fatal(err)
	}

	// Version 7 purges payloads in this way.
	err = s.writer.do(t.Context(), func(t *tx) error {
		for _, sql := range []string{
			"CREATE TEMP TABLE emptied AS SELECT * FROM events WHERE false",
			"INSERT INTO temp.emptied SELECT * FROM events WHERE seq = 5",
			"DELETE FROM events WHERE seq = 5",
			"UPDATE temp.emptied SET payload = NULL, emptied = 1 WHERE seq = 5",
			"INSERT INTO events SELECT * FROM temp.emptied WHERE seq = 5",
		} {
			if _, err := t.exec(sql); err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	record, err := s.Get(t.Context(), store.ID{5})
	if err != nil || record.Transcript != "" {
		t.Errorf("Get returned the transcript %q, %v, want none without a payload", record.Transcript, err)
	}
}
