// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// FindByIdentifiers implements store.Persons. It reads the payloads of all events that it looks at.
func (s *Store) FindByIdentifiers(ctx context.Context, identifiers store.Identifiers, after int64, limit int) ([]store.FoundRecord, int64, error) {
	limit = max(limit, 1)

	var (
		records         []store.Record
		isOnlyEncrypted map[int64]bool
		next            int64
	)

	err := s.read(ctx, func(ctx context.Context, t *tx) (err error) {
		var seqs []int64

		isOnlyEncrypted = map[int64]bool{}
		next = 0
		sql, args := identifiersQuery(&identifiers, after, limit+1) // one more shows whether there are further events

		t.query(sql, func(rows pgx.Rows) error {
			var (
				seq    int64
				isOnly bool
			)

			err := rows.Scan(&seq, &isOnly)
			seqs = append(seqs, seq)
			isOnlyEncrypted[seq] = isOnly

			return err
		}, args...)

		if err := t.flush(ctx); err != nil {
			return err
		}

		if len(seqs) > limit {
			seqs = seqs[:limit]
			next = seqs[limit-1]
		} else if next, err = t.endOfBudget(ctx, after); err != nil {
			return err
		}

		if records, err = t.answeredRecords(ctx, recordColumns+"WHERE e.seq = ANY($1) ORDER BY e.seq", seqs); err != nil {
			return err
		}

		t.readFailures(records)

		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("find what is stored about a person: %w", err)
	}

	found := make([]store.FoundRecord, 0, len(records))
	for i := range records {
		found = append(found, store.FoundRecord{Record: records[i], OnlyEncrypted: isOnlyEncrypted[records[i].Seq]})
	}

	return found, next, nil
}

// identifiersQuery returns a query of events with one of the identifiers, and its arguments. The columns are the seq, and
// whether the event was found only because its payload is encrypted.
func identifiersQuery(identifiers *store.Identifiers, after int64, limit int) (sql string, args []any) {
	args = []any{after, store.SearchBudget, limit, identifiers.Lanes, identifiers.Participants}
	contains := func(column string, texts []string, value func(string) any) string {
		terms := []string{"false"}

		for _, text := range texts {
			args = append(args, value(text))
			terms = append(terms, fmt.Sprintf("position($%d in %s) > 0", len(args), column))
		}

		return strings.Join(terms, " OR ")
	}

	inPayload := contains("w.payload", identifiers.Texts, func(text string) any { return []byte(text) })

	isEncrypted := "false"
	if identifiers.Encrypted {
		isEncrypted = `substring(w.payload FROM 1 FOR 1) = '\x01'::bytea`
	}

	inMessageID := contains("s.message_id", identifiers.MessageIDs, func(text string) any { return text })

	return `
		SELECT n.seq, NOT n.is_named FROM (
			SELECT w.seq, ` + isEncrypted + ` AS is_encrypted,
				coalesce(w.lane = ANY($4) OR ` + inPayload + ` OR w.kind = 'status' AND EXISTS (
					SELECT FROM statuses s WHERE s.event = w.seq AND (s.participant = ANY($5) OR ` + inMessageID + `)), false) AS is_named
			FROM (SELECT e.seq, e.kind, e.lane, e.payload FROM events e WHERE e.seq > $1 ORDER BY e.seq LIMIT $2) w
		) n
		WHERE n.is_named OR n.is_encrypted ORDER BY n.seq LIMIT $3`, args
}

// endOfBudget returns the seq of the last event that a call looks at, or 0 if there are no further ones.
func (t *tx) endOfBudget(ctx context.Context, after int64) (int64, error) {
	var last, n int64

	t.query(`
		SELECT w.seq, count(*) OVER () FROM (SELECT e.seq FROM events e WHERE e.seq > $1 ORDER BY e.seq LIMIT $2) w
		ORDER BY w.seq DESC LIMIT 2`,
		func(rows pgx.Rows) error { return rows.Scan(&last, &n) }, after, store.SearchBudget+1)

	if err := t.flush(ctx); err != nil || n <= store.SearchBudget {
		return 0, err
	}

	return last, nil
}
