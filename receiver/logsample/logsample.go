// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package logsample limits the log lines of one message, so that neither requests from outside nor an outage can flood the
// log.
package logsample

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"
)

const (
	// Burst is the number of records of each message that are logged before sampling starts.
	Burst = 5
	// Interval is the time between later records of the same message.
	Interval = 10 * time.Second
)

// handler passes on the first few records of each message, then one per interval with the number of suppressed ones. The
// messages are constants, so their number is bounded; the details are attributes.
type handler struct {
	slog.Handler
	clock   clockwork.Clock
	windows *windows
}

type windows struct {
	mu        sync.Mutex
	byMessage map[string]*window
}

type window struct {
	limiter    *rate.Limiter
	suppressed int
}

// New returns a handler that passes a sample of the records on to next.
func New(next slog.Handler, clock clockwork.Clock) slog.Handler {
	return &handler{
		Handler: next,
		clock:   clock,
		windows: &windows{byMessage: map[string]*window{}},
	}
}

// Handle drops records of a message that exceed its rate.
func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	suppressed, ok := h.windows.allow(record.Message, h.clock.Now())
	if !ok {
		return nil
	}

	if suppressed > 0 {
		record = record.Clone()
		record.AddAttrs(slog.Int("suppressed", suppressed))
	}

	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{
		Handler: h.Handler.WithAttrs(attrs),
		clock:   h.clock,
		windows: h.windows,
	}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{
		Handler: h.Handler.WithGroup(name),
		clock:   h.clock,
		windows: h.windows,
	}
}

// allow reports whether a record of the message may be logged now, and how many were suppressed since the last one.
func (w *windows) allow(message string, now time.Time) (suppressed int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()

	current := w.byMessage[message]
	if current == nil {
		current = &window{limiter: rate.NewLimiter(rate.Every(Interval), Burst)}
		w.byMessage[message] = current
	}

	if !current.limiter.AllowN(now, 1) {
		current.suppressed++
		return 0, false
	}

	suppressed = current.suppressed
	current.suppressed = 0

	return suppressed, true
}
