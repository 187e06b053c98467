// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pressly/goose/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// version1 is the content of a store with version 1 of the schema: a leased message with another behind it, a lane that
// waits for a retry, a dead letter, an answered message, events that were never pending, and a status.
const version1 = `
INSERT INTO events (seq, id, kind, type, state, lane, phone_number_id, received_at, finished_at, attempts, emptied, payload) VALUES
	(1, x'01000000000000000000000000000000', 'message', 'text', 'done', 'one', '1065', 1000, 1500, 0, 0, '{"n":1}'),
	(2, x'02000000000000000000000000000000', 'message', 'text', 'dead', 'one', '1065', 2000, 2500, 4, 0, '{"n":2}'),
	(3, x'03000000000000000000000000000000', 'message', 'text', 'pending', 'one', '1065', 3000, NULL, 1, 0, '{"n":3}'),
	(4, x'04000000000000000000000000000000', 'message', 'text', 'pending', 'one', '1065', 4000, NULL, 0, 0, '{"n":4}'),
	(5, x'05000000000000000000000000000000', 'message', 'text', 'pending', 'two', '1065', 5000, NULL, 2, 0, '{"n":5}'),
	(6, x'06000000000000000000000000000000', 'error', 'messages', 'kept', '', '1065', 6000, 6000, 0, 0, '{"n":6}'),
	(7, x'07000000000000000000000000000000', 'message', 'text', 'quarantined', '', '1066', 7000, 7000, 0, 0, '{"n":7}'),
	(8, x'08000000000000000000000000000000', 'status', 'read', 'done', '', '1065', 8000, 8000, 0, 0, '{"n":8}');
INSERT INTO conversations (lane, ready_at, token, head, starts, last_inbound_at) VALUES
	('one', 90000, 77, 3, 1, 4000), ('two', 60000, NULL, 5, 0, 5000), ('three', NULL, NULL, NULL, 0, 100);
INSERT INTO replies (event, part, type, body, state, started_at, message_id) VALUES
	(1, 0, 'text', '{"answer":1}', 'sent', 1200, 'wamid.1');
INSERT INTO failures (event, n, at, class, code, text, spent) VALUES (2, 1, 2500, 'transient', 'http_503', 'no answer', 1);
INSERT INTO statuses (event, phone_number_id, message_id, participant, type, status, rank, at, error_code) VALUES
	(8, '1065', 'wamid.1', '', '', 'read', 3, 8000, 0);
UPDATE events SET payload = CAST(payload AS BLOB);
UPDATE replies SET body = CAST(body AS BLOB);
UPDATE counts SET pending = 3, dead = 1, quarantined = 1;
`

func unix(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }

// oldStore returns the path of a store with a version of the schema and a content.
func oldStore(t *testing.T, version int64, content string) string {
	t.Helper()

	path := filepath.Join(t.TempDir(), "inbox.db")

	err := withMigrations(dsn(path, writing), func(_ *sql.DB, provider *goose.Provider) error {
		_, err := provider.UpTo(t.Context(), version)

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	old, err := connect(t.Context(), dsn(path, writing))
	if err != nil {
		t.Fatal(err)
	}

	if _, err := old.exec(t.Context(), content); err != nil {
		t.Fatal(err)
	}

	if err := old.close(); err != nil {
		t.Fatal(err)
	}

	return path
}

func TestStoreOfVersion1(t *testing.T) {
	s := openStore(t, oldStore(t, 1, version1))
	ctx := t.Context()
	same := func(what string, got, want any) {
		t.Helper()

		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	message := func(n int64, state store.State) store.Event {
		return store.Event{
			ID:            store.ID{byte(n)},
			Kind:          store.KindMessage,
			Type:          "text",
			State:         state,
			Class:         store.Conversations,
			Lane:          "one",
			PhoneNumberID: "1065",
			ReceivedAt:    unix(n * 1000),
			Payload:       []byte{'{', '"', 'n', '"', ':', byte('0' + n), '}'},
		}
	}

	stats, err := s.Stats(ctx, unix(10_000))
	if err != nil {
		t.Fatal(err)
	}

	same("stats", stats, store.Stats{
		Pending:             3,
		OldestPending:       unix(3000),
		DeadLetters:         1,
		Quarantined:         1,
		OldestDeadLetter:    unix(2500),
		ActiveConversations: 3,
		LastMessageAt:       unix(5000),
	})

	dead, err := s.DeadLetters(ctx, store.Selection{States: []store.State{store.Dead}}, 0, 10)
	if err != nil {
		t.Fatal(err)
	}

	same("dead letters", dead, []store.Record{{
		Work: store.Work{
			Event:    message(2, store.Dead),
			Seq:      2,
			Attempts: 4,
		},
		FinishedAt: unix(2500),
		Failures: []store.Failure{{
			At:    unix(2500),
			Class: "transient",
			Code:  "http_503",
			Text:  "no answer",
			Spent: true,
		}},
	}})

	causes, err := s.Causes(ctx, store.Selection{States: []store.State{store.Dead}, Code: "http_503"})
	if err != nil {
		t.Fatal(err)
	}

	same("causes", causes, []store.Cause{{
		State:         store.Dead,
		PhoneNumberID: "1065",
		Code:          "http_503",
		Count:         1,
		First:         unix(2000),
		Last:          unix(2000),
		Sample:        store.ID{2},
	}})

	if err := s.Replay(ctx, store.ID{7}, unix(10_000)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Replay of an event that was quarantined without a lane returned %v, want ErrNotFound", err)
	}

	errs, err := s.List(ctx, store.Filter{Kind: store.KindError}, 0, 10)
	if err != nil || len(errs) != 1 || errs[0].Seq != 6 {
		t.Errorf("List of errors returned %v, %v", errs, err)
	}

	skipped, err := s.List(ctx, store.Filter{State: store.Skipped}, 0, 10)
	if err != nil || len(skipped) != 1 || skipped[0].Seq != 6 {
		t.Errorf("List of skipped events returned %v, %v, want the event that was kept", skipped, err)
	}

	read, err := s.MessageStatus(ctx, "1065", "wamid.1", "")
	if err != nil || read.Status != "read" {
		t.Errorf("MessageStatus returned %v, %v", read, err)
	}

	leases, err := s.Claim(ctx, store.Conversations, unix(10_000), unix(70_000), 10)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim returned %v, %v, want the lane of the dead process", leases, err)
	}

	same("lease", leases[0], store.Lease{
		LeaseRef: store.LeaseRef{
			Class: store.Conversations,
			Lane:  "one",
			Token: leases[0].Token,
		},
		Work: store.Work{
			Event:        message(3, store.Pending),
			Seq:          3,
			Attempts:     1,
			Starts:       2,
			Conversation: store.Conversation{LastInboundAt: unix(4000)},
		},
	})

	next, err := s.Advance(ctx, leases[0].LeaseRef, store.ID{3}, store.Step{
		Now:       unix(10_000),
		Coalesced: []store.ID{{4}},
		Resend:    &store.ReplyRef{Event: store.ID{1}, MessageID: "wamid.1"},
		Outcome:   &store.Outcome{State: store.Done},
	})
	if err != nil {
		t.Fatal(err)
	}

	same("resent message", next, &store.Work{
		Event:        message(1, store.Pending),
		Seq:          1,
		Starts:       1,
		Conversation: store.Conversation{LastInboundAt: unix(4000)},
		Replies: []store.Reply{{
			Type:      "text",
			Body:      []byte(`{"answer":1}`),
			State:     store.Planned,
			StartedAt: unix(1200),
			Resends:   1,
		}},
	})

	if err := s.Replay(ctx, store.ID{2}, unix(10_000)); err != nil {
		t.Error(err)
	}

	retries, err := s.Claim(ctx, store.Conversations, unix(60_000), unix(70_000), 10)
	if err != nil || len(retries) != 1 || retries[0].Work.Seq != 5 || retries[0].Work.Attempts != 2 {
		t.Errorf("Claim returned %v, %v, want the retry", retries, err)
	}

	if _, err := s.Purge(ctx, store.Expiry{Payloads: unix(10_000), Events: unix(10_000)}, 100); err != nil {
		t.Error(err)
	}
}
