// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Conversation implements store.Takeovers.
func (s *Store) Conversation(ctx context.Context, name string) (store.Conversation, error) {
	var found *store.Conversation

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.query(`
			SELECT `+stateColumns+` FROM conversations c
			WHERE c.lane = coalesce((SELECT n.person FROM names n WHERE n.name = $1), $1) AND c.class = 0`,
			func(rows pgx.Rows) error {
				var state stateRow

				err := rows.Scan(state.targets()...)
				found = new(state.conversation())

				return err
			}, name)

		return nil
	})
	if err == nil && found == nil {
		err = store.ErrNotFound
	}

	if err != nil {
		return store.Conversation{}, fmt.Errorf("read a conversation: %w", err)
	}

	return *found, nil
}

// Lane implements store.Takeovers.
func (s *Store) Lane(ctx context.Context, name string) (string, error) {
	lane := sanitize(name)

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.query("SELECT person FROM names WHERE name = $1", func(rows pgx.Rows) error { return rows.Scan(&lane) }, lane)

		return nil
	})
	if err != nil {
		return "", fmt.Errorf("look up a conversation: %w", err)
	}

	return lane, nil
}

// TakeOver implements store.Takeovers.
func (s *Store) TakeOver(ctx context.Context, name string, takeover store.Takeover, now time.Time) error {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		name := sanitize(name)
		n := newLockSet()
		n.add(conversation(name))
		n.named = true

		l, err := t.lock(ctx, n, func() {})
		if err != nil {
			return err
		}

		if l.person(name) == nil {
			return store.ErrNotFound
		}

		l.takeOver(name, takeover, now)
		l.save(t)

		return nil
	})
	if err != nil {
		return fmt.Errorf("take over a conversation: %w", err)
	}

	return nil
}

// Recent implements store.Takeovers.
func (s *Store) Recent(ctx context.Context, after store.Position, limit int) ([]store.NamedConversation, error) {
	const (
		recent = "SELECT c.lane, " + stateColumns + ` FROM conversations c
			WHERE c.class = 0 AND c.last_inbound_at <= $1 AND (c.last_inbound_at < $1 OR c.lane < $2)
			ORDER BY c.last_inbound_at DESC, c.lane DESC LIMIT $3`
		silent = "SELECT c.lane, " + stateColumns + ` FROM conversations c
			WHERE c.class = 0 AND c.last_inbound_at IS NULL AND c.lane > $1 ORDER BY c.lane LIMIT $2`
	)

	limit = max(limit, 0)

	var found []store.NamedConversation

	err := s.read(ctx, func(ctx context.Context, t *tx) error {
		found = nil
		name := after.Name

		if !after.At.IsZero() || after.Name == "" {
			at := int64(math.MaxInt64)
			if !after.At.IsZero() {
				at = after.At.UnixMilli()
			}

			t.query(recent, func(rows pgx.Rows) error { return scanNamed(rows, &found) }, at, name, limit)

			if err := t.flush(ctx); err != nil {
				return err
			}

			name = ""
		}

		if len(found) < limit {
			t.query(silent, func(rows pgx.Rows) error { return scanNamed(rows, &found) }, name, limit-len(found))
		}

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}

	return found, nil
}

// scanNamed adds a row of a lane and its stateColumns.
func scanNamed(rows pgx.Rows, found *[]store.NamedConversation) error {
	var (
		name  string
		state stateRow
	)

	err := rows.Scan(slices.Concat([]any{&name}, state.targets())...)
	*found = append(*found, store.NamedConversation{Name: name, Conversation: state.conversation()})

	return err
}

// TakenOver implements store.Takeovers.
func (s *Store) TakenOver(ctx context.Context, now time.Time, after string, limit int) ([]store.NamedConversation, error) {
	var found []store.NamedConversation

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.query(`
			SELECT c.lane, `+stateColumns+` FROM conversations c
			WHERE c.human_until > $1 AND c.lane > $2 ORDER BY c.lane LIMIT $3`,
			func(rows pgx.Rows) error { return scanNamed(rows, &found) }, now.UnixMilli(), after, max(limit, 0))

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the conversations that people have: %w", err)
	}

	return found, nil
}
