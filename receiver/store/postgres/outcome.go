// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// finish ends the attempts that steps end, and finds the next event where a lease goes on with one.
func (t *tx) finish(ctx context.Context, attempts []*attempt, l *lanes) error {
	var seqs, finished []int64
	var spent []int
	var states []string
	var failures []failed
	var ended []*attempt
	for _, a := range attempts {
		a.next = nil
		outcome := a.step.Outcome
		if outcome == nil {
			if a.row.starts != 1 {
				a.row.starts, a.row.changed = 1, true
			}
			continue
		}
		counts := 0
		if outcome.Failure != nil {
			failures = append(failures, failed{event: a.head.seq, failure: outcome.Failure})
			if outcome.Failure.Spent {
				counts = 1
			}
		}
		seqs, finished = append(seqs, a.head.seq), append(finished, a.step.Now.UnixMilli())
		states, spent = append(states, string(outcome.State)), append(spent, counts)
		if outcome.State == store.Pending {
			a.row.ready, a.row.token, a.row.starts, a.row.changed = millis(outcome.RetryAt), nil, 0, true
			continue
		}
		t.counted(store.ClassOf(a.lane.class), store.Pending, outcome.State)
		ended = append(ended, a)
	}
	if len(seqs) > 0 {
		t.exec(`
			UPDATE events e SET state = k.state, attempts = e.attempts + k.spent,
				finished_at = CASE WHEN k.state <> 'pending' THEN k.finished_at END
			FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) k (seq, state, finished_at, spent)
			WHERE e.seq = k.seq`, seqs, states, finished, spent)
	}
	bound, err := t.endBound(ctx, ended)
	if err != nil {
		return err
	}
	t.fail(append(failures, bound...))
	l.save(t) // before the next events are read with their people
	return t.goOn(ctx, ended, l)
}

// goOn hands out the next event of each lane whose head has ended, or ends the lease.
func (t *tx) goOn(ctx context.Context, ended []*attempt, l *lanes) error {
	lanes := make([]laneKey, len(ended))
	for i, a := range ended {
		lanes[i] = a.lane
	}
	heads, err := t.heads(ctx, lanes)
	if err != nil {
		return err
	}
	for _, a := range ended {
		if a.next = heads[a.lane]; a.next == nil {
			a.row.idle()
			continue
		}
		a.next.Starts = 1
		a.row.head, a.row.starts, a.row.changed = &a.next.Seq, 1, true
	}
	l.save(t)
	return nil
}

// failed is a line for the history of an event.
type failed struct {
	event   int64
	failure *store.Failure
}

// fail queues lines in the history of events, and drops the oldest. The number of a line is that of the one before
// and one more.
func (t *tx) fail(lines []failed) {
	if len(lines) == 0 {
		return
	}
	var events, at []int64
	var classes, codes, texts []string
	var spent []bool
	for _, line := range lines {
		f := line.failure
		events, at, spent = append(events, line.event), append(at, f.At.UnixMilli()), append(spent, f.Spent)
		classes, codes, texts = append(classes, f.Class), append(codes, f.Code), append(texts, f.Text)
	}
	t.exec(`
		INSERT INTO failures (event, n, at, class, code, text, spent)
		SELECT k.event, coalesce((SELECT max(n) FROM failures f WHERE f.event = k.event), 0) + 1, k.at, k.class, k.code, k.text, k.spent
		FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::boolean[]) k (event, at, class, code, text, spent)`,
		events, at, classes, codes, texts, spent)
	t.exec(`
		DELETE FROM failures f USING unnest($1::bigint[]) k (event)
		WHERE f.event = k.event AND f.n <= (SELECT max(n) FROM failures m WHERE m.event = k.event) - $2`,
		events, store.MaxFailures)
}
