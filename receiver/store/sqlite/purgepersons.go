// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// idle is the condition on persons whose conversation is idle and was not taken over since a time, the first argument.
const idle = "class = 0 AND ready_at IS NULL AND max(coalesce(human_until, 0), coalesce(taken_at, 0)) < ?1"

// silences are the conditions on persons who have not written since: by the last message, or by the AI's id of the conversation
// if they never wrote.
var silences = [...]string{"last_inbound_at < ?1", "last_inbound_at IS NULL AND coalesce(ai_conversation_at, 0) < ?1"}

// purgeConversations deletes the state of persons whose conversation is idle, with their names: in one transaction, or each in its
// own if that meets damage.
func (s *Store) purgeConversations(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.purge(ctx, func(t *tx) (int, error) {
		people, err := t.idlePeople(before, limit)
		if err != nil {
			return 0, err
		}

		for _, name := range people {
			if err := t.deletePerson(name); err != nil {
				return 0, err
			}
		}

		return len(people), nil
	})
	if isDamage(err) {
		return s.purgeConversationsSingly(ctx, before, limit)
	}

	return n, err
}

// purgeConversationsSingly deletes the state of one person at a time. It leaves out persons whose row cannot be read or deleted.
func (s *Store) purgeConversationsSingly(ctx context.Context, before time.Time, limit int) (n int, err error) {
	var people []string

	err = s.read(ctx, func(c *conn) (err error) {
		people, err = c.readableIdlePeople(ctx, before, limit+maxUnreadable)
		return err
	})

	for _, name := range people {
		if err != nil || n == limit {
			break
		}

		deleted := 0

		deleted, err = s.purge(ctx, func(t *tx) (int, error) {
			isIdle, err := t.conn.isIdle(context.Background(), name, before)
			if err != nil || !isIdle {
				return 0, err
			}

			return 1, t.deletePerson(name)
		})
		if isDamage(err) { // SQLite may have merged the page of the row with a damaged one
			deleted = 0
			err = nil
		}

		n += deleted
	}

	return n, err
}

// idlePeople returns up to limit persons whose state is to be purged.
func (t *tx) idlePeople(before time.Time, limit int) (people []string, err error) {
	for _, silent := range silences {
		err := t.query("SELECT lane FROM conversations WHERE "+idle+" AND "+silent+" LIMIT ?2",
			func(r row) error { people = append(people, r.text(0)); return nil },
			before.UnixMilli(), int64(limit-len(people)))
		if err != nil {
			return nil, err
		}
	}

	return people, nil
}

// readableIdlePeople is like idlePeople, but leaves out the persons whose row cannot be read. It finds them by an index alone.
func (c *conn) readableIdlePeople(ctx context.Context, before time.Time, limit int) (people []string, err error) {
	add := func(r row) error {
		if len(people) == limit {
			return errEnough
		}

		name := r.text(0)

		isIdle, err := c.isIdle(ctx, name, before)
		if isIdle {
			people = append(people, name)
		}

		if isDamage(err) {
			return nil
		}

		return err
	}

	for _, part := range []struct {
		silent string
		args   []driver.Value
	}{
		{"last_inbound_at < ?", []driver.Value{before.UnixMilli()}},
		{"last_inbound_at IS NULL", nil},
	} {
		err := c.query(ctx, "SELECT lane FROM conversations INDEXED BY conversations_active WHERE class = 0 AND "+part.silent, add, part.args...)
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
	}

	return people, nil
}

// isIdle reports whether the state of a person is to be purged.
func (c *conn) isIdle(ctx context.Context, name string, before time.Time) (isIdle bool, err error) {
	err = c.query(ctx, "SELECT 1 FROM conversations WHERE lane = ?2 AND "+idle+" AND ("+silences[0]+" OR "+silences[1]+")",
		func(row) error { isIdle = true; return nil }, before.UnixMilli(), name)

	return isIdle, err
}

// deletePerson deletes the state of a person, with the person's names.
func (t *tx) deletePerson(name string) error {
	for _, sql := range [...]string{
		"DELETE FROM names WHERE person = ?",
		"DELETE FROM conversations WHERE lane = ? AND class = 0",
	} {
		if _, err := t.exec(sql, name); err != nil {
			return err
		}
	}

	return nil
}
