// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Advance implements store.Store.
func (s *Store) Advance(ctx context.Context, lease store.LeaseRef, event store.ID, step store.Step) (*store.Work, error) {
	if err := step.Validate(); err != nil {
		return nil, fmt.Errorf("record a step: %w", err)
	}
	var next *store.Work
	err := s.writer.do(ctx, func(t *tx) (err error) {
		next, err = t.advance(lease, event, step)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("record a step: %w", err)
	}
	return next, nil
}

func (t *tx) advance(lease store.LeaseRef, event store.ID, step store.Step) (*store.Work, error) {
	var held bool
	var head, starts int64
	// The token decides: a lease past its end that nobody else took is as good as new.
	err := t.query(`
		SELECT c.head, c.starts FROM conversations c JOIN events e ON e.seq = c.head
		WHERE c.lane = ? AND c.token = ? AND e.id = ?`, func(r row) error {
		held, head, starts = true, r.int(0), r.int(1)
		return nil
	}, lease.Lane, lease.Token, event[:])
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, store.ErrLeaseLost
	}
	if err := t.send(head, step); err != nil {
		return nil, err
	}
	if step.Outcome == nil {
		if starts != 1 {
			_, err = t.exec("UPDATE conversations SET starts = 1 WHERE lane = ?", lease.Lane)
		}
		return nil, err
	}
	return t.finish(lease, head, step)
}

// send records what a step says of the replies to an event.
func (t *tx) send(event int64, step store.Step) error {
	if len(step.Answer) == 0 && step.Sent == nil && step.Unsent == nil && step.Sending == nil {
		return nil
	}
	before, err := replies(context.Background(), t.conn, event)
	if err != nil {
		return err
	}
	after, err := store.ApplyStep(before, step)
	if err != nil {
		return err
	}
	for i, r := range after {
		switch {
		case i >= len(before):
			_, err = t.exec(`
				INSERT INTO replies (event, part, type, body, state, started_at, message_id) VALUES (?, ?, ?, ?, ?, ?, ?)`,
				event, int64(r.Part), r.Type, bytes(r.Body), string(r.State), millis(r.StartedAt), r.MessageID)
		case r.State != before[i].State || r.MessageID != before[i].MessageID || !r.StartedAt.Equal(before[i].StartedAt):
			_, err = t.exec("UPDATE replies SET state = ?, started_at = ?, message_id = ? WHERE event = ? AND part = ?",
				string(r.State), millis(r.StartedAt), r.MessageID, event, int64(r.Part))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finish ends the attempt and returns the next event, when the lease goes on with one.
func (t *tx) finish(lease store.LeaseRef, head int64, step store.Step) (*store.Work, error) {
	outcome := step.Outcome
	var spent int64
	if outcome.Failure != nil {
		if outcome.Failure.Spent {
			spent = 1
		}
		if err := t.fail(head, outcome.Failure); err != nil {
			return nil, err
		}
	}
	if outcome.State == store.Pending {
		if spent > 0 {
			if _, err := t.exec("UPDATE events SET attempts = attempts + 1 WHERE seq = ?", head); err != nil {
				return nil, err
			}
		}
		_, err := t.exec("UPDATE conversations SET ready_at = ?, token = NULL, starts = 0 WHERE lane = ?",
			outcome.RetryAt.UnixMilli(), lease.Lane)
		return nil, err
	}

	_, err := t.exec("UPDATE events SET state = ?, finished_at = ?, attempts = attempts + ? WHERE seq = ?",
		string(outcome.State), step.Now.UnixMilli(), spent, head)
	if err != nil {
		return nil, err
	}
	t.counted(store.Pending, outcome.State)
	next, err := t.head(lease.Lane)
	if err != nil {
		return nil, err
	}
	if next == nil {
		return nil, t.idle(lease.Lane)
	}
	next.Starts = 1
	_, err = t.exec("UPDATE conversations SET head = ?, starts = 1 WHERE lane = ?", next.Seq, lease.Lane)
	return next, err
}

func (t *tx) fail(event int64, f *store.Failure) error {
	_, err := t.exec(`
		INSERT INTO failures (event, n, at, class, code, text, spent)
		SELECT ?1, coalesce(max(n), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM failures WHERE event = ?1`,
		event, f.At.UnixMilli(), f.Class, f.Code, f.Text, f.Spent)
	if err != nil {
		return err
	}
	_, err = t.exec(`
		DELETE FROM failures WHERE event = ?1 AND n <= (SELECT max(n) FROM failures WHERE event = ?1) - ?2`,
		event, int64(store.MaxFailures))
	return err
}

// replies returns the replies to an event by part.
func replies(ctx context.Context, c *conn, event int64) ([]store.Reply, error) {
	var all []store.Reply
	err := c.query(ctx, "SELECT part, type, body, state, started_at, message_id FROM replies WHERE event = ? ORDER BY part",
		func(r row) error {
			all = append(all, store.Reply{
				Part: int(r.int(0)), Type: r.text(1), Body: r.blob(2), State: store.ReplyState(r.text(3)), StartedAt: r.time(4),
				MessageID: r.text(5),
			})
			return nil
		}, event)
	return slices.Clip(all), err
}
