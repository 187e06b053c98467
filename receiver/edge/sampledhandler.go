// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"
)

const (
	// sampleBurst records of each message are logged before sampling starts.
	sampleBurst = 5
	// sampleInterval is the time between later records of the same message.
	sampleInterval = 10 * time.Second
)

// sampledHandler limits the log lines that requests from outside can cause. Of each message it passes on the first few
// records, then one per interval with the number of suppressed ones. The messages are constants of this package, so
// their number is bounded; the details are attributes.
type sampledHandler struct {
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

func newSampledHandler(next slog.Handler, clock clockwork.Clock) slog.Handler {
	return &sampledHandler{
		Handler: next,
		clock:   clock,
		windows: &windows{byMessage: map[string]*window{}},
	}
}

// Handle drops records of a message that exceed its rate.
func (h *sampledHandler) Handle(ctx context.Context, record slog.Record) error {
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
func (h *sampledHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &sampledHandler{
		Handler: h.Handler.WithAttrs(attrs),
		clock:   h.clock,
		windows: h.windows,
	}
}

// WithGroup implements slog.Handler.
func (h *sampledHandler) WithGroup(name string) slog.Handler {
	return &sampledHandler{
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
		current = &window{limiter: rate.NewLimiter(rate.Every(sampleInterval), sampleBurst)}
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
