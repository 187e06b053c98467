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

// candidate is an event that a step wants to coalesce with its head.
type candidate struct {
	lane    laneKey
	seq     int64
	boundTo *int64
	started bool // it is not pending, or has replies or coalesced events of its own
}

// readCandidates queues the query of the events that steps coalesce.
func (t *tx) readCandidates(calls []*groupcommit.Call[*advance]) map[store.ID]*candidate {
	found := map[store.ID]*candidate{}

	var ids []store.ID
	for _, c := range calls {
		ids = append(ids, c.Value.step.Coalesced...)
	}

	if len(ids) == 0 {
		return found
	}

	t.query(`
		SELECT e.id, e.lane, e.class, e.seq, e.bound_to,
			e.state <> 'pending' OR e.binds OR `+hasReplies+`
		FROM events e WHERE e.id = ANY($1)`,
		func(rows pgx.Rows) error {
			var id [16]byte

			w := &candidate{}
			err := rows.Scan(&id, &w.lane.lane, (*int16)(&w.lane.class), &w.seq, &w.boundTo, &w.started)
			found[id] = w

			return err
		}, ids)

	return found
}

// coalesced returns the events to coalesce with the head. An event that is already coalesced with it stays so.
func (a *advance) coalesced(head *head, found map[store.ID]*candidate) ([]int64, error) {
	var seqs []int64
	for _, id := range a.step.Coalesced {
		w := found[id]
		if w == nil || w.lane != a.lane || w.started || w.seq <= head.seq || w.boundTo != nil && *w.boundTo != head.seq {
			return nil, fmt.Errorf("event %s cannot be coalesced: it is not pending behind the head, or already has replies", id)
		}

		seqs = append(seqs, w.seq)
	}

	return seqs, nil
}

// coalesce queues the updates that make events end together with the heads of their lanes, and settle these.
func (t *tx) coalesce(attempts []*attempt) {
	for _, a := range attempts {
		if len(a.coalesced) > 0 {
			t.exec("UPDATE events SET bound_to = $1 WHERE seq = ANY($2)", a.head.seq, a.coalesced)
		}

		if len(a.coalesced) > 0 || a.step.Settled {
			t.exec("UPDATE events SET binds = true WHERE seq = $1", a.head.seq)
		}
	}
}

// readCoalesced queues the query of the pending events that are coalesced with heads, in order.
func (t *tx) readCoalesced(heads []int64, each func(head int64, p *pending)) {
	if len(heads) == 0 {
		return
	}

	t.query("SELECT e.bound_to, "+headColumns+" FROM events e WHERE e.bound_to = ANY($1) AND "+isPending+" ORDER BY e.seq",
		func(rows pgx.Rows) error {
			var (
				p    pending
				head int64
			)

			err := rows.Scan(slices.Concat([]any{&head}, p.targets())...)
			each(head, &p)

			return err
		}, heads)
}

// endCoalesced ends the events coalesced with heads that steps have ended. It returns the history entries of those
// that were not answered.
func (t *tx) endCoalesced(ctx context.Context, heads []*attempt) ([]historyEntry, error) {
	var failures []historyEntry

	binding := false
	for _, a := range heads {
		if !a.head.coalesces {
			continue
		}

		binding = true
		outcome := a.step.Outcome
		fails := 0
		code := ""

		if outcome.Failure != nil && slices.Contains(store.Replayable, outcome.State) {
			fails = 1
			code = outcome.Failure.Code
		}

		t.query(`
			UPDATE events SET state = $1, finished_at = $2, code = CASE WHEN $3 = 1 THEN $4 ELSE code END
			WHERE bound_to = $5 AND state = 'pending' RETURNING seq`,
			func(rows pgx.Rows) error {
				var seq int64

				err := rows.Scan(&seq)

				t.tally.Move(a.lane.class, store.Pending, outcome.State)

				if fails > 0 {
					failures = append(failures, historyEntry{event: seq, failure: outcome.Failure})
				}

				return err
			}, string(outcome.State), a.step.Now.UnixMilli(), fails, code, a.head.seq)
	}

	if !binding {
		return nil, nil
	}

	return failures, t.flush(ctx)
}
