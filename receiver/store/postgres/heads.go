// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const headColumns = "e.id, e.kind, e.type, e.phone_number_id, e.received_at, e.payload"

// pending holds the columns of headColumns.
type pending struct {
	id       [16]byte
	received int64
	event    store.Event
}

func (p *pending) targets() []any {
	return []any{&p.id, &p.event.Kind, &p.event.Type, &p.event.PhoneNumberID, &p.received, &p.event.Payload}
}

// toEvent returns the columns as an event of a lane.
func (p *pending) toEvent(key laneKey) store.Event {
	e := p.event
	e.ID = p.id
	e.State = store.Pending
	e.Class = key.class
	e.Lane = key.lane
	e.ReceivedAt = fromMillis(&p.received)

	return e
}

// laneHeads returns the oldest pending event of each lane, complete except for Starts.
func (t *tx) laneHeads(ctx context.Context, keys []laneKey) (map[laneKey]*store.Work, error) {
	if len(keys) == 0 {
		return map[laneKey]*store.Work{}, nil
	}

	read := newHeadRows()

	t.queryHeads(keys, read)

	if err := t.flush(ctx); err != nil || len(read.answered)+len(read.binding) == 0 {
		return read.heads, err
	}

	t.readReplies(read.answered, func(event int64, r store.Reply) {
		work := read.heads[read.lanes[event]]
		work.Replies = append(work.Replies, r)
	})
	t.readCoalesced(read.binding, func(event int64, p *pending) {
		key := read.lanes[event]
		work := read.heads[key]
		work.Coalesced = append(work.Coalesced, p.toEvent(key))
	})

	return read.heads, t.flush(ctx)
}

// headRows are the events that queryHeads read.
type headRows struct {
	heads    map[laneKey]*store.Work
	lanes    map[int64]laneKey // by the seq of the event
	answered []int64           // events with replies
	binding  []int64           // events with which others are coalesced
}

func newHeadRows() *headRows {
	return &headRows{heads: map[laneKey]*store.Work{}, lanes: map[int64]laneKey{}}
}

// queryHeads queues the query of the oldest pending event of each lane, without replies and coalesced events. The LIMIT
// makes the planner look up each lane separately: without statistics on new tables it would prefer to read them entirely.
func (t *tx) queryHeads(keys []laneKey, read *headRows) {
	names, classes := keyColumns(keys)

	t.query(`
		SELECT k.lane, k.class, e.seq, `+headColumns+`, e.attempts, e.replays, e.binds, coalesce(e.transcript, ''),
			`+hasReplies+`,
			`+stateColumns+`
		FROM unnest($1::text[], $2::smallint[]) k (lane, class)
		CROSS JOIN LATERAL (
			SELECT * FROM events e WHERE e.lane = k.lane AND e.class = k.class AND e.state = 'pending' ORDER BY e.seq LIMIT 1
		) e
		LEFT JOIN LATERAL (
			SELECT * FROM conversations c
			WHERE c.lane = coalesce((SELECT n.person FROM names n WHERE n.name = k.lane), k.lane) AND c.class = 0 LIMIT 1
		) c ON true`,
		func(rows pgx.Rows) error {
			var (
				key     laneKey
				p       pending
				answers bool
				state   stateRow
			)

			work := &store.Work{}
			err := rows.Scan(slices.Concat([]any{&key.lane, (*int16)(&key.class), &work.Seq}, p.targets(), []any{
				&work.Attempts, &work.Replays, &work.Settled, &work.Transcript, &answers,
			}, state.targets())...)
			work.Event = p.toEvent(key)
			work.Conversation = state.conversation()
			read.heads[key] = work
			read.lanes[work.Seq] = key

			if answers {
				read.answered = append(read.answered, work.Seq)
			}

			if work.Settled {
				read.binding = append(read.binding, work.Seq)
			}

			return err
		}, names, classes)
}
