// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// FindByIdentifiers implements store.Persons. It reads the payloads of all events that it looks at.
func (s *Store) FindByIdentifiers(ctx context.Context, identifiers store.Identifiers, after int64, limit int) ([]store.FoundRecord, int64, error) {
	var (
		found []store.FoundRecord
		next  int64
	)

	limit = max(limit, 1)

	err := s.read(ctx, func(c *conn) (err error) {
		found, next, err = c.foundBetween(ctx, &identifiers, after, math.MaxInt64, limit)
		if isDamage(err) {
			found, next, err = c.foundAroundDamage(ctx, &identifiers, after, limit)
		}

		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("find the events of a person: %w", withDamage(err))
	}

	return found, next, nil
}

// foundBetween returns the events with one of the identifiers whose seq is greater than after and at most to, and the seq to
// continue after, or 0.
func (c *conn) foundBetween(
	ctx context.Context,
	identifiers *store.Identifiers,
	after, to int64,
	limit int,
) (found []store.FoundRecord, next int64, err error) {
	events, next, err := c.findByIdentifiers(ctx, identifiers, after, to, limit)
	if err != nil {
		return nil, 0, err
	}

	found = make([]store.FoundRecord, 0, len(events))

	for _, event := range events {
		records, err := records(ctx, c, recordColumns+"WHERE e.seq = ?", event.seq)
		if err != nil {
			return nil, 0, err
		}

		for i := range records {
			found = append(found, store.FoundRecord{Record: records[i], OnlyEncrypted: event.isOnlyEncrypted})
		}
	}

	return found, next, nil
}

// foundEvent is an event with one of the identifiers of a person.
type foundEvent struct {
	seq             int64
	isOnlyEncrypted bool
}

// findByIdentifiers returns the events with one of the identifiers, and the seq to continue after, or 0.
func (c *conn) findByIdentifiers(
	ctx context.Context,
	identifiers *store.Identifiers,
	after, to int64,
	limit int,
) (found []foundEvent, next int64, err error) {
	sql, args, err := identifiersQuery(identifiers, after, to)
	if err != nil {
		return nil, 0, err
	}

	looked := 0
	last := after

	err = c.query(ctx, sql, func(r row) error {
		if looked == store.SearchBudget || len(found) == limit {
			next = last
			return errEnough
		}

		looked++
		last = r.int(0)

		if isNamed := r.int(2) != 0; isNamed || r.int(1) != 0 {
			found = append(found, foundEvent{seq: last, isOnlyEncrypted: !isNamed})
		}

		return nil
	}, args...)
	if errors.Is(err, errEnough) {
		err = nil
	}

	return found, next, err
}

// identifiersQuery returns a query of events and its arguments. The columns are the seq, whether the payload is encrypted, and
// whether the event has one of the identifiers.
func identifiersQuery(identifiers *store.Identifiers, after, to int64) (sql string, args []driver.Value, err error) {
	lanes, err := json.Marshal(identifiers.Lanes)
	if err != nil {
		return "", nil, err
	}

	participants, err := json.Marshal(identifiers.Participants)
	if err != nil {
		return "", nil, err
	}

	// Neither after nor what follows the last event is read: they may be on a damaged page.
	most := min(to-after, int64(store.SearchBudget)+1)

	args = []driver.Value{after + 1, most, string(lanes), string(participants), to}
	contains := func(column string, texts []string, value func(string) driver.Value) string {
		terms := []string{"false"}

		for _, text := range texts {
			args = append(args, value(text))
			terms = append(terms, fmt.Sprintf("instr(%s, ?%d)", column, len(args)))
		}

		return strings.Join(terms, " OR ")
	}

	// Text in a blob is found by its bytes.
	inPayload := contains("payload", identifiers.Texts, func(text string) driver.Value { return []byte(text) })

	isEncrypted := "false"
	if identifiers.Encrypted {
		isEncrypted = "coalesce(substr(payload, 1, 1) = x'01', false)"
	}

	inMessageID := contains("s.message_id", identifiers.MessageIDs, func(text string) driver.Value { return text })

	sql = `
		SELECT seq, ` + isEncrypted + `, lane IN (SELECT value FROM json_each(?3)) OR coalesce(` + inPayload + `, false)
			OR kind = 'status' AND EXISTS (SELECT 1 FROM statuses s WHERE s.event = seq
				AND (s.participant IN (SELECT value FROM json_each(?4)) OR ` + inMessageID + `))
		FROM events WHERE seq >= ?1 AND seq <= ?5 ORDER BY seq LIMIT ?2`

	return sql, args, nil
}
