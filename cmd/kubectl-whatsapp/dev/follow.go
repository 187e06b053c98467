// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"encoding/json"
)

// Follow calls take with each trace, those of the past included, until ctx or the server ends. A slow take misses traces,
// and delays nothing.
func (s *Server) Follow(ctx context.Context, take func(Trace)) {
	var seen int64

	show := func(t Trace) {
		if t.Seq > seen {
			seen = t.Seq
			take(t)
		}
	}
	after := s.stream.lastID()

	for _, t := range s.journal.all() {
		show(t)
	}

	for {
		events, more, closed := s.stream.after(after)
		for _, e := range events {
			after = e.id

			var t Trace
			if e.name == StreamTrace && json.Unmarshal(e.data, &t) == nil {
				show(t)
			}
		}

		if closed {
			return
		}

		select {
		case <-ctx.Done():
			return
		case <-more:
		}
	}
}
