// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// tellFirst records of each message are passed on, and later ones every tellEvery.
	tellFirst = 5
	tellEvery = 10 * time.Second
)

// seldom is a log that nobody outside can flood: of each message it passes on the first few records, then one now and
// then that says how many were left out. Messages are constants of this package, so there are few; what varies is in
// the attributes.
type seldom struct {
	slog.Handler
	tallies *tallies
}

type tallies struct {
	mu sync.Mutex
	of map[string]*tally
}

type tally struct {
	limiter *rate.Limiter
	leftOut int
}

func newSeldom(next slog.Handler) slog.Handler {
	return &seldom{Handler: next, tallies: &tallies{of: map[string]*tally{}}}
}

// Handle drops what comes too often. The time is the record's own.
func (s *seldom) Handle(ctx context.Context, record slog.Record) error {
	leftOut, ok := s.tallies.count(record)
	if !ok {
		return nil
	}

	if leftOut > 0 {
		record = record.Clone()
		record.AddAttrs(slog.Int("left_out", leftOut))
	}

	return s.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (s *seldom) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &seldom{Handler: s.Handler.WithAttrs(attrs), tallies: s.tallies}
}

// WithGroup implements slog.Handler.
func (s *seldom) WithGroup(name string) slog.Handler {
	return &seldom{Handler: s.Handler.WithGroup(name), tallies: s.tallies}
}

func (t *tallies) count(record slog.Record) (leftOut int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	of := t.of[record.Message]
	if of == nil {
		of = &tally{limiter: rate.NewLimiter(rate.Every(tellEvery), tellFirst)}
		t.of[record.Message] = of
	}

	if !of.limiter.AllowN(record.Time, 1) {
		of.leftOut++
		return 0, false
	}

	leftOut = of.leftOut
	of.leftOut = 0

	return leftOut, true
}
