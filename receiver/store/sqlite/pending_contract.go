// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

var errMissing = errors.New("this engine does not implement the call yet")

// Causes implements store.DeadLetterQueue.
func (s *Store) Causes(context.Context, store.Selection) ([]store.Cause, error) {
	return nil, errMissing
}

// ReplaySelected implements store.DeadLetterQueue.
func (s *Store) ReplaySelected(context.Context, store.Selection, int64, time.Time, int) (int, int64, error) {
	return 0, 0, errMissing
}

// DiscardSelected implements store.DeadLetterQueue.
func (s *Store) DiscardSelected(context.Context, store.Selection, int64, time.Time, int) (int, int64, error) {
	return 0, 0, errMissing
}
