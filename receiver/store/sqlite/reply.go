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

	for i, r := range after {
		switch {
		case i >= len(before):
			_, err = t.exec(`
				INSERT INTO replies (event, part, type, body, state, started_at, message_id, fallback) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
				event, int64(r.Part), r.Type, bytes(r.Body), string(r.State), millis(r.StartedAt), r.MessageID, r.Fallback)
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
