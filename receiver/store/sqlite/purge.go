// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Purge implements store.Maintenance. Data that cannot be purged does not stop the purge of other data.
func (s *Store) Purge(ctx context.Context, before store.Expiry, limit int) (int, error) {
	changed := 0

	defer s.disk.invalidate() // the pages that it freed can be used at once

	var failed error

	for _, purge := range []func(limit int) (int, error){
		func(limit int) (int, error) { return s.purgeEvents(ctx, expiry, before.DeadLetters, limit) },
		func(limit int) (int, error) { return s.purgeEvents(ctx, deletion, before.Events, limit) },
		func(limit int) (int, error) { return s.purgeConversations(ctx, before.Events, limit) },
		func(limit int) (int, error) {
			return s.purge(ctx, func(t *tx) (int, error) { return t.deletePauses(before.Events, limit) })
		},
		func(limit int) (int, error) { return s.purgeEvents(ctx, dropPayloads, before.Payloads, limit) },
	} {
		n, err := store.PurgeInBatches(limit, purge)
		changed += n
		failed = errors.Join(failed, err)
	}

	if changed > 0 {
		s.purged.Store(true)
	}

	if changed < limit { // the last call of a run
		failed = errors.Join(failed, s.shrink(ctx))
	}

	if failed != nil {
		return changed, fmt.Errorf("purge the store: %w", failed)
	}

	return changed, nil
}

// purge runs one transaction of a purge. If the disk is full, it releases the ballast first.
func (s *Store) purge(ctx context.Context, purge func(*tx) (int, error)) (n int, err error) {
	run := func(t *tx) (err error) {
		n, err = purge(t)
		return err
	}

	err = s.writer.do(ctx, run)
	if isFull(err) && s.disk.release() {
		err = s.writer.do(ctx, run)
	}

	return n, err
}

// eventPurge purges finished events, or a part of them.
type eventPurge struct {
	of      string   // the events that it finds
	changes []string // for the event with a seq
	deletes bool
}

// finished is the condition on events whose retention is that of finished ones.
const finished = "state <> 'pending' AND state <> 'dead' AND state <> 'quarantined'"

var (
	deletion = eventPurge{
		of: finished + " AND emptied IN (0, 1)",
		changes: []string{
			"DELETE FROM replies WHERE event = ?",
			"DELETE FROM failures WHERE event = ?",
			"DELETE FROM statuses WHERE event = ?",
			"DELETE FROM transcripts WHERE event = ?",
			"DELETE FROM events WHERE seq = ?",
		},
		deletes: true,
	}
	// emptying stores events anew without their payloads: SQLite merges pages when it deletes a row, and not when a row gets
	// smaller, so an update would make no room on a full disk.
	dropPayloads = eventPurge{
		of: finished + " AND emptied = 0",
		changes: []string{
			"INSERT INTO temp.emptied SELECT * FROM events WHERE seq = ?",
			"DELETE FROM events WHERE seq = ?",
			"UPDATE temp.emptied SET payload = NULL, emptied = 1 WHERE seq = ?",
			"INSERT INTO events SELECT * FROM temp.emptied WHERE seq = ?",
			"DELETE FROM temp.emptied WHERE seq = ?",
			"UPDATE replies SET body = NULL WHERE event = ?",
			"DELETE FROM transcripts WHERE event = ?",
		},
	}
	// expiry discards events as well, so that a deletion finds them.
	expiry = eventPurge{
		of:      "state IN ('dead', 'quarantined')",
		changes: append([]string{"UPDATE events SET state = 'discarded' WHERE seq = ?"}, dropPayloads.changes...),
	}
	// emptyingInPlace is for events whose page cannot be merged, since a page beside it is damaged.
	emptyingInPlace = eventPurge{
		changes: []string{
			"UPDATE events SET payload = NULL, emptied = 1 WHERE seq = ?",
			"UPDATE replies SET body = NULL WHERE event = ?",
			"DELETE FROM transcripts WHERE event = ?",
		},
	}
)

// purgeEvents purges finished events in one transaction, or each in its own if that meets damage.
func (s *Store) purgeEvents(ctx context.Context, p eventPurge, before time.Time, limit int) (int, error) {
	n, err := s.purge(ctx, func(t *tx) (int, error) {
		found, err := t.ended(p, before, limit)
		if err != nil {
			return 0, err
		}

		for _, seq := range found {
			if err := t.purgeEvent(p, seq); err != nil {
				return 0, err
			}
		}

		return len(found), nil
	})
	if isDamage(err) {
		return s.purgeSingly(ctx, p, before, limit)
	}

	return n, err
}

// ended returns the events of a purge. It reads an index alone, so it finds events that cannot be read, except those set aside.
func (t *tx) ended(p eventPurge, before time.Time, limit int) ([]int64, error) {
	var found []int64

	err := t.query(`
		SELECT seq FROM events
		WHERE `+p.of+` AND finished_at < ?
			AND seq NOT IN (SELECT CAST(lane AS INTEGER) FROM damaged WHERE class = ?) LIMIT ?`,
		func(r row) error {
			found = append(found, r.int(0))
			return nil
		}, before.UnixMilli(), int64(store.NoClass), int64(limit))

	return found, err
}

func (t *tx) purgeEvent(p eventPurge, seq int64) error {
	err := t.query("SELECT state FROM events WHERE seq = ? AND state IN ('dead', 'quarantined')", func(r row) error {
		t.tally.Move(store.NoClass, store.State(r.text(0)), store.Discarded)
		return nil
	}, seq)
	if err != nil {
		return err
	}

	if _, err := t.exec("CREATE TEMP TABLE IF NOT EXISTS emptied AS SELECT * FROM events WHERE false"); err != nil {
		return err
	}

	for _, sql := range p.changes {
		if _, err := t.exec(sql, seq); err != nil {
			return err
		}
	}

	return nil
}

func (t *tx) deletePauses(before time.Time, limit int) (int, error) {
	n, err := t.exec("DELETE FROM pauses WHERE scope IN (SELECT scope FROM pauses WHERE until < ? LIMIT ?)",
		before.UnixMilli(), int64(limit))

	return int(n), err
}
