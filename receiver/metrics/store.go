// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// CountStore returns a store that counts the failed calls of s, for all operations that ingest and processing depend on.
func (m *Metrics) CountStore(s store.Store) store.Store {
	return &countedStore{Store: s, metrics: m}
}

type countedStore struct {
	store.Store
	metrics *Metrics
}

// notFailures are errors that do not mean a store failure: regular results, calls that the caller canceled, and values that
// cannot be decrypted because their key is missing.
var notFailures = []error{
	store.ErrLeaseLost, store.ErrAlreadySent, store.ErrTakenOver, store.ErrNotFound, store.ErrInProgress, store.ErrKey, context.Canceled,
}

// Space implements store.Disk. It is zero for an engine that knows no disk.
func (s *countedStore) Space() store.Space {
	if d, ok := s.Store.(store.Disk); ok {
		return d.Space()
	}

	return store.Space{}
}

// Check implements store.Checker.
func (s *countedStore) Check(ctx context.Context) ([]string, error) {
	c, ok := s.Store.(store.Checker)
	if !ok {
		return nil, errors.ErrUnsupported
	}

	damages, err := c.Check(ctx)
	s.count("check", err)

	return damages, err
}

// Backup implements store.BackedUp.
func (s *countedStore) Backup(ctx context.Context) (store.Copy, int64, error) {
	b, ok := s.Store.(store.BackedUp)
	if !ok {
		return nil, 0, errors.ErrUnsupported
	}

	return b.Backup(ctx)
}

func (s *countedStore) count(operation string, err error) {
	if err == nil {
		return
	}

	for _, expected := range notFailures {
		if errors.Is(err, expected) {
			return
		}
	}

	s.metrics.storeErrs.WithLabelValues(operation).Inc()
}

func (s *countedStore) Ingest(ctx context.Context, events []store.Event) ([]bool, error) {
	fresh, err := s.Store.Ingest(ctx, events)
	s.count("ingest", err)

	return fresh, err
}

func (s *countedStore) IngestAndClaim(ctx context.Context, events []store.Event, offer store.Offer) (store.Arrival, error) {
	arrival, err := s.Store.IngestAndClaim(ctx, events, offer)
	s.count("ingest", err)

	return arrival, err
}

func (s *countedStore) Claim(ctx context.Context, class store.Class, now, until time.Time, limit int) ([]store.Lease, error) {
	leases, err := s.Store.Claim(ctx, class, now, until, limit)
	s.count("claim", err)

	return leases, err
}

func (s *countedStore) ClaimWaiting(ctx context.Context, class store.Class, scope string, until time.Time, limit int) ([]store.Lease, error) {
	leases, err := s.Store.ClaimWaiting(ctx, class, scope, until, limit)
	s.count("claim", err)

	return leases, err
}

func (s *countedStore) Schedule(ctx context.Context, pausedSince time.Time) ([3]store.Schedule, []store.Pause, error) {
	schedules, pauses, err := s.Store.Schedule(ctx, pausedSince)
	s.count("schedule", err)

	return schedules, pauses, err
}

func (s *countedStore) RepairClock(ctx context.Context, now time.Time) error {
	err := s.Store.RepairClock(ctx, now)
	s.count("schedule", err)

	return err
}

func (s *countedStore) Renew(ctx context.Context, leases []store.LeaseRef, until time.Time) ([]store.LeaseRef, error) {
	lost, err := s.Store.Renew(ctx, leases, until)
	s.count("renew", err)

	return lost, err
}

func (s *countedStore) Release(ctx context.Context, lease store.LeaseRef, now time.Time) error {
	err := s.Store.Release(ctx, lease, now)
	s.count("release", err)

	return err
}

func (s *countedStore) Advance(ctx context.Context, lease store.LeaseRef, event store.ID, step store.Step) (*store.Work, error) {
	next, err := s.Store.Advance(ctx, lease, event, step)
	s.count("advance", err)

	return next, err
}

func (s *countedStore) Peek(ctx context.Context, lease store.LeaseRef, limit int) ([]store.Event, error) {
	events, err := s.Store.Peek(ctx, lease, limit)
	s.count("peek", err)

	return events, err
}

func (s *countedStore) History(
	ctx context.Context,
	name string,
	before int64,
	since time.Time,
	limit int,
) ([]store.Record, error) {
	found, err := s.Store.History(ctx, name, before, since, limit)
	s.count("history", err)

	return found, err
}

func (s *countedStore) SetPause(ctx context.Context, pause store.Pause, now time.Time) error {
	err := s.Store.SetPause(ctx, pause, now)
	s.count("pause", err)

	return err
}

func (s *countedStore) AcquireLeadership(ctx context.Context, job, holder string, now, until time.Time) (bool, []byte, error) {
	held, state, err := s.Store.AcquireLeadership(ctx, job, holder, now, until)
	s.count("leadership", err)

	return held, state, err
}

func (s *countedStore) PublishState(ctx context.Context, job, holder string, state []byte) error {
	err := s.Store.PublishState(ctx, job, holder, state)
	s.count("leadership", err)

	return err
}

func (s *countedStore) Purge(ctx context.Context, before store.Expiry, limit int) (int, error) {
	changed, err := s.Store.Purge(ctx, before, limit)
	s.count("purge", err)

	return changed, err
}

func (s *countedStore) Ping(ctx context.Context) error {
	err := s.Store.Ping(ctx)
	s.count("ping", err)

	return err
}
