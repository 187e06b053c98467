// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// writeReplies queues the writes of the replies that steps add or change.
func (t *tx) writeReplies(attempts []*attempt) {
	var planned, changed replyColumns
	for _, a := range attempts {
		for i, r := range a.after {
			switch {
			case i >= len(a.head.replies):
				planned.add(a.head.seq, r)
			case r.State != a.head.replies[i].State || r.MessageID != a.head.replies[i].MessageID || !r.StartedAt.Equal(a.head.replies[i].StartedAt):
				changed.add(a.head.seq, r)
			}
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

func (s *replyColumns) add(event int64, r store.Reply) {
	s.events = append(s.events, event)
	s.parts = append(s.parts, r.Part)
	s.states = append(s.states, string(r.State))
	s.started = append(s.started, millis(r.StartedAt))
	s.messages = append(s.messages, r.MessageID)
	s.kinds = append(s.kinds, r.Type)
	s.bodies = append(s.bodies, r.Body)
	s.fallback = append(s.fallback, r.Fallback)
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
