// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"cmp"
	"context"
	"fmt"
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
		err = s.advanceWithoutNext(ctx, lease, event, step)
	}

	if err != nil {
		return nil, fmt.Errorf("record a step: %w", err)
	}

	return next, nil
}

func (t *tx) advance(lease store.LeaseRef, event store.ID, step store.Step) (*store.Work, error) {
	held := lane{LeaseRef: lease}

	if lease.Class != store.Conversations && step.IsPlainEnd() {
		if isEnded, err := t.endWithoutChanges(lease, event, step.Now); err != nil {
			return nil, err
		} else if isEnded {
			return t.advanceHead(&held, step.Now)
		}
	}

	coalesces, err := t.readHeld(&held, event)
	if err != nil {
		return nil, err
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

// readHeld reads the lane of a lease whose head is the event, and reports whether other events are coalesced with it. The
// token decides: an expired lease that no other caller has claimed is still valid.
func (t *tx) readHeld(held *lane, event store.ID) (coalesces bool, err error) {
	lease := held.LeaseRef

	err = t.query(`
		SELECT c.head, c.starts, e.binds, `+stateSummaryColumns+`
		FROM conversations c JOIN events e ON e.seq = c.head
		WHERE c.lane = ? AND c.class = ? AND c.token = ? AND e.id = ?`, func(r row) error {
		held.head = r.int(0)
		held.starts = r.int(1)
		coalesces = r.int(2) != 0
		held.state, held.known = r.stateSummary(3)
		held.known = held.known && lease.Class == store.Conversations

		return nil
	}, lease.Lane, int64(lease.Class), lease.Token, event[:])
	if err == nil && held.head == 0 {
		err = store.ErrLeaseLost
	}

	return coalesces, err
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

	if step.Note != nil {
		if err := t.addNote(step.Note); err != nil {
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

// recordTranscript stores the text of a voice message.
func (t *tx) recordTranscript(event int64, text string) error {
	if text == "" {
		_, err := t.exec("DELETE FROM transcripts WHERE event = ?", event)

		return err
	}

	_, err := t.exec("INSERT OR REPLACE INTO transcripts (event, text) VALUES (?, ?)", event, text)

	return err
}
