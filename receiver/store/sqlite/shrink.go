// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"time"
)

const (
	// keptPages is the minimum number of free pages that stay in the file, besides a tenth of its pages. New events use them: a
	// file that shrinks and grows again costs writes.
	keptPages = 1024
	// shrinkPages is the number of pages that one transaction removes, so that deliveries do not wait behind it.
	shrinkPages = 32
	// shrinkSteps limits the transactions of one run: 512 MiB. The next run goes on.
	shrinkSteps = 4096
	// shrinkInterval is the time between two transactions, for the copy of the log.
	shrinkInterval = 5 * time.Millisecond
)

// shrink removes free pages from the file after purges, and empties the log, which still holds purged data. It writes
// nothing if there is nothing to remove. A full disk and a damaged page leave the file as it is.
func (s *Store) shrink(ctx context.Context) error {
	file, free, err := s.pages(ctx)
	if err != nil {
		return err
	}

	kept := keptPages + file/10

	// Not before twice as much is free, so that the file does not follow each purge.
	if free > 2*kept {
		if err := s.removePages(ctx, free-kept); err != nil && !isFull(err) && !isDamage(err) {
			return err
		}

		s.purged.Store(true)
		s.disk.invalidate()
	}

	if s.purged.Swap(false) {
		s.checkpointer.empty()
	}

	return nil
}

// removePages removes up to a number of free pages from the end of the file. Pages in use move into the free ones before.
func (s *Store) removePages(ctx context.Context, pages int64) error {
	pause := time.NewTimer(0)
	defer pause.Stop()

	for range min(pages/shrinkPages, shrinkSteps) {
		select {
		case <-pause.C:
		case <-s.closed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}

		removed := 0

		err := s.writer.do(ctx, func(t *tx) error {
			removed = 0

			return t.returning("PRAGMA incremental_vacuum(32)", func(row) error { removed++; return nil })
		})
		if err != nil || removed == 0 {
			return err
		}

		pause.Reset(shrinkInterval)
	}

	return nil
}
