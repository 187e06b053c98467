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
func (s *Store) Purge(ctx context.Context, before store.Expiry, limit int) (int, error) {
	changed := 0

	for _, purge := range []func(ctx context.Context, t *tx, limit int) (int, error){
		func(ctx context.Context, t *tx, limit int) (int, error) {
			return t.expireDeadLetters(ctx, before.DeadLetters, limit)
		},
		func(ctx context.Context, t *tx, limit int) (int, error) {
			return t.deleteEvents(ctx, before.Events, limit)
		},
		func(ctx context.Context, t *tx, limit int) (int, error) {
			return t.deleteConversations(ctx, before.Events, limit)
		},
		func(ctx context.Context, t *tx, limit int) (int, error) {
			return t.deletePauses(ctx, before.Events, limit)
		},
		func(ctx context.Context, t *tx, limit int) (int, error) {
			return t.emptyPayloads(ctx, before.Payloads, limit)
		},
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

// expireDeadLetters discards dead letters and quarantined events, without their payloads, so that deleteEvents finds them.
func (t *tx) expireDeadLetters(ctx context.Context, before time.Time, limit int) (int, error) {
	expired := 0
	t.query(`
		WITH ended AS (
			SELECT seq, state FROM events WHERE state IN ('dead', 'quarantined') AND finished_at < $1
			LIMIT $2 FOR UPDATE SKIP LOCKED
		), replies AS (
			UPDATE replies r SET body = NULL FROM ended WHERE r.event = ended.seq
		), discarded AS (
			UPDATE events e SET state = 'discarded', payload = NULL, transcript = NULL, emptied = true
			FROM ended WHERE e.seq = ended.seq RETURNING ended.state
		)
		SELECT state FROM discarded`,
		func(rows pgx.Rows) error {
			var state store.State

			err := rows.Scan(&state)
			t.tally.Move(store.NoClass, state, store.Discarded)

			expired++

			return err
		}, before.UnixMilli(), limit)
	err := t.flush(ctx)

	return expired, err
}

func (t *tx) deleteEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	var deleted int64
	t.execCount(&deleted, `
		WITH old AS (
			SELECT seq FROM events
			WHERE state NOT IN ('pending', 'dead', 'quarantined') AND emptied IN (false, true) AND finished_at < $1
			LIMIT $2 FOR UPDATE SKIP LOCKED
		), replies AS (
			DELETE FROM replies r USING old WHERE r.event = old.seq
		), failures AS (
			DELETE FROM failures f USING old WHERE f.event = old.seq
		), statuses AS (
			DELETE FROM statuses s USING old WHERE s.event = old.seq
		)
		DELETE FROM events e USING old WHERE e.seq = old.seq`,
		before.UnixMilli(), limit)
	err := t.flush(ctx)

	return int(deleted), err
}

func (t *tx) emptyPayloads(ctx context.Context, before time.Time, limit int) (int, error) {
	var emptied int64
	t.execCount(&emptied, `
		WITH old AS (
			SELECT seq FROM events WHERE state NOT IN ('pending', 'dead', 'quarantined') AND emptied = false AND finished_at < $1
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
