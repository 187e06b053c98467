// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxCheckLog is the length of the log, in times its limit, at which a check is aborted: the log cannot start over while
	// a check reads.
	maxCheckLog = 4
	// checkWatch is the interval at which the length is looked at.
	checkWatch = time.Second
)

var errCheckBusy = errors.New("another check is in progress")

// Check implements store.Checker.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	damages, err := s.check(ctx)
	if err != nil {
		return damages, fmt.Errorf("check the store: %w", err)
	}

	return damages, nil
}

func (s *Store) check(ctx context.Context) (damages []string, err error) {
	if !s.checking.TryLock() {
		return nil, errCheckBusy
	}
	defer s.checking.Unlock()

	select {
	case <-s.closed:
		return nil, store.ErrClosed
	default:
	}

	// A separate connection, since a check takes long and the others are few.
	c, err := connect(ctx, dsn(s.disk.path, reading))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	watched := make(chan struct{})

	go func() {
		defer close(watched)

		s.watch(ctx, maxCheckLog, func() { cancel(store.ErrCheckAborted) }, func() { cancel(store.ErrClosed) })
	}()

	err = c.query(ctx, fmt.Sprintf("PRAGMA quick_check(%d)", store.MaxDamages), func(r row) error {
		if text := r.text(0); text != "ok" && len(damages) < store.MaxDamages {
			damages = append(damages, text)
		}

		return nil
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}

	cancel(nil)
	<-watched

	if isDamage(err) { // so bad that the check cannot go on
		damages = append(damages, err.Error())
		err = nil
	}

	return damages, err
}

// watch calls abort when a long read harms the store, since the log has become as long as so many times its limit or the
// disk is nearly full, and end when the store closes.
func (s *Store) watch(ctx context.Context, maxLog int64, abort, end func()) {
	ticker := s.writer.clock.NewTicker(checkWatch)
	defer ticker.Stop()

	for {
		select {
		case <-ticker.Chan():
			if size(s.disk.path+"-wal") > maxLog*s.disk.logLimit*pageSize || s.disk.admit() != nil {
				abort()
			}
		case <-s.closed:
			end()
			return
		case <-ctx.Done():
			return
		}
	}
}
