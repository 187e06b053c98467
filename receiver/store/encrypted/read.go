// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package encrypted

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Get implements store.Events.
func (s *Store) Get(ctx context.Context, id store.ID) (*store.Record, error) {
	record, err := s.Store.Get(ctx, id)
	if err != nil {
		return nil, err
	}

	keys, err := s.decrypting()
	if err == nil {
		err = s.record(keys, record)
	}

	if err != nil {
		clearContent(record)
	}

	return record, err
}

// clearContent removes the encrypted values from an event.
func clearContent(r *store.Record) {
	r.Event.Payload = nil
	r.Transcript = ""

	for i := range r.Replies {
		r.Replies[i].Body = nil
	}

	for i := range r.Coalesced {
		r.Coalesced[i].Payload = nil
	}
}

// List implements store.Events.
func (s *Store) List(ctx context.Context, filter store.Filter, after int64, limit int) ([]store.Record, error) {
	records, err := s.Store.List(ctx, filter, after, limit)

	return s.records(records, err)
}

// EventDetail implements store.Events.
func (s *Store) EventDetail(ctx context.Context, id store.ID) (*store.EventDetail, error) {
	detail, err := s.Store.EventDetail(ctx, id)
	if err != nil {
		return nil, err
	}

	decrypted, err := s.records([]store.Record{detail.Record}, nil)
	if err != nil {
		return nil, err
	}

	detail.Record = decrypted[0]

	return detail, nil
}

// History implements store.Events.
func (s *Store) History(
	ctx context.Context,
	name string,
	before int64,
	since time.Time,
	limit int,
) ([]store.Record, error) {
	records, err := s.Store.History(ctx, name, before, since, limit)

	return s.records(records, err)
}

// DeadLetters implements store.DeadLetterQueue.
func (s *Store) DeadLetters(ctx context.Context, selection store.Selection, after int64, limit int) ([]store.Record, error) {
	records, err := s.Store.DeadLetters(ctx, selection, after, limit)

	return s.records(records, err)
}

// FindByIdentifiers implements store.Persons. The engine cannot search encrypted payloads, so it returns every event with an
// encrypted payload, and marks the events in which it found an identifier. One call returns both: a separate search for the
// identifiers would scan the same events again for each page. An event that cannot be decrypted may be anyone's.
func (s *Store) FindByIdentifiers(ctx context.Context, identifiers store.Identifiers, after int64, limit int) ([]store.FoundRecord, int64, error) {
	identifiers.Encrypted = true

	found, next, err := s.Store.FindByIdentifiers(ctx, identifiers, after, limit)
	if err != nil {
		return nil, 0, err
	}

	keys, err := s.decrypting()
	if err != nil {
		return nil, 0, err
	}

	for i := range found {
		if err := keys.work(&found[i].Work); err != nil {
			s.note(err)

			found[i].Unread = err
		}
	}

	found = slices.DeleteFunc(found, func(r store.FoundRecord) bool {
		names := func(text string) bool { return bytes.Contains(r.Event.Payload, []byte(text)) }

		return r.OnlyEncrypted && len(r.Event.Payload) > 0 && !slices.ContainsFunc(identifiers.Texts, names)
	})

	for i := range found {
		found[i].OnlyEncrypted = found[i].OnlyEncrypted && len(found[i].Event.Payload) == 0
	}

	return found, next, nil
}

// records decrypts the result of a read. If an event of it cannot be decrypted, it returns store.ErrKey.
func (s *Store) records(records []store.Record, err error) ([]store.Record, error) {
	if err != nil {
		return nil, err
	}

	keys, err := s.decrypting()
	if err != nil {
		return nil, err
	}

	for i := range records {
		if err := s.record(keys, &records[i]); err != nil {
			return nil, err
		}
	}

	return records, nil
}

// record decrypts an event that was read.
func (s *Store) record(keys Keys, r *store.Record) error {
	if err := keys.work(&r.Work); err != nil {
		s.note(err)

		return fmt.Errorf("read event %s: %w", r.Event.ID, err)
	}

	return nil
}

// decrypting returns the present keys, or store.ErrKey if they cannot be used.
func (s *Store) decrypting() (Keys, error) {
	keys, err := s.keys()
	if err != nil {
		return Keys{}, fmt.Errorf("%w: %w", store.ErrKey, err)
	}

	return keys, nil
}
