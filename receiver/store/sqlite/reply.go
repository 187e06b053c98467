// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// writeReplies writes the replies that a step adds or changes.
func (t *tx) writeReplies(event int64, step store.Step) error {
	if len(step.Answer) == 0 && step.Sent == nil && step.Unsent == nil && step.Sending == nil {
		return nil
	}

	if step.Sent != nil && len(step.Answer) == 0 && step.Unsent == nil && step.Sending == nil {
		return t.markSent(event, step.Sent)
	}

	before, err := readReplies(context.Background(), t.conn, event)
	if err != nil {
		return err
	}

	after, err := store.ApplyStep(before, step)
	if err != nil {
		return err
	}

	changes := store.CompareReplies(before, after)

	for _, r := range changes.Added {
		_, err := t.exec(`
			INSERT INTO replies (event, part, type, body, state, started_at, message_id, fallback) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			event, int64(r.Part), r.Type, bytes(r.Body), string(r.State), millis(r.StartedAt), r.MessageID, r.Fallback)
		if err != nil {
			return err
		}
	}

	for _, r := range changes.Advanced {
		_, err := t.exec("UPDATE replies SET state = ?, started_at = ?, message_id = ? WHERE event = ? AND part = ?",
			string(r.State), millis(r.StartedAt), r.MessageID, event, int64(r.Part))
		if err != nil {
			return err
		}
	}

	return t.replace(event, changes)
}

// replace writes the replacement of a step, and removes the replies that it replaces.
func (t *tx) replace(event int64, changes store.ReplyChanges) error {
	for _, r := range changes.Replaced {
		_, err := t.exec("UPDATE replies SET type = ?, body = ?, fallback = ? WHERE event = ? AND part = ?",
			r.Type, bytes(r.Body), r.Fallback, event, int64(r.Part))
		if err != nil {
			return err
		}
	}

	for _, part := range changes.Removed {
		if _, err := t.exec("DELETE FROM replies WHERE event = ? AND part = ?", event, int64(part)); err != nil {
			return err
		}
	}

	return nil
}

// removeReply removes a reply that was sent and failed.
func (t *tx) removeReply(reply *store.ReplyRef) error {
	_, err := t.exec(`
		DELETE FROM replies
		WHERE event = (SELECT seq FROM events WHERE id = ?1 AND state = 'done') AND part = ?2
			AND state = 'sent' AND (message_id = ?3 OR ?3 = '')`,
		reply.Event[:], int64(reply.Part), reply.MessageID)

	return err
}

// markSent writes a step that only marks a part sent, as store.ApplyStep would, without reading the replies.
func (t *tx) markSent(event int64, sent *store.SentRef) error {
	changed, err := t.exec("UPDATE replies SET state = ?, message_id = ? WHERE event = ? AND part = ?",
		string(store.Sent), sent.MessageID, event, int64(sent.Part))
	if err == nil && changed == 0 {
		return fmt.Errorf("the step marks part %d sent, but the answer has no such part", sent.Part)
	}

	return err
}

// readReplies returns the replies to an event by part.
func readReplies(ctx context.Context, c *conn, event int64) ([]store.Reply, error) {
	var all []store.Reply

	err := c.query(ctx, `
		SELECT part, type, body, state, started_at, message_id, resends, fallback FROM replies WHERE event = ? ORDER BY part`,
		func(r row) error {
			all = append(all, store.Reply{
				Part:      int(r.int(0)),
				Type:      r.text(1),
				Body:      r.blob(2),
				State:     store.ReplyState(r.text(3)),
				StartedAt: r.time(4),
				MessageID: r.text(5),
				Resends:   int(r.int(6)),
				Fallback:  r.int(7) != 0,
			})

			return nil
		}, event)

	return slices.Clip(all), err
}
