// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"fmt"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// finish ends the attempt and returns the next event if the lease continues.
func (t *tx) finish(l *lane, coalesces bool, step store.Step) (*store.Work, error) {
	outcome := step.Outcome

	var spent int64
	if outcome.Failure != nil {
		if outcome.Failure.Spent {
			spent = 1
		}

		if err := t.addFailure(l.head, outcome.Failure); err != nil {
			return nil, err
		}
	}

	if outcome.State == store.Pending {
		if spent > 0 {
			if _, err := t.exec("UPDATE events SET attempts = attempts + 1 WHERE seq = ?", l.head); err != nil {
				return nil, err
			}
		}

		_, err := t.exec(`
			UPDATE conversations SET ready_at = ?, set_at = ?, waits_for = ?, token = NULL, starts = 0
			WHERE lane = ? AND class = ?`,
			outcome.RetryAt.UnixMilli(), step.Now.UnixMilli(), optional(outcome.WaitsFor), l.Lane, int64(l.Class))

		return nil, err
	}

	_, err := t.exec("UPDATE events SET state = ?, finished_at = ?, attempts = attempts + ? WHERE seq = ?",
		string(outcome.State), step.Now.UnixMilli(), spent, l.head)
	if err != nil {
		return nil, err
	}

	t.tally.Move(l.Class, store.Pending, outcome.State)

	if err := t.recordCode(l.head, outcome.State); err != nil {
		return nil, err
	}

	if coalesces {
		if err := t.endCoalesced(l.Class, l.head, step); err != nil {
			return nil, err
		}
	}

	return t.advanceHead(l, step.Now)
}

// endWithoutChanges ends the head of a lane with one statement. It reports false, and has changed nothing, if the lease is
// lost, the event is not the head, or coalesced events end with it.
func (t *tx) endWithoutChanges(lease store.LeaseRef, event store.ID, now time.Time) (isEnded bool, err error) {
	wasDirty := t.dirty

	changed, err := t.exec(`
		UPDATE events SET state = ?, finished_at = ?
		WHERE seq = (SELECT head FROM conversations WHERE lane = ? AND class = ? AND token = ?) AND id = ? AND binds = 0`,
		string(store.Done), now.UnixMilli(), lease.Lane, int64(lease.Class), lease.Token, event[:])
	if err != nil {
		return false, err
	}

	if changed == 0 {
		t.dirty = wasDirty
		return false, nil
	}

	t.tally.Move(lease.Class, store.Pending, store.Done)

	return true, nil
}

// advanceHead makes the next pending event the head of a lane, and returns it. If there is none, the lease ends.
func (t *tx) advanceHead(l *lane, now time.Time) (*store.Work, error) {
	if t.blind {
		return nil, t.requeue(l.LeaseRef, now)
	}

	if isIdle, err := t.idleIfEmpty(l.LeaseRef); err != nil || isIdle {
		return nil, err
	}

	next, err := t.head(l.Class, l.Lane)
	if err != nil {
		return nil, err
	}

	if next == nil {
		return nil, fmt.Errorf("next event of a lane of class %s: %w", l.Class, store.ErrNotFound)
	}

	if next.Conversation, err = t.conversation(l); err != nil {
		return nil, err
	}

	next.Starts = 1
	_, err = t.exec("UPDATE conversations SET head = ?, starts = 1 WHERE lane = ? AND class = ?",
		next.Seq, l.Lane, int64(l.Class))

	return next, err
}

// recordCode records the code of the last failure of an event that ended in a state that can be replayed.
func (t *tx) recordCode(event int64, state store.State) error {
	if !slices.Contains(store.Replayable, state) {
		return nil
	}

	_, err := t.exec(`
		UPDATE events SET code = coalesce((SELECT code FROM failures WHERE event = seq ORDER BY n DESC LIMIT 1), '')
		WHERE seq = ?`, event)

	return err
}

// addNote adds an entry to the history of another event.
func (t *tx) addNote(note *store.Note) error {
	var (
		event int64
		state store.State
	)

	err := t.query("SELECT seq, state FROM events WHERE id = ?", func(r row) error {
		event = r.int(0)
		state = store.State(r.text(1))

		return nil
	}, note.Event[:])
	if err != nil || event == 0 {
		return err
	}

	if err := t.addFailure(event, &note.Failure); err != nil {
		return err
	}

	return t.recordCode(event, state)
}

// addFailure adds a failure to the history of an event, and deletes the oldest beyond the limit.
func (t *tx) addFailure(event int64, f *store.Failure) error {
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
