// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// send queues what steps say of the replies to their events.
func (t *tx) send(attempts []*attempt) {
	for _, a := range attempts {
		for i, r := range a.after {
			switch {
			case i >= len(a.head.replies):
				t.exec(`
					INSERT INTO replies (event, part, type, body, state, started_at, message_id) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
					a.head.seq, r.Part, r.Type, bytes(r.Body), string(r.State), millis(r.StartedAt), r.MessageID)
			case r.State != a.head.replies[i].State || r.MessageID != a.head.replies[i].MessageID || !r.StartedAt.Equal(a.head.replies[i].StartedAt):
				t.exec("UPDATE replies SET state = $1, started_at = $2, message_id = $3 WHERE event = $4 AND part = $5",
					string(r.State), millis(r.StartedAt), r.MessageID, a.head.seq, r.Part)
			}
		}
	}
}

const repliesOf = "SELECT event, part, type, body, state, started_at, message_id, resends FROM replies "

func reply(rows pgx.Rows) (event int64, r store.Reply, err error) {
	var started *int64
	err = rows.Scan(&event, &r.Part, &r.Type, &r.Body, &r.State, &started, &r.MessageID, &r.Resends)
	r.StartedAt = moment(started)
	return event, r, err
}

// replies queues the reading of the replies to events, by part.
func (t *tx) replies(events []int64, each func(event int64, r store.Reply)) {
	t.query(repliesOf+"WHERE event = ANY($1) ORDER BY event, part", func(rows pgx.Rows) error {
		event, r, err := reply(rows)
		each(event, r)
		return err
	}, events)
}
