// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
)

// logObserver is a slog.Handler that shows what the receiver logs about events: outcomes, failures and retries.
type logObserver struct {
	server *Server
	next   slog.Handler
	attrs  []slog.Attr
}

func newLogObserver(s *Server) *logObserver {
	next := slog.DiscardHandler
	if s.options.Log != nil {
		next = s.options.Log.Handler()
	}

	return &logObserver{server: s, next: next}
}

// Enabled implements slog.Handler.
func (l *logObserver) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || l.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (l *logObserver) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logObserver{
		server: l.server,
		next:   l.next.WithAttrs(attrs),
		attrs:  append(append([]slog.Attr{}, l.attrs...), attrs...),
	}
}

// WithGroup implements slog.Handler. The attributes of groups are not shown.
func (l *logObserver) WithGroup(name string) slog.Handler {
	return &logObserver{
		server: l.server,
		next:   l.next.WithGroup(name),
		attrs:  l.attrs,
	}
}

// Handle implements slog.Handler.
func (l *logObserver) Handle(ctx context.Context, record slog.Record) error {
	values := map[string]slog.Value{}
	for _, a := range l.attrs {
		values[a.Key] = a.Value.Resolve()
	}

	record.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value.Resolve()
		return true
	})

	_, aboutEvent := values[logevent.EventID]
	if record.Level >= slog.LevelWarn || aboutEvent && record.Level >= slog.LevelInfo {
		l.show(record, values)
	}

	if !l.next.Enabled(ctx, record.Level) {
		return nil
	}

	return l.next.Handle(ctx, record)
}

func (l *logObserver) show(record slog.Record, values map[string]slog.Value) {
	text := func(key string) string {
		if value, ok := values[key]; ok {
			return value.String()
		}

		return ""
	}
	t := Trace{
		EventID: text(logevent.EventID),
		Kind:    TraceEvent,
		Level:   LevelOK,
		Title:   "Receiver: " + record.Message,
		Code:    text("code"),
	}

	switch {
	case record.Level >= slog.LevelError:
		t.Kind = TraceFailure
		t.Level = LevelError
	case record.Level >= slog.LevelWarn:
		t.Kind = TraceFailure
		t.Level = LevelWarning
	}

	var details []string

	for _, key := range []string{"error", "reason", "scope"} {
		if value := text(key); value != "" {
			details = append(details, value)
		}
	}

	if at, ok := values["at"]; ok && at.Kind() == slog.KindTime {
		wait := at.Time().Sub(l.server.clock.Now()).Round(time.Second / 10)
		details = append(details, "next attempt in "+wait.String())
	}

	t.Detail = strings.Join(details, "; ")

	if took, ok := values["took_ms"]; ok && took.Kind() == slog.KindInt64 {
		t.TookMS = took.Int64()
	}

	l.server.journal.add(t)
}
