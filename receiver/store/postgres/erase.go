// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Names implements store.Persons.
func (s *Store) Names(ctx context.Context, name string) ([]string, error) {
	var names []string

	err := s.read(ctx, func(ctx context.Context, t *tx) (err error) {
		names, err = t.namesOf(ctx, sanitize(name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the names of a person: %w", err)
	}

	return names, nil
}

// Erase implements store.Persons.
func (s *Store) Erase(ctx context.Context, ids []store.ID, now time.Time) (int, error) {
	var erased int

	err := s.write(ctx, func(ctx context.Context, t *tx) (err error) {
		erased, err = t.erase(ctx, ids, now.UnixMilli())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("erase events: %w", err)
	}

	return erased, nil
}

func (t *tx) erase(ctx context.Context, ids []store.ID, now int64) (int, error) {
	l, err := t.lockLanesOf(ctx, ids)
	if err != nil {
		return 0, err
	}

	found, err := t.lockErased(ctx, ids)
	if err != nil || len(found.seqs) == 0 {
		return 0, err
	}

	for seq, of := range found.pending {
		if err := l.leave(of, seq, now); err != nil {
			return 0, err
		}
	}

	t.empty(found, now)
	l.save(t)

	return len(found.seqs), nil
}

// erasedEvents are events that an erasure found.
type erasedEvents struct {
	seqs    []int64
	ended   []int64 // pending and failed events, which the erasure discards
	pending map[int64]laneKey
}

// lockErased locks the events with the ids whose content is not erased yet.
func (t *tx) lockErased(ctx context.Context, ids []store.ID) (*erasedEvents, error) {
	found := &erasedEvents{pending: map[int64]laneKey{}}

	t.query(`
		SELECT e.seq, e.state, e.class, e.lane FROM events e
		WHERE e.id = ANY($1) AND (e.lane <> '' OR NOT e.emptied) ORDER BY e.seq FOR UPDATE`,
		func(rows pgx.Rows) error {
			var (
				seq   int64
				state store.State
				of    laneKey
			)
			if err := rows.Scan(&seq, &state, (*int16)(&of.class), &of.lane); err != nil {
				return err
			}

			found.seqs = append(found.seqs, seq)

			if state != store.Pending && !slices.Contains(store.Replayable, state) {
				return nil
			}

			found.ended = append(found.ended, seq)

			t.tally.Move(of.class, state, store.Discarded)

			if state == store.Pending {
				found.pending[seq] = of
			}

			return nil
		}, ids)

	return found, t.flush(ctx)
}

// empty queues the removal of the content of events.
func (t *tx) empty(found *erasedEvents, now int64) {
	t.exec(`
		DELETE FROM statuses s USING replies r JOIN events e ON e.seq = r.event
		WHERE r.event = ANY($1) AND r.message_id <> '' AND s.message_id = r.message_id AND s.phone_number_id = e.phone_number_id`, found.seqs)

	for _, table := range [...]string{"statuses", "replies", "failures"} {
		t.exec("DELETE FROM "+table+" WHERE event = ANY($1)", found.seqs)
	}

	t.exec(`
		UPDATE events e SET lane = '', class = 3, payload = NULL, transcript = NULL, emptied = true, code = '',
			state = CASE WHEN e.seq = ANY($2) THEN 'discarded' ELSE e.state END,
			finished_at = CASE WHEN e.seq = ANY($2) THEN $3 ELSE e.finished_at END
		WHERE e.seq = ANY($1)`, found.seqs, found.ended, now)
}

// lockLanesOf locks the lanes of those events that are pending.
func (t *tx) lockLanesOf(ctx context.Context, ids []store.ID) (*lanes, error) {
	set := newLockSet()

	t.query("SELECT e.lane, e.class FROM events e WHERE e.id = ANY($1) AND "+isPending, func(rows pgx.Rows) error {
		var of laneKey

		err := rows.Scan(&of.lane, (*int16)(&of.class))
		set.add(of)

		return err
	}, ids)

	if err := t.flush(ctx); err != nil {
		return nil, err
	}

	return t.lock(ctx, set, func() {})
}

// leave removes a pending event from its lane. A lane that waited for the event is due at now.
func (l *lanes) leave(of laneKey, seq, now int64) error {
	row := l.rows[of]
	if row == nil {
		return errLostRace // the event was in another state or lane when the locks were collected
	}

	isHead := row.head != nil && *row.head == seq

	switch {
	case row.token != nil && (isHead || of.class == store.Conversations):
		return store.ErrInProgress
	case isHead:
		row.head = nil
		row.starts = 0
		row.due(now)
	}

	return nil
}
