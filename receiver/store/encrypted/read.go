// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package encrypted

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Get implements store.Events.
func (s *Store) Get(ctx context.Context, id store.ID) (*store.Record, error) {
	record, err := s.Store.Get(ctx, id)
	if err != nil {
		return nil, err
	}

	decrypted, err := s.records([]store.Record{*record}, nil)
	if err != nil {
		return nil, err
	}

	return &decrypted[0], nil
}

// List implements store.Events.
func (s *Store) List(ctx context.Context, filter store.Filter, after int64, limit int) ([]store.Record, error) {
	records, err := s.Store.List(ctx, filter, after, limit)

	return s.records(records, err)
}

// Life implements store.Events.
func (s *Store) Life(ctx context.Context, id store.ID) (*store.Life, error) {
	life, err := s.Store.Life(ctx, id)
	if err != nil {
		return nil, err
	}

	decrypted, err := s.records([]store.Record{life.Record}, nil)
	if err != nil {
		return nil, err
	}

	life.Record = decrypted[0]

	return life, nil
}

// History implements store.Events.
func (s *Store) History(ctx context.Context, name string, before int64, limit int) ([]store.Record, error) {
	records, err := s.Store.History(ctx, name, before, limit)

	return s.records(records, err)
}

// DeadLetters implements store.DeadLetterQueue.
func (s *Store) DeadLetters(ctx context.Context, selection store.Selection, after int64, limit int) ([]store.Record, error) {
	records, err := s.Store.DeadLetters(ctx, selection, after, limit)

	return s.records(records, err)
}

// Traced implements store.Persons. The store cannot look into encrypted payloads, so it returns all of these, and those with
// another trace by a second call, which looks at least as far.
func (s *Store) Traced(ctx context.Context, traces store.Traces, after int64, limit int) ([]store.Record, int64, error) {
	others, _, err := s.Store.Traced(ctx, traces, after, limit)
	if err != nil {
		return nil, 0, err
	}

	traces.Encrypted = true

	records, next, err := s.Store.Traced(ctx, traces, after, limit)
	if records, err = s.records(records, err); err != nil {
		return nil, 0, err
	}

	known := map[store.ID]bool{}
	for i := range others {
		known[others[i].Event.ID] = true
	}

	records = slices.DeleteFunc(records, func(r store.Record) bool {
		names := func(text string) bool { return bytes.Contains(r.Event.Payload, []byte(text)) }

		return !known[r.Event.ID] && !slices.ContainsFunc(traces.Texts, names)
	})

	return records, next, nil
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
		if err := keys.work(&records[i].Work); err != nil {
			s.note(err)

			return nil, fmt.Errorf("read event %s: %w", records[i].Event.ID, err)
		}
	}

	return records, nil
}

// decrypting returns the present keys for a read, or store.ErrKey if there are none.
func (s *Store) decrypting() (Keys, error) {
	keys, err := s.keys()
	if err != nil {
		return Keys{}, fmt.Errorf("%w: %w", store.ErrKey, err)
	}

	return keys, nil
}
