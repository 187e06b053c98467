// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// Peek implements store.Queue.
func (s *Store) Peek(ctx context.Context, lease store.LeaseRef, limit int) ([]store.Event, error) {
	p := &peek{
		lane:  leaseLane(lease),
		token: lease.Token,
		limit: max(limit, 0),
	}
	if err := s.peeks.do(ctx, p); err != nil {
		return nil, fmt.Errorf("read the events after a lane's head: %w", err)
	}

	return p.found, nil
}

// peek is a call that reads the events after the head of a lane.
type peek struct {
	lane  laneKey
	token int64
	limit int

	begun bool // an event was found that has begun without the head
	found []store.Event
}

func (p *peek) weight() int { return max(p.limit, 1) }

// peekQuery reads the events after the heads of leased lanes.
const peekQuery = `
	SELECT k.n, e.seq IS NOT NULL, coalesce(e.begun, false), e.id, coalesce(e.kind, ''), coalesce(e.type, ''),
		coalesce(e.phone_number_id, ''), coalesce(e.received_at, 0), e.payload
	FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY k (lane, class, token, most, n)
	CROSS JOIN LATERAL (
		SELECT c.head FROM conversations c WHERE c.lane = k.lane AND c.class = k.class AND c.token = k.token LIMIT 1
	) c
	LEFT JOIN LATERAL (
		SELECT e.seq, e.bound_to IS NOT NULL OR e.binds OR ` + hasReplies + ` AS begun, ` + headColumns + `
		FROM events e
		WHERE e.lane = k.lane AND e.class = k.class AND e.state = 'pending' AND e.seq > c.head AND e.bound_to IS DISTINCT FROM c.head
		ORDER BY e.seq LIMIT k.most
	) e ON true
	WHERE c.head IS NOT NULL
	ORDER BY k.n, e.seq`

// peekAll queues the query of the events after the heads of lanes. One statement reads those of all calls, so that each
// call sees one snapshot, and all of them cost one round trip.
func peekAll(_ context.Context, t *tx, calls []*groupcommit.Call[*peek]) error {
	lanes := make([]string, len(calls))
	classes := make([]int16, len(calls))
	tokens := make([]int64, len(calls))
	limits := make([]int, len(calls))

	for i, c := range calls {
		p := c.Value
		p.begun = false
		p.found = nil

		lanes[i] = p.lane.lane
		classes[i] = int16(p.lane.class)
		tokens[i] = p.token
		limits[i] = p.limit

		c.Err = store.ErrLeaseLost // until a row shows that the lease is valid
	}

	t.query(peekQuery,
		func(rows pgx.Rows) error {
			var (
				n             int
				exists, begun bool
				id            *[16]byte
				event         pending
			)

			targets := event.targets()
			targets[0] = &id

			if err := rows.Scan(slices.Concat([]any{&n, &exists, &begun}, targets)...); err != nil {
				return err
			}

			call := calls[n-1]
			call.Err = nil

			if exists {
				event.id = *id
				call.Value.add(&event, begun)
			}

			return nil
		}, lanes, classes, tokens, limits)

	return nil
}

// add adds the next event after the head, unless it or an event before it has begun without the head.
func (p *peek) add(event *pending, begun bool) {
	if p.begun = p.begun || begun; !p.begun {
		p.found = append(p.found, event.toEvent(p.lane))
	}
}
