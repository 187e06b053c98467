// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// status is the status of an outbound message that a new event brings.
type status struct {
	update        *store.StatusUpdate
	seq, received int64
	delivery      *delivery
}

// of returns the key of the message as stored.
func (s status) of() [4]string {
	return [4]string{sanitize(s.update.MessageID), sanitize(s.update.PhoneNumberID), sanitize(s.update.Participant), sanitize(s.update.Type)}
}

// applyStatuses queues the upsert of the furthest status of each message, in the order of their keys.
func (t *tx) applyStatuses(statuses []status) {
	if len(statuses) == 0 {
		return
	}

	furthest := map[[4]string]status{}
	for _, s := range statuses {
		if have, ok := furthest[s.of()]; !ok || s.update.Rank > have.update.Rank {
			furthest[s.of()] = s
		}
	}

	var (
		seqs, at     []int64
		ranks, codes []int
		columns      [4][]string
		names        []string
	)
	for _, of := range slices.SortedFunc(maps.Keys(furthest), func(a, b [4]string) int { return slices.Compare(a[:], b[:]) }) {
		s := furthest[of]
		seqs = append(seqs, s.seq)
		at = append(at, s.update.At.UnixMilli())
		names = append(names, s.update.Status)
		ranks = append(ranks, s.update.Rank)

		codes = append(codes, s.update.ErrorCode)
		for i := range columns {
			columns[i] = append(columns[i], of[i])
		}
	}

	t.exec(`
		INSERT INTO statuses (event, message_id, phone_number_id, participant, type, status, rank, at, error_code)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[])
		ON CONFLICT (message_id, phone_number_id, participant, type) DO UPDATE SET
			event = excluded.event, status = excluded.status, rank = excluded.rank, at = excluded.at,
			error_code = excluded.error_code
		WHERE excluded.rank > statuses.rank`,
		seqs, columns[0], columns[1], columns[2], columns[3], names, ranks, at, codes)
}

// confirmSent records sends that statuses prove. A failed status proves one too, since it contains Meta's id of the
// message. A later status of a message proves nothing, since the first one has.
func (t *tx) confirmSent(ctx context.Context, a *arrivals, statuses []status, l *lanes) error {
	for _, s := range statuses {
		found, ok := a.sends[replyKey{event: s.update.ReplyTo, part: s.update.ReplyPart}]
		if !ok {
			continue
		}

		var sent int64
		t.execCount(&sent, `
			UPDATE replies SET state = 'sent', message_id = $1
			WHERE event = $2 AND part = $3 AND resends = $4 AND state = 'sending' AND (fallback OR NOT $6)
				AND NOT EXISTS (SELECT FROM statuses k WHERE k.message_id = $1 AND k.phone_number_id = $5)`,
			s.update.MessageID, found.event, s.update.ReplyPart, s.update.ReplyResend, s.update.PhoneNumberID, s.update.ReplyFallback)

		if err := t.flush(ctx); err != nil {
			return err
		}

		if sent > 0 {
			s.delivery.due(store.Conversations)
		}

		// The lane becomes due early only if it waits for this event and not for another.
		row := l.rows[l.resolve(found.lane)]
		if sent > 0 && row != nil && row.token == nil && row.ready != nil && row.head != nil && *row.head == found.event {
			row.due(min(*row.ready, s.received))
		}
	}

	return nil
}
