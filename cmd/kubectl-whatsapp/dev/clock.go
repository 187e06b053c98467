// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"errors"
	"net/http"
	"time"
)

// maxAdvance bounds one advance of the clock.
const maxAdvance = 31 * 24 * time.Hour

// advance sets the clock of the receiver and of Meta's stand-in ahead.
func (s *Server) advance(a Advance) (Clock, error) {
	d, err := time.ParseDuration(a.Advance)
	if err != nil || d <= 0 || d > maxAdvance {
		return Clock{}, errors.New("advance must be a duration up to 744h, such as 30m or 25h")
	}

	return s.setAhead(d), nil
}

func (s *Server) setAhead(d time.Duration) Clock {
	s.clock.Advance(d)

	now := s.clockState()
	s.stream.publish(StreamClock, now)
	s.journal.add(Trace{Kind: TraceServer, Title: "The clock is set ahead by " + d.String()})

	return now
}

func (s *Server) clockState() Clock {
	now := s.clock.Now()

	return Clock{Now: now, AheadSeconds: int64(time.Until(now).Round(time.Second).Seconds())}
}

// postReset clears the chat and the traces, and turns all faults off. People keep their names and get new numbers, which are
// new to the receiver and the AI.
func (s *Server) postReset(w http.ResponseWriter, _ *http.Request) {
	s.faults.clear()
	s.chat.clear()
	s.journal.clear()
	s.stream.publish(StreamReset, struct{}{})
	w.WriteHeader(http.StatusNoContent)
}
