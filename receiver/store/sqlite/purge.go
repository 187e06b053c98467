// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Purge implements store.Maintenance.
func (s *Store) Purge(ctx context.Context, payloads, events time.Time, limit int) (int, error) {
	changed := 0

	defer s.disk.forget() // the pages that it freed are there at once

	for _, purge := range []func(t *tx, limit int) (int, error){
		func(t *tx, limit int) (int, error) { return t.deleteEvents(events, limit) },
		func(t *tx, limit int) (int, error) { return t.deleteConversations(events, limit) },
		func(t *tx, limit int) (int, error) { return t.deletePauses(events, limit) },
		func(t *tx, limit int) (int, error) { return t.emptyPayloads(payloads, limit) },
	} {
		n, err := store.PurgeInBatches(limit, func(size int) (n int, err error) {
			run := func(t *tx) (err error) {
				n, err = purge(t, size)
				return err
			}

			err = s.writer.do(ctx, run)
			if isFull(err) && s.disk.release() {
				err = s.writer.do(ctx, run)
			}

			return n, err
		})
		changed += n

		if err != nil {
			return changed, fmt.Errorf("purge the store: %w", err)
		}
	}

	return changed, nil
}

// finishedEvent is an event found by a purge.
type finishedEvent struct {
	seq   int64
	state store.State
}

func (t *tx) finished(sql string, before time.Time, limit int) ([]finishedEvent, error) {
	var found []finishedEvent

	err := t.query(sql, func(r row) error {
		found = append(found, finishedEvent{seq: r.int(0), state: store.State(r.text(1))})
		return nil
	}, before.UnixMilli(), int64(limit))

	return found, err
}

func (t *tx) deleteEvents(before time.Time, limit int) (int, error) {
	found, err := t.finished(`
		SELECT seq, state FROM events
		WHERE state NOT IN ('pending', 'dead') AND emptied IN (0, 1) AND finished_at < ? LIMIT ?`, before, limit)
	if err != nil {
		return 0, err
	}

	for _, e := range found {
		for _, sql := range [...]string{
			"DELETE FROM replies WHERE event = ?",
			"DELETE FROM failures WHERE event = ?",
			"DELETE FROM statuses WHERE event = ?",
			"DELETE FROM events WHERE seq = ?",
		} {
			if _, err := t.exec(sql, e.seq); err != nil {
				return 0, err
			}
		}

		t.tally.Move(store.NoClass, e.state, "")
	}

	return len(found), nil
}

func (t *tx) emptyPayloads(before time.Time, limit int) (int, error) {
	found, err := t.finished(`
		SELECT seq, state FROM events
		WHERE state NOT IN ('pending', 'dead') AND emptied = 0 AND finished_at < ? LIMIT ?`, before, limit)
	if err != nil {
		return 0, err
	}

	for _, e := range found {
		for _, sql := range [...]string{
			"UPDATE events SET payload = NULL, emptied = 1 WHERE seq = ?",
			"UPDATE replies SET body = NULL WHERE event = ?",
		} {
			if _, err := t.exec(sql, e.seq); err != nil {
				return 0, err
			}
		}
	}

	return len(found), nil
}

// deleteConversations deletes the state of persons whose conversation is idle, with their names.
func (t *tx) deleteConversations(before time.Time, limit int) (int, error) {
	const idle = `
		SELECT lane FROM conversations
		WHERE class = 0 AND ready_at IS NULL AND max(coalesce(human_until, 0), coalesce(taken_at, 0)) < ?1`

	var people []string
	for _, sql := range [...]string{idle + " AND last_inbound_at < ?1 LIMIT ?2", idle + " AND last_inbound_at IS NULL LIMIT ?2"} {
		err := t.query(sql, func(r row) error { people = append(people, r.text(0)); return nil },
			before.UnixMilli(), int64(limit-len(people)))
		if err != nil {
			return 0, err
		}
	}

	for _, name := range people {
		for _, sql := range [...]string{
			"DELETE FROM names WHERE person = ?",
			"DELETE FROM conversations WHERE lane = ? AND class = 0",
		} {
			if _, err := t.exec(sql, name); err != nil {
				return 0, err
			}
		}
	}

	return len(people), nil
}

func (t *tx) deletePauses(before time.Time, limit int) (int, error) {
	n, err := t.exec("DELETE FROM pauses WHERE scope IN (SELECT scope FROM pauses WHERE until < ? LIMIT ?)",
		before.UnixMilli(), int64(limit))

	return int(n), err
}
