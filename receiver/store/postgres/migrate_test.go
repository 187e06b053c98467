// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestStoreOfVersion1(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := Access{URL: user.URL}
	migrateTo(t, access, 1)

	server.Exec(t, `
		INSERT INTO `+user.Name+`.events (seq, id, kind, type, state, class, lane, phone_number_id, received_at, finished_at) VALUES
			(1, '01000000-0000-0000-0000-000000000000', 'error', 'messages', 'kept', 3, '', '1065', 1000, 1000),
			(2, '02000000-0000-0000-0000-000000000000', 'message', 'text', 'done', 0, 'one', '1065', 2000, 2000)`)

	s := openStore(t, access)

	skipped, err := s.List(t.Context(), store.Filter{State: store.Skipped}, 0, 10)
	if err != nil || len(skipped) != 1 || skipped[0].Seq != 1 {
		t.Errorf("List of skipped events returned %v, %v, want the event that was kept", skipped, err)
	}

	done, err := s.List(t.Context(), store.Filter{State: store.Done}, 0, 10)
	if err != nil || len(done) != 1 || done[0].Seq != 2 {
		t.Errorf("List of done events returned %v, %v, want the answered message", done, err)
	}
}

// A person had a row and a lane for each name. Afterwards the person is one row with one lane.
func TestStoreWithLanesOfNames(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := Access{URL: user.URL}
	migrateTo(t, access, 3)

	server.Exec(t, "SET search_path = "+user.Name+`;
		INSERT INTO conversations (lane, class, ready_at, token, head, starts, person, last_inbound_at, human_until) VALUES
			('waiting', 0, 5000, NULL, NULL, 0, NULL, 3000, 9000), ('waiting/user', 0, 4000, NULL, 2, 0, 'waiting', NULL, NULL),
			('leased', 0, 1000, NULL, NULL, 0, NULL, 3000, NULL), ('leased/user', 0, 60000, 77, 4, 1, 'leased', NULL, NULL),
			('idle', 0, NULL, NULL, NULL, 0, NULL, 3000, NULL), ('idle/user', 0, NULL, NULL, NULL, 0, 'idle', NULL, NULL),
			('other', 0, 8000, NULL, NULL, 0, NULL, NULL, NULL), ('waiting/user', 1, 2000, NULL, NULL, 0, NULL, NULL, NULL);
		INSERT INTO events (seq, id, kind, type, state, class, lane, phone_number_id, received_at, finished_at) VALUES
			(1, '01000000-0000-0000-0000-000000000000', 'message', 'text', 'pending', 0, 'waiting', '', 1, NULL),
			(2, '02000000-0000-0000-0000-000000000000', 'message', 'text', 'pending', 0, 'waiting/user', '', 1, NULL),
			(3, '03000000-0000-0000-0000-000000000000', 'message', 'text', 'pending', 0, 'leased', '', 1, NULL),
			(4, '04000000-0000-0000-0000-000000000000', 'message', 'text', 'pending', 0, 'leased/user', '', 1, NULL),
			(5, '05000000-0000-0000-0000-000000000000', 'message', 'text', 'dead', 0, 'idle/user', '', 1, 1),
			(6, '06000000-0000-0000-0000-000000000000', 'message', 'text', 'pending', 0, 'other', '', 1, NULL),
			(7, '07000000-0000-0000-0000-000000000000', 'status', 'sent', 'pending', 1, 'waiting/user', '', 1, NULL)`)

	s := openStore(t, access)
	claim := func(class store.Class, now int64) (lanes []string) {
		t.Helper()

		leases, err := s.Claim(t.Context(), class, time.UnixMilli(now), time.UnixMilli(now+1_000_000), 10)
		if err != nil {
			t.Fatal(err)
		}

		for _, lease := range leases {
			lanes = append(lanes, lease.Lane)

			next := &lease.Work
			for next != nil {
				lanes = append(lanes, strconv.FormatInt(next.Seq, 10))

				next, err = s.Advance(t.Context(), lease.LeaseRef, next.Event.ID, store.Step{
					Now:     time.UnixMilli(now),
					Outcome: &store.Outcome{State: store.Done},
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}

		return lanes
	}

	for _, c := range []struct {
		class store.Class
		now   int64
		want  string
	}{
		{store.Conversations, 3999, "[]"},
		{store.Conversations, 4000, "[waiting 1 2]"},
		{store.Conversations, 59999, "[other 6]"},
		{store.Conversations, 60000, "[leased 3 4]"},
		{store.Statuses, 60000, "[waiting/user 7]"},
	} {
		if got := fmt.Sprint(claim(c.class, c.now)); got != c.want {
			t.Errorf("class %s at %d: claimed %s, want %s", c.class, c.now, got, c.want)
		}
	}

	if err := s.Replay(t.Context(), store.ID{5}, time.UnixMilli(70000)); err != nil {
		t.Fatal(err)
	}

	if got := fmt.Sprint(claim(store.Conversations, 70000)); got != "[idle 5]" {
		t.Errorf("after a replay: claimed %s, want the event in the lane of its person", got)
	}

	var names, rows int

	err = s.read(t.Context(), func(_ context.Context, tx *tx) error {
		tx.query("SELECT (SELECT count(*) FROM names), (SELECT count(*) FROM conversations WHERE class = 0)",
			func(found pgx.Rows) error { return found.Scan(&names, &rows) })

		return nil
	})
	if err != nil || names != 3 || rows != 4 {
		t.Errorf("there are %d names and %d persons, %v, want 3 and 4", names, rows, err)
	}
}

// migrateTo migrates an empty schema to an earlier version.
func migrateTo(t *testing.T, access Access, version int64) {
	t.Helper()

	d := newDatabase(access, testOptions(Options{MaxConnections: 2}))
	defer d.close()

	err := d.withMigrations(t.Context(), func(_ *sql.DB, provider *goose.Provider) error {
		_, err := provider.UpTo(t.Context(), version)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
