// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Purge implements store.Maintenance. It skips rows that another transaction has locked.
func (s *Store) Purge(ctx context.Context, payloads, events time.Time, limit int) (int, error) {
	changed := 0

	for _, purge := range []func(ctx context.Context, t *tx, limit int) (int, error){
		func(ctx context.Context, t *tx, limit int) (int, error) { return t.deleteEvents(ctx, events, limit) },
		func(ctx context.Context, t *tx, limit int) (int, error) {
			return t.deleteConversations(ctx, events, limit)
		},
		func(ctx context.Context, t *tx, limit int) (int, error) { return t.deletePauses(ctx, events, limit) },
		func(ctx context.Context, t *tx, limit int) (int, error) { return t.emptyPayloads(ctx, payloads, limit) },
	} {
		n, err := store.PurgeInBatches(limit, func(size int) (n int, err error) {
			err = s.write(ctx, func(ctx context.Context, t *tx) (err error) {
				n, err = purge(ctx, t, size)
				return err
			})

			return n, err
		})
		changed += n

		if err != nil {
			return changed, fmt.Errorf("purge the store: %w", err)
		}
	}

	return changed, nil
}

func (t *tx) deleteEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	deleted := 0
	t.query(`
		WITH old AS (
			SELECT seq FROM events
			WHERE state NOT IN ('pending', 'dead') AND emptied IN (false, true) AND finished_at < $1
			LIMIT $2 FOR UPDATE SKIP LOCKED
		), gone AS (
			DELETE FROM events e USING old WHERE e.seq = old.seq RETURNING e.seq, e.state
		), replies AS (
			DELETE FROM replies r USING gone WHERE r.event = gone.seq
		), failures AS (
			DELETE FROM failures f USING gone WHERE f.event = gone.seq
		), statuses AS (
			DELETE FROM statuses s USING gone WHERE s.event = gone.seq
		)
		SELECT state FROM gone`,
		func(rows pgx.Rows) error {
			var state store.State

			err := rows.Scan(&state)
			t.tally.Move(store.NoClass, state, "")

			deleted++

			return err
		}, before.UnixMilli(), limit)
	err := t.flush(ctx)

	return deleted, err
}

func (t *tx) emptyPayloads(ctx context.Context, before time.Time, limit int) (int, error) {
	var emptied int64
	t.execCount(&emptied, `
		WITH old AS (
			SELECT seq FROM events WHERE state NOT IN ('pending', 'dead') AND emptied = false AND finished_at < $1
			LIMIT $2 FOR UPDATE SKIP LOCKED
		), replies AS (
			UPDATE replies r SET body = NULL FROM old WHERE r.event = old.seq
		)
		UPDATE events e SET payload = NULL, transcript = NULL, emptied = true FROM old WHERE e.seq = old.seq`,
		before.UnixMilli(), limit)
	err := t.flush(ctx)

	return int(emptied), err
}

// deleteConversations deletes the state and the names of persons whose conversation is idle. The names are deleted by a
// statement of their own after the persons are locked: only then can no other transaction add one.
func (t *tx) deleteConversations(ctx context.Context, before time.Time, limit int) (int, error) {
	var idle []string

	for _, silent := range [...]string{"last_inbound_at < $1", "last_inbound_at IS NULL AND coalesce(ai_conversation_at, 0) < $1"} {
		t.query(`
			SELECT lane FROM conversations
			WHERE class = 0 AND ready_at IS NULL AND greatest(human_until, taken_at, 0) < $1 AND `+silent+`
			LIMIT $2 FOR UPDATE SKIP LOCKED`,
			func(rows pgx.Rows) error {
				var name string

				err := rows.Scan(&name)
				idle = append(idle, name)

				return err
			}, before.UnixMilli(), limit-len(idle))

		if err := t.flush(ctx); err != nil {
			return 0, err
		}
	}

	if len(idle) == 0 {
		return 0, nil
	}

	t.exec("DELETE FROM names WHERE person = ANY($1)", idle)
	t.exec("DELETE FROM conversations WHERE lane = ANY($1) AND class = 0", idle)

	return len(idle), t.flush(ctx)
}

func (t *tx) deletePauses(ctx context.Context, before time.Time, limit int) (int, error) {
	var deleted int64
	t.execCount(&deleted, `
		DELETE FROM pauses WHERE scope IN (SELECT scope FROM pauses WHERE until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		before.UnixMilli(), limit)
	err := t.flush(ctx)

	return int(deleted), err
}
