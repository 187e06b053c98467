// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// stateColumns are the columns of a conversation's state, in the order of row.conversation.
const stateColumns = "last_inbound_at, human_until, taken_by, taken_at, taken_event, template_required, ai_conversation"

// conversation reads the stateColumns.
func (r row) conversation(i int) store.Conversation {
	takeover := store.Takeover{
		Until: r.time(i + 1),
		By:    store.Holder(r.text(i + 2)),
		At:    r.time(i + 3),
	}
	copy(takeover.Event[:], r.blob(i+4))

	return store.Conversation{
		LastInboundAt:    r.time(i),
		Takeover:         takeover,
		TemplateRequired: r.int(i+5) != 0,
		AIConversationID: r.text(i + 6),
	}
}

// stateSummaryColumns are the columns for a conversation without takeover and without id of the AI, as row.summary reads them.
// Most conversations need no more, and each further column costs about as much as finding the row.
const stateSummaryColumns = "last_inbound_at, template_required, coalesce(taken_at, human_until, ai_conversation)"

// stateSummary reads the stateSummaryColumns, and reports whether they suffice.
func (r row) stateSummary(i int) (state store.Conversation, complete bool) {
	return store.Conversation{LastInboundAt: r.time(i), TemplateRequired: r.int(i+1) != 0}, r[i+2] == nil
}

// personByName finds the conversation with a person by any name.
const personByName = "FROM conversations WHERE lane = coalesce((SELECT person FROM names WHERE name = ?1), ?1) AND class = 0"

// person returns the lane of a person, and the state of the conversation. The lane is empty if the person is unknown.
func (t *tx) person(name string) (lane string, state store.Conversation, err error) {
	err = t.query("SELECT lane, "+stateColumns+" "+personByName, func(r row) error {
		lane = r.text(0)
		state = r.conversation(1)

		return nil
	}, name)

	return lane, state, err
}

// ensurePerson is like person, but creates the row of an unknown person. All names of a person are deleted with the row,
// so a name without a row is that of the lane.
func (t *tx) ensurePerson(name string) (lane string, err error) {
	if lane, _, err = t.person(name); err != nil || lane != "" {
		return lane, err
	}

	_, err = t.exec("INSERT INTO conversations (lane, class) VALUES (?, 0)", name)

	return name, err
}

// requireTemplate records whether only a template reaches a person.
func (t *tx) requireTemplate(name string, required bool) error {
	lane, err := t.ensurePerson(name)
	if err != nil {
		return err
	}

	_, err = t.exec("UPDATE conversations SET template_required = ? WHERE lane = ? AND class = 0", required, lane)

	return err
}

// nameConversation records the id that the AI gave the conversation with a person.
func (t *tx) nameConversation(name, id string, now time.Time) error {
	lane, err := t.ensurePerson(name)
	if err != nil {
		return err
	}

	_, err = t.exec("UPDATE conversations SET ai_conversation = ?, ai_conversation_at = ? WHERE lane = ? AND class = 0",
		optional(id), now.UnixMilli(), lane)

	return err
}

// takeOver changes the holder of a conversation, unless the recorded takeover stays (see store.Takeover.Changes). It makes a
// waiting lane due at now, so its events end or continue.
func (t *tx) takeOver(lane string, takeover *store.Takeover, now int64) error {
	_, err := t.exec(`
		UPDATE conversations SET human_until = ?1, taken_by = ?2, taken_at = ?3, taken_event = ?4,
			ready_at = iif(token IS NULL, min(ready_at, ?5), ready_at),
			set_at = iif(token IS NULL AND ready_at > ?5, ?5, set_at), waits_for = NULL
		WHERE lane = ?6 AND class = 0 AND (taken_at IS NULL OR taken_at <= ?3)
			AND NOT (coalesce(human_until, 0) > ?3 AND instr(?7, ' ' || coalesce(taken_by, '') || ' ') > 0)`,
		millis(takeover.Until), string(takeover.By), millis(takeover.At), eventID(takeover.Event), now, lane, preservedHolders(takeover))

	return err
}

// preservedHolders returns the holders whose takeovers a change preserves, each between spaces.
func preservedHolders(takeover *store.Takeover) string {
	var list strings.Builder
	for _, holder := range takeover.Preserves {
		if holder != store.Assistant {
			list.WriteString(" " + string(holder) + " ")
		}
	}

	return list.String()
}

// eventID returns nil for the zero id, so that it is stored as NULL.
func eventID(id store.ID) any {
	if id == (store.ID{}) {
		return nil
	}

	return id[:]
}

// Conversation implements store.Takeovers.
func (s *Store) Conversation(ctx context.Context, name string) (store.Conversation, error) {
	var (
		state store.Conversation
		found bool
	)

	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT "+stateColumns+" "+personByName, func(r row) error {
			found = true
			state = r.conversation(0)

			return nil
		}, name)
	})
	if err == nil && !found {
		err = store.ErrNotFound
	}

	if err != nil {
		return store.Conversation{}, fmt.Errorf("read a conversation: %w", err)
	}

	return state, nil
}

// Lane implements store.Takeovers.
func (s *Store) Lane(ctx context.Context, name string) (string, error) {
	lane := name

	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT person FROM names WHERE name = ?", func(r row) error {
			lane = r.text(0)

			return nil
		}, name)
	})
	if err != nil {
		return "", fmt.Errorf("look up a conversation: %w", err)
	}

	return lane, nil
}

// TakeOver implements store.Takeovers.
func (s *Store) TakeOver(ctx context.Context, name string, takeover store.Takeover, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		lane, _, err := t.person(name)
		if err != nil {
			return err
		}

		if lane == "" {
			return store.ErrNotFound
		}

		return t.takeOver(lane, &takeover, now.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("change who has a conversation: %w", err)
	}

	return nil
}

// Recent implements store.Takeovers.
func (s *Store) Recent(ctx context.Context, after store.Position, limit int) ([]store.NamedConversation, error) {
	const (
		recent = "SELECT lane, " + stateColumns + ` FROM conversations
			WHERE class = 0 AND last_inbound_at <= ?1 AND (last_inbound_at < ?1 OR lane < ?2)
			ORDER BY last_inbound_at DESC, lane DESC LIMIT ?3`
		silent = "SELECT lane, " + stateColumns + ` FROM conversations
			WHERE class = 0 AND last_inbound_at IS NULL AND lane > ?1 ORDER BY lane LIMIT ?2`
	)

	limit = max(limit, 0)

	var found []store.NamedConversation

	add := func(r row) error { //nolint:unparam // as query takes it
		found = append(found, store.NamedConversation{Name: r.text(0), Conversation: r.conversation(1)})
		return nil
	}

	err := s.read(ctx, func(c *conn) error {
		if !after.At.IsZero() || after.Name == "" {
			if err := c.query(ctx, recent, add, bound(after.At, math.MaxInt64), after.Name, int64(limit)); err != nil {
				return err
			}

			after.Name = ""
		}

		return c.query(ctx, silent, add, after.Name, int64(limit-len(found)))
	})
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}

	return found, nil
}

// TakenOver implements store.Takeovers.
func (s *Store) TakenOver(ctx context.Context, now time.Time, after string, limit int) ([]store.NamedConversation, error) {
	var found []store.NamedConversation

	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT lane, "+stateColumns+` FROM conversations INDEXED BY conversations_taken_by_name
			WHERE lane > ? AND class = 0 AND human_until > ? ORDER BY lane LIMIT ?`,
			func(r row) error {
				found = append(found, store.NamedConversation{Name: r.text(0), Conversation: r.conversation(1)})

				return nil
			}, after, now.UnixMilli(), int64(max(limit, 0)))
	})
	if err != nil {
		return nil, fmt.Errorf("list conversations that people have: %w", err)
	}

	return found, nil
}
