// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// head is the event that a step is about.
type head struct {
	seq       int64
	coalesces bool
	replies   []store.Reply
}

// collectLocks adds the rows that steps change, beyond their own events, to the lock set.
func (t *tx) collectLocks(ctx context.Context, n *lockSet, calls []*groupcommit.Call[*advance]) (*arrivals, error) {
	var (
		emits   []*store.Event
		resends []store.ID
	)
	for _, c := range calls {
		step := &c.Value.step
		lane := c.Value.lane
		n.add(lane)

		if step.TemplateRequired != nil {
			n.addNamed(conversation(c.Value.templateLane()))
		}

		if step.Takeover != nil {
			n.addNamed(conversation(c.Value.takeoverLane()))
		}

		if step.AIConversationID != nil || step.Sending != nil && lane.class != store.Conversations {
			n.addNamed(conversation(lane.lane))
		}

		for i := range step.Emit {
			emits = append(emits, &step.Emit[i])
		}

		if step.Resend != nil {
			resends = append(resends, step.Resend.Event)
		}
	}

	if len(resends) > 0 {
		t.query("SELECT lane, class FROM events WHERE id = ANY($1) AND state = 'done' AND class <> 3", func(rows pgx.Rows) error {
			var of laneKey

			err := rows.Scan(&of.lane, (*int16)(&of.class))
			n.addNamed(of)

			return err
		}, resends)

		if err := t.flush(ctx); err != nil {
			return nil, err
		}
	}

	a, err := t.lookUpSends(ctx, emits)
	if err != nil {
		return nil, err
	}

	a.addLocks(n)

	return a, nil
}

// stepHeads queues the query of the events of steps. It locks the replies that a step changes, because a status may
// prove one sent at the same time.
func (t *tx) stepHeads(calls []*groupcommit.Call[*advance]) map[store.ID]*head {
	heads := map[store.ID]*head{}
	bySeq := map[int64]*head{}

	var events, sends []store.ID
	for _, c := range calls {
		events = append(events, c.Value.event)
		if step := &c.Value.step; len(step.Answer) > 0 || step.Sent != nil || step.Unsent != nil || step.Sending != nil {
			sends = append(sends, c.Value.event)
		}
	}

	t.query("SELECT id, seq, binds FROM events WHERE id = ANY($1)", func(rows pgx.Rows) error {
		var id [16]byte

		h := &head{}
		err := rows.Scan(&id, &h.seq, &h.coalesces)
		heads[id] = h
		bySeq[h.seq] = h

		return err
	}, events)

	if len(sends) > 0 {
		t.query(`
			SELECT `+replyColumnNames+` FROM replies r WHERE r.event = ANY(ARRAY(SELECT seq FROM events WHERE id = ANY($1)))
			ORDER BY r.event, r.part FOR UPDATE`,
			func(rows pgx.Rows) error {
				event, r, err := scanReply(rows)
				bySeq[event].replies = append(bySeq[event].replies, r)

				return err
			}, sends)
	}

	return heads
}
