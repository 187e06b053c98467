// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Advance implements store.Queue.
func (s *Store) Advance(ctx context.Context, lease store.LeaseRef, event store.ID, step store.Step) (*store.Work, error) {
	if err := step.Validate(); err != nil {
		return nil, fmt.Errorf("record a step: %w", err)
	}

	var next *store.Work

	do := s.writer.do
	if step.IsDeferrable() {
		do = s.writer.doDeferrable
	}

	err := do(ctx, func(t *tx) (err error) {
		next, err = t.advance(lease, event, step)
		return err
	})
	if isDamage(err) {
		next = nil
		err = s.advanceBlind(ctx, lease, event, step)
	}

	if err != nil {
		return nil, fmt.Errorf("record a step: %w", err)
	}

	return next, nil
}

func (t *tx) advance(lease store.LeaseRef, event store.ID, step store.Step) (*store.Work, error) {
	held := lane{LeaseRef: lease}

	if lease.Class != store.Conversations && step.IsPlainEnd() {
		if isEnded, err := t.endPlainly(lease, event, step.Now); err != nil {
			return nil, err
		} else if isEnded {
			return t.advanceHead(&held, step.Now)
		}
	}

	var coalesces bool
	// The token decides: an expired lease that no other caller has claimed is still valid.
	err := t.query(`
		SELECT c.head, c.starts, e.binds, `+briefColumns+`
		FROM conversations c JOIN events e ON e.seq = c.head
		WHERE c.lane = ? AND c.class = ? AND c.token = ? AND e.id = ?`, func(r row) error {
		held.head = r.int(0)
		held.starts = r.int(1)
		coalesces = r.int(2) != 0
		held.state, held.known = r.brief(3)
		held.known = held.known && lease.Class == store.Conversations

		return nil
	}, lease.Lane, int64(lease.Class), lease.Token, event[:])
	if err != nil {
		return nil, err
	}

	if held.head == 0 {
		return nil, store.ErrLeaseLost
	}

	if step.Sending != nil && !step.ByDesk {
		if err := t.checkTakeover(&held, event, step.Now); err != nil {
			return nil, err
		}
	}

	if err := t.writeReplies(held.head, step); err != nil {
		return nil, err
	}

	if len(step.Coalesced) > 0 || step.Settled {
		coalesces = true

		if err := t.coalesce(lease, held.head, step.Coalesced); err != nil {
			return nil, err
		}
	}

	if err := t.apply(&held, step); err != nil {
		return nil, err
	}

	if step.Outcome == nil {
		if held.starts != 1 {
			_, err = t.exec("UPDATE conversations SET starts = 1 WHERE lane = ? AND class = ?", lease.Lane, int64(lease.Class))
		}

		return nil, err
	}

	return t.finish(&held, coalesces, step)
}

// checkTakeover returns store.ErrTakenOver if people have the conversation, unless the event itself handed it off.
func (t *tx) checkTakeover(l *lane, event store.ID, now time.Time) error {
	state, err := t.conversation(l)
	if err == nil && state.Takeover.Active(now) && state.Takeover.Event != event {
		err = store.ErrTakenOver
	}

	return err
}

// apply makes the changes of a step beyond its own event.
func (t *tx) apply(l *lane, step store.Step) error {
	if step.Resend != nil {
		if err := t.resend(step.Resend, step.Now.UnixMilli()); err != nil {
			return err
		}
	}

	if step.Remove != nil {
		if err := t.removeReply(step.Remove); err != nil {
			return err
		}
	}

	for i := range step.Emit {
		if _, err := t.ingest(&step.Emit[i], nil); err != nil {
			return err
		}
	}

	if step.Takeover != nil {
		person, err := t.ensurePerson(cmp.Or(step.TakeoverIn, l.Lane))
		if err != nil {
			return err
		}

		if err := t.takeOver(person, step.Takeover, step.Now.UnixMilli()); err != nil {
			return err
		}
	}

	if step.TemplateRequired != nil {
		if err := t.requireTemplate(cmp.Or(step.TemplateRequiredIn, l.Lane), *step.TemplateRequired); err != nil {
			return err
		}
	}

	if step.AIConversationID != nil {
		if err := t.nameConversation(l.Lane, *step.AIConversationID, step.Now); err != nil {
			return err
		}
	}

	if step.Transcript != nil {
		if err := t.recordTranscript(l.head, *step.Transcript); err != nil {
			return err
		}
	}

	if step.Resend != nil || len(step.Emit) > 0 || step.Takeover != nil || step.TemplateRequired != nil || step.AIConversationID != nil {
		l.known = false
	}

	return nil
}

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

// endPlainly ends the head of a lane with one statement. It reports false, and has changed nothing, if the lease is lost, the
// event is not the head, or others end with it.
func (t *tx) endPlainly(lease store.LeaseRef, event store.ID, now time.Time) (isEnded bool, err error) {
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

// recordTranscript stores the text of a voice message.
func (t *tx) recordTranscript(event int64, text string) error {
	if text == "" {
		_, err := t.exec("DELETE FROM transcripts WHERE event = ?", event)

		return err
	}

	_, err := t.exec("INSERT OR REPLACE INTO transcripts (event, text) VALUES (?, ?)", event, text)

	return err
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
