// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// version4 is the content of a store with version 4 of the schema, in which each name of a person is a lane: a person
// with a leased lane and a waiting one, both with pending messages; a person whose second name alone has work, and of
// whom people have the conversation; and a person with one name.
const version4 = `
INSERT INTO events (seq, id, kind, type, state, lane, class, phone_number_id, received_at, finished_at) VALUES
	(1, x'01000000000000000000000000000000', 'message', 'text', 'pending', 'user 1', 0, '1065', 1000, NULL),
	(2, x'02000000000000000000000000000000', 'message', 'text', 'pending', 'number 1', 0, '1065', 2000, NULL),
	(3, x'03000000000000000000000000000000', 'message', 'text', 'pending', 'user 1', 0, '1065', 3000, NULL),
	(4, x'04000000000000000000000000000000', 'message', 'text', 'dead', 'user 1', 0, '1065', 2500, 4000),
	(5, x'05000000000000000000000000000000', 'message', 'text', 'pending', 'user 2', 0, '1065', 5000, NULL),
	(6, x'06000000000000000000000000000000', 'message', 'text', 'pending', 'single', 0, '1065', 6000, NULL),
	(7, x'07000000000000000000000000000000', 'status', 'read', 'pending', 'user 2', 1, '1065', 7000, NULL);
INSERT INTO conversations
	(lane, class, ready_at, set_at, waits_for, token, head, starts, person, last_inbound_at, human_until, template_required) VALUES
	('number 1', 0, 90000, 10000, 'bird', NULL, 2, 0, NULL, 3000, NULL, 1),
	('user 1', 0, 70000, 10000, NULL, 77, 1, 2, 'number 1', NULL, NULL, 0),
	('number 2', 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, 5000, 80000, 0),
	('user 2', 0, 60000, 10000, 'bird', NULL, 5, 0, 'number 2', NULL, NULL, 0),
	('user 2', 1, 7000, 7000, NULL, NULL, NULL, 0, NULL, NULL, NULL, 0),
	('single', 0, 6000, 6000, NULL, NULL, NULL, 0, NULL, 6000, NULL, 0);
UPDATE counts SET pending = 5, pending_statuses = 1, dead = 1;
`

func TestPersonsOfVersion4(t *testing.T) {
	s := openStore(t, oldStore(t, 4, version4))
	ctx := t.Context()

	claim := func(class store.Class, now int64) []store.Lease {
		t.Helper()

		leases, err := s.Claim(ctx, class, unix(now), unix(now+60_000), 10)
		if err != nil {
			t.Fatal(err)
		}

		return leases
	}
	works := func(lease store.Lease) []byte {
		t.Helper()

		var order []byte

		for work := &lease.Work; work != nil; {
			order = append(order, work.Event.ID[0])

			if work.Event.Lane != lease.Lane {
				t.Errorf("event %d is in the lane %s, want %s", work.Event.ID[0], work.Event.Lane, lease.Lane)
			}

			var err error
			if work, err = s.Advance(ctx, lease.LeaseRef, work.Event.ID, store.Step{
				Now:     unix(10_000),
				Outcome: &store.Outcome{State: store.Done},
			}); err != nil {
				t.Fatal(err)
			}
		}

		return order
	}

	stats, err := s.Stats(ctx, unix(10_000))
	if err != nil || stats.ActiveConversations != 3 || stats.HumanConversations != 1 {
		t.Errorf("Stats returned %+v, %v, want 3 active conversations, of which people have one", stats, err)
	}

	if err := s.Replay(ctx, store.ID{4}, unix(10_000)); err != nil {
		t.Error(err)
	}

	leases := claim(store.Conversations, 10_000)
	if len(leases) != 2 || leases[0].Lane != "number 1" || leases[1].Lane != "single" {
		t.Fatalf("Claim returned %v, want the lane that was leased and the one that is due", leases)
	}

	if work := leases[0].Work; work.Starts != 3 || !work.Conversation.TemplateRequired {
		t.Errorf("the leased lane has %d starts and the state %+v", work.Starts, work.Conversation)
	}

	if diff := cmp.Diff([]byte{1, 2, 3, 4}, works(leases[0])); diff != "" {
		t.Errorf("order of the first person (-want +got):\n%s", diff)
	}

	waiting, err := s.ClaimWaiting(ctx, store.Conversations, "bird", unix(70_000), 10)
	if err != nil || len(waiting) != 1 || waiting[0].Lane != "number 2" {
		t.Fatalf("ClaimWaiting returned %v, %v, want the lane of the second person", waiting, err)
	}

	want := store.Conversation{
		LastInboundAt: unix(5000),
		Takeover:      store.Takeover{By: store.Colleague, Until: unix(80_000)},
	}
	if diff := cmp.Diff(want, waiting[0].Work.Conversation); diff != "" {
		t.Errorf("state of the second person (-want +got):\n%s", diff)
	}

	statuses := claim(store.Statuses, 10_000)
	if len(statuses) != 1 || statuses[0].Lane != "user 2" || !cmp.Equal(statuses[0].Work.Conversation, want) {
		t.Errorf("Claim of statuses returned %v, want the lane by its own name", statuses)
	}

	for name, want := range map[string]store.Conversation{
		"user 1": {LastInboundAt: unix(3000), TemplateRequired: true},
		"user 2": want,
		"single": {LastInboundAt: unix(6000)},
	} {
		if got, err := s.Conversation(ctx, name); err != nil || got != want {
			t.Errorf("Conversation of %s returned %+v, %v, want %+v", name, got, err, want)
		}
	}
}
