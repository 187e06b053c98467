// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// finish ends the attempts that have an outcome, and returns the next event of each lease that continues.
func (t *tx) finish(ctx context.Context, attempts []*attempt, l *lanes) error {
	var (
		finished, ended []*attempt
		failures        []historyEntry
	)

	for _, a := range attempts {
		a.next = nil

		outcome := a.step.Outcome
		if outcome == nil {
			a.row.resetStarts()
			continue
		}

		finished = append(finished, a)

		if outcome.Failure != nil {
			failures = append(failures, historyEntry{event: a.head.seq, failure: outcome.Failure})
		}

		if outcome.State == store.Pending {
			a.row.retry(outcome, a.step.Now)
			continue
		}

		t.tally.Move(a.lane.class, store.Pending, outcome.State)
		ended = append(ended, a)
	}

	t.writeOutcomes(finished)

	coalesced, err := t.endCoalesced(ctx, ended)
	if err != nil {
		return err
	}

	t.addFailures(append(failures, coalesced...))
	l.save(t) // before the next events are read, with the state of their persons

	return t.advanceHeads(ctx, ended, l)
}

// resetStarts sets the starts of a lane whose event has made progress.
func (l *lane) resetStarts() {
	if l.starts != 1 {
		l.starts = 1
		l.changed = true
	}
}

// retry ends the lease on a lane whose head is tried again.
func (l *lane) retry(outcome *store.Outcome, now time.Time) {
	l.ready = millis(outcome.RetryAt)
	l.set = millis(now)
	l.waitsFor = sanitize(outcome.WaitsFor)
	l.token = nil
	l.starts = 0
	l.changed = true
}

// writeOutcomes queues the update of the events of attempts that have an outcome.
func (t *tx) writeOutcomes(attempts []*attempt) {
	if len(attempts) == 0 {
		return
	}

	var (
		seqs, finished []int64
		spent          []int
		states, codes  []string
		failed         []bool
	)

	for _, a := range attempts {
		outcome := a.step.Outcome
		counts := 0
		code := ""

		if outcome.Failure != nil {
			code = outcome.Failure.Code

			if outcome.Failure.Spent {
				counts = 1
			}
		}

		seqs = append(seqs, a.head.seq)
		finished = append(finished, a.step.Now.UnixMilli())
		states = append(states, string(outcome.State))
		spent = append(spent, counts)
		failed = append(failed, outcome.Failure != nil)
		codes = append(codes, code)
	}

	t.exec(`
		UPDATE events e SET state = k.state, attempts = e.attempts + k.spent,
			finished_at = CASE WHEN k.state <> 'pending' THEN k.finished_at END, code = CASE WHEN k.failed THEN k.code ELSE e.code END
		FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::boolean[], $6::text[])
			k (seq, state, finished_at, spent, failed, code)
		WHERE e.seq = k.seq`, seqs, states, finished, spent, failed, codes)
}

// advanceHeads sets the next event of each lane whose head has ended, or ends the lease.
func (t *tx) advanceHeads(ctx context.Context, ended []*attempt, l *lanes) error {
	lanes := make([]laneKey, len(ended))
	for i, a := range ended {
		lanes[i] = a.lane
	}

	heads, err := t.laneHeads(ctx, lanes)
	if err != nil {
		return err
	}

	for _, a := range ended {
		if a.next = heads[a.lane]; a.next == nil {
			a.row.idle()
			continue
		}

		a.next.Starts = 1
		a.row.head = &a.next.Seq
		a.row.starts = 1
		a.row.changed = true
	}

	l.save(t)

	return nil
}

// historyEntry is a failure to add to the history of an event.
type historyEntry struct {
	event   int64
	failure *store.Failure
}

// addNote adds an entry to the history of another event.
func (t *tx) addNote(ctx context.Context, note *store.Note) error {
	var entries []historyEntry

	t.query(`
		UPDATE events e SET code = CASE WHEN e.state = ANY($2) THEN $3 ELSE e.code END WHERE e.id = $1 RETURNING e.seq`,
		func(rows pgx.Rows) error {
			entry := historyEntry{failure: &note.Failure}
			err := rows.Scan(&entry.event)
			entries = append(entries, entry)

			return err
		}, note.Event, replayableStates, note.Failure.Code)

	if err := t.flush(ctx); err != nil {
		return err
	}

	t.addFailures(entries)

	return nil
}

// addFailures queues the inserts of failures, each numbered after the last one of its event, and the deletion of the
// oldest.
func (t *tx) addFailures(lines []historyEntry) {
	if len(lines) == 0 {
		return
	}

	var (
		events, at            []int64
		classes, codes, texts []string
		spent                 []bool
	)
	for _, line := range lines {
		f := line.failure
		events = append(events, line.event)
		at = append(at, f.At.UnixMilli())
		spent = append(spent, f.Spent)
		classes = append(classes, f.Class)
		codes = append(codes, f.Code)
		texts = append(texts, f.Text)
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
