// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package encrypted encrypts the payloads of events, the bodies of replies, and transcripts before a store gets them, and
// decrypts them on reads. An encrypted value is bound to its event and its field.
package encrypted

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// retryAfter is the wait of a lane whose next event cannot be decrypted.
const retryAfter = time.Minute

// Store is a store whose content is encrypted.
type Store struct {
	store.Store

	keys  func() (Keys, error)
	clock clockwork.Clock
	log   *slog.Logger

	unreadable atomic.Pointer[unreadable] // nil before the first
}

// unreadable is the reason why the last event could not be decrypted.
type unreadable struct {
	at  time.Time
	err error
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Disk     = (*Store)(nil)
	_ store.Checker  = (*Store)(nil)
	_ store.BackedUp = (*Store)(nil)
)

// New returns a store that encrypts with the present keys. If keys returns an error, what has to be encrypted or decrypted
// fails. Without a key, values are stored in clear text.
func New(inner store.Store, keys func() (Keys, error), clock clockwork.Clock, log *slog.Logger) *Store {
	return &Store{
		Store: inner,
		keys:  keys,
		clock: clock,
		log:   log,
	}
}

// Problem describes the missing or wrong keys, or returns "".
func (s *Store) Problem() string {
	keys, err := s.keys()
	if err != nil {
		return err.Error()
	}

	last := s.unreadable.Load()
	if last == nil || s.clock.Since(last.at) >= 2*store.MaxKeyWait {
		return ""
	}

	if missing, ok := errors.AsType[*missingKeyError](last.err); ok && keys.all[missing.id] != nil {
		return "" // it was added since
	}

	return last.err.Error()
}

// note records for Problem why an event could not be decrypted.
func (s *Store) note(err error) { s.unreadable.Store(&unreadable{at: s.clock.Now(), err: err}) }

// payloadOf and the other functions return the place of a value in an event.
func payloadOf(id store.ID) []byte    { return append([]byte("payload/"), id[:]...) }
func transcriptOf(id store.ID) []byte { return append([]byte("transcript/"), id[:]...) }

func replyOf(id store.ID, part int) []byte {
	return strconv.AppendInt(append([]byte("reply/"), id[:]...), int64(part), 10)
}

// Ingest implements store.Inbox.
func (s *Store) Ingest(ctx context.Context, events []store.Event) ([]bool, error) {
	arrival, err := s.IngestAndClaim(ctx, events, store.Offer{})

	return arrival.Fresh, err
}

// IngestAndClaim implements store.Queue.
func (s *Store) IngestAndClaim(ctx context.Context, events []store.Event, offer store.Offer) (store.Arrival, error) {
	keys, err := s.keys()
	if err != nil {
		return store.Arrival{}, fmt.Errorf("encrypt events: %w", err)
	}

	arrival, err := s.Store.IngestAndClaim(ctx, keys.events(events), offer)
	arrival.Leases = s.readable(ctx, keys, arrival.Leases)

	return arrival, err
}

// Claim implements store.Queue.
func (s *Store) Claim(ctx context.Context, class store.Class, now, until time.Time, limit int) ([]store.Lease, error) {
	keys, err := s.keys()
	if err != nil {
		return nil, fmt.Errorf("decrypt events: %w", err)
	}

	leases, err := s.Store.Claim(ctx, class, now, until, limit)

	return s.readable(ctx, keys, leases), err
}

// ClaimWaiting implements store.Queue.
func (s *Store) ClaimWaiting(ctx context.Context, class store.Class, scope string, until time.Time, limit int) ([]store.Lease, error) {
	keys, err := s.keys()
	if err != nil {
		return nil, fmt.Errorf("decrypt events: %w", err)
	}

	leases, err := s.Store.ClaimWaiting(ctx, class, scope, until, limit)

	return s.readable(ctx, keys, leases), err
}

// readable decrypts leased events. A lane whose event cannot be decrypted is released, and is due again after a while: the
// event waits for its key, and no start counts against it.
func (s *Store) readable(ctx context.Context, keys Keys, leases []store.Lease) []store.Lease {
	var found []store.Lease

	for i := range leases {
		lease := leases[i]

		err := keys.work(&lease.Work)
		if err == nil {
			found = append(found, lease)
			continue
		}

		s.note(err)
		s.log.Error("event waits for the key with which it was encrypted", "event_id", lease.Work.Event.ID, "error", err)

		err = s.Release(context.WithoutCancel(ctx), lease.LeaseRef, s.clock.Now().Add(retryAfter))
		if err != nil && !errors.Is(err, store.ErrLeaseLost) {
			s.log.Error("lane of an encrypted event was not released: its lease expires", "error", err)
		}
	}

	return found
}

// Advance implements store.Queue.
func (s *Store) Advance(ctx context.Context, lease store.LeaseRef, event store.ID, step store.Step) (*store.Work, error) {
	if err := step.Validate(); err != nil {
		return nil, err
	}

	keys, err := s.keys()
	if err != nil {
		return nil, fmt.Errorf("encrypt a step: %w", err)
	}

	next, err := s.Store.Advance(ctx, lease, event, keys.step(event, step))
	if err != nil || next == nil {
		return next, err
	}

	// The step is recorded, and its caller must not repeat it: an event that cannot be decrypted ends the lease.
	held := s.readable(ctx, keys, []store.Lease{{LeaseRef: lease, Work: *next}})
	if len(held) == 0 {
		return nil, nil
	}

	return &held[0].Work, nil
}

// Peek implements store.Queue.
func (s *Store) Peek(ctx context.Context, lease store.LeaseRef, limit int) ([]store.Event, error) {
	events, err := s.Store.Peek(ctx, lease, limit)
	if err != nil {
		return nil, err
	}

	keys, err := s.decrypting()
	if err != nil {
		return nil, err
	}

	for i := range events {
		if err := keys.event(&events[i]); err != nil {
			s.note(err)

			return events[:i], nil // what follows is not answered together with the head
		}
	}

	return events, nil
}

// Ping implements store.Maintenance. Without usable keys the store accepts no events.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.decrypting(); err != nil {
		return err
	}

	return s.Store.Ping(ctx)
}

// Space implements store.Disk. It is zero for an engine that knows no disk.
func (s *Store) Space() store.Space {
	if d, ok := s.Store.(store.Disk); ok {
		return d.Space()
	}

	return store.Space{}
}

// Check implements store.Checker.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	if c, ok := s.Store.(store.Checker); ok {
		return c.Check(ctx)
	}

	return nil, errors.ErrUnsupported
}

// Backup implements store.BackedUp. The copy is encrypted as the store is.
func (s *Store) Backup(ctx context.Context) (store.Copy, int64, error) {
	if b, ok := s.Store.(store.BackedUp); ok {
		return b.Backup(ctx)
	}

	return nil, 0, errors.ErrUnsupported
}
