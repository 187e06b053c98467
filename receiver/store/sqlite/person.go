// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Names implements store.Persons.
func (s *Store) Names(ctx context.Context, name string) ([]string, error) {
	var names []string

	err := s.read(ctx, func(c *conn) error {
		person, further, err := c.names(ctx, name)
		names = append([]string{person}, further...)

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the names of a person: %w", err)
	}

	return names, nil
}

// Erase implements store.Persons.
func (s *Store) Erase(ctx context.Context, ids []store.ID, now time.Time) (int, error) {
	erased := 0

	err := s.writer.do(ctx, func(t *tx) error {
		erased = 0

		for _, id := range ids {
			n, err := t.erase(id, now.UnixMilli())
			if err != nil {
				return err
			}

			erased += n
		}

		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("erase events: %w", withDamage(err))
	}

	s.checkpointer.empty()

	return erased, nil
}

// erase removes the content of an event, and returns 1, or 0 if it had none.
func (t *tx) erase(id store.ID, now int64) (int, error) {
	var (
		seq   int64
		class store.Class
		lane  string
		state store.State
	)

	err := t.query("SELECT seq, state, class, lane FROM events WHERE id = ? AND (lane <> '' OR emptied = 0)", func(r row) error {
		seq = r.int(0)
		state = store.State(r.text(1))
		class = r.class(2)
		lane = r.text(3)

		return nil
	}, id[:])
	if err != nil || seq == 0 {
		return 0, err
	}

	if state == store.Pending {
		if err := t.leave(store.LeaseRef{Class: class, Lane: lane}, seq, now); err != nil {
			return 0, err
		}
	}

	ended := ""

	// Only now: a call that fails before it writes leaves the tally of its transaction to the others.
	if state == store.Pending || slices.Contains(store.Replayable, state) {
		ended = string(store.Discarded)

		t.tally.Move(class, state, store.Discarded)
	}

	for _, sql := range [...]string{
		`DELETE FROM statuses WHERE (message_id, phone_number_id) IN (
			SELECT message_id, (SELECT phone_number_id FROM events WHERE seq = ?1) FROM replies WHERE event = ?1 AND message_id <> '')`,
		"DELETE FROM statuses WHERE event = ?",
		"DELETE FROM replies WHERE event = ?",
		"DELETE FROM failures WHERE event = ?",
		"DELETE FROM transcripts WHERE event = ?",
	} {
		if _, err := t.exec(sql, seq); err != nil {
			return 0, err
		}
	}

	_, err = t.exec(`
		UPDATE events SET lane = '', class = 3, payload = NULL, emptied = 1, code = '',
			state = iif(?2 = '', state, ?2), finished_at = iif(?2 = '', finished_at, ?3)
		WHERE seq = ?1`, seq, ended, now)

	return 1, err
}

// leave removes a pending event from its lane. A lane that waited for the event is due at now.
func (t *tx) leave(lane store.LeaseRef, seq, now int64) error {
	var isLeased, isHead bool

	err := t.query("SELECT token IS NOT NULL, head IS ?3 FROM conversations WHERE lane = ?1 AND class = ?2", func(r row) error {
		isLeased = r.int(0) != 0
		isHead = r.int(1) != 0

		return nil
	}, lane.Lane, int64(lane.Class), seq)

	switch {
	case err != nil:
		return err
	case isLeased && (isHead || lane.Class == store.Conversations):
		return store.ErrInProgress
	case !isHead:
		return nil
	}

	_, err = t.exec(`
		UPDATE conversations SET ready_at = ?1, set_at = ?1, waits_for = NULL, head = NULL, starts = 0
		WHERE lane = ?2 AND class = ?3`, now, lane.Lane, int64(lane.Class))

	return err
}

// Forget implements store.Persons.
func (s *Store) Forget(ctx context.Context, name string) error {
	if err := s.writer.do(ctx, func(t *tx) error { return t.forget(name) }); err != nil {
		return fmt.Errorf("forget a person: %w", err)
	}

	s.checkpointer.empty()

	return nil
}

func (t *tx) forget(name string) error {
	person, further, err := t.conn.names(context.Background(), name)
	if err != nil {
		return err
	}

	isBusy := false

	err = t.query(`
		SELECT EXISTS (SELECT 1 FROM conversations WHERE lane = ?1 AND class = 0 AND token IS NOT NULL)
			OR EXISTS (SELECT 1 FROM events WHERE lane = ?1 AND class = 0 AND state = 'pending')`,
		func(r row) error { isBusy = r.int(0) != 0; return nil }, person)

	switch {
	case err != nil:
		return err
	case isBusy:
		return store.ErrInProgress
	}

	for _, name := range append(further, person) {
		if _, err := t.exec("DELETE FROM damaged WHERE lane = ?", name); err != nil {
			return err
		}
	}

	return t.deletePerson(person)
}
