// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// writeReplies queues the writes of the replies that steps add, change or remove.
func (t *tx) writeReplies(attempts []*attempt) {
	var planned, changed, replaced replyColumns

	for _, a := range attempts {
		changes := store.CompareReplies(a.head.replies, a.after)
		planned.add(a.head.seq, changes.Added)
		changed.add(a.head.seq, changes.Advanced)
		replaced.add(a.head.seq, changes.Replaced)

		if len(changes.Removed) > 0 {
			t.exec("DELETE FROM replies WHERE event = $1 AND part = ANY($2::bigint[])", a.head.seq, changes.Removed)
		}
	}

	if len(planned.events) > 0 {
		t.exec(`
			INSERT INTO replies (event, part, state, started_at, message_id, type, body, fallback)
			SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::boolean[])`,
			planned.events, planned.parts, planned.states, planned.started, planned.messages, planned.kinds, planned.bodies, planned.fallback)
	}

	if len(changed.events) > 0 {
		t.exec(`
			UPDATE replies r SET state = k.state, started_at = k.started_at, message_id = k.message_id
			FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[]) k (event, part, state, started_at, message_id)
			WHERE r.event = k.event AND r.part = k.part`,
			changed.events, changed.parts, changed.states, changed.started, changed.messages)
	}

	if len(replaced.events) > 0 {
		t.exec(`
			UPDATE replies r SET type = k.type, body = k.body, fallback = k.fallback
			FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::boolean[]) k (event, part, type, body, fallback)
			WHERE r.event = k.event AND r.part = k.part`,
			replaced.events, replaced.parts, replaced.kinds, replaced.bodies, replaced.fallback)
	}
}

// removeReply queues the removal of a reply that was sent and failed.
func (t *tx) removeReply(reply *store.ReplyRef) {
	t.exec(`
		DELETE FROM replies
		WHERE event = (SELECT seq FROM events WHERE id = $1 AND state = 'done') AND part = $2
			AND state = 'sent' AND (message_id = $3 OR $3 = '')`,
		reply.Event, reply.Part, reply.MessageID)
}

// replyColumns are rows of replies, by column.
type replyColumns struct {
	events                  []int64
	parts                   []int
	states, messages, kinds []string
	started                 []*int64
	bodies                  [][]byte
	fallback                []bool
}

func (c *replyColumns) add(event int64, replies []store.Reply) {
	for _, r := range replies {
		c.events = append(c.events, event)
		c.parts = append(c.parts, r.Part)
		c.states = append(c.states, string(r.State))
		c.started = append(c.started, millis(r.StartedAt))
		c.messages = append(c.messages, r.MessageID)
		c.kinds = append(c.kinds, r.Type)
		c.bodies = append(c.bodies, r.Body)
		c.fallback = append(c.fallback, r.Fallback)
	}
}

const replyColumnNames = "r.event, r.part, r.type, r.body, r.state, r.started_at, r.message_id, r.resends, r.fallback"

func scanReply(rows pgx.Rows) (event int64, r store.Reply, err error) {
	var started *int64

	err = rows.Scan(&event, &r.Part, &r.Type, &r.Body, &r.State, &started, &r.MessageID, &r.Resends, &r.Fallback)
	r.StartedAt = fromMillis(started)

	return event, r, err
}

// readReplies queues the query of the replies to events, by part.
func (t *tx) readReplies(events []int64, each func(event int64, r store.Reply)) {
	t.query("SELECT "+replyColumnNames+" FROM replies r WHERE r.event = ANY($1) ORDER BY r.event, r.part", func(rows pgx.Rows) error {
		event, r, err := scanReply(rows)
		each(event, r)

		return err
	}, events)
}
