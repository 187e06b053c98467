// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLogRetainsTheNewest(t *testing.T) {
	for _, tc := range []struct {
		name    string
		limit   int
		size    int
		added   int
		want    []int
		dropped uint64
	}{
		{name: "below the limit", limit: 3, added: 2, want: []int{0, 1}},
		{name: "past the limit", limit: 3, added: 100, want: []int{97, 98, 99}, dropped: 97},
		{name: "count only", limit: 0, added: 5, dropped: 5},
		{name: "past the bytes", limit: 10, size: logBytes / 2, added: 5, want: []int{3, 4}, dropped: 3},
		{name: "one larger than the bytes", limit: 10, size: logBytes + 1, added: 2, want: []int{1}, dropped: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := newLog(tc.limit, func(int) int { return tc.size })
			for i := range tc.added {
				log.add(i)
			}

			if diff := cmp.Diff(tc.want, log.All()); diff != "" {
				t.Errorf("retained entries (-want +got):\n%s", diff)
			}

			if log.Total() != uint64(tc.added) || log.Dropped() != tc.dropped {
				t.Errorf("total %d, dropped %d, want %d, %d", log.Total(), log.Dropped(), tc.added, tc.dropped)
			}

			log.Reset()

			if len(log.All()) != 0 || log.Total() != 0 || log.Dropped() != 0 {
				t.Errorf("after Reset: %d retained, total %d, dropped %d", len(log.All()), log.Total(), log.Dropped())
			}
		})
	}
}

func TestLogWait(t *testing.T) {
	log := newLog(100, func(int) int { return 0 })
	counter := newLog(0, func(int) int { return 0 })

	var adding sync.WaitGroup
	for i := range 4 {
		adding.Go(func() {
			for j := range 20 {
				log.add(20*i + j)
				counter.add(j)
			}
		})
	}

	if err := log.Wait(t.Context(), func(entries []int) bool { return len(entries) == 80 }); err != nil {
		t.Error(err)
	}

	if err := counter.WaitTotal(t.Context(), 80); err != nil {
		t.Error(err)
	}

	adding.Wait()

	ctx, cancel := context.WithDeadline(t.Context(), time.Time{}) // already expired
	defer cancel()

	if err := log.Wait(ctx, func([]int) bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
}

func BenchmarkRecorder(b *testing.B) {
	for name, limit := range map[string]int{"count only": 0, "retain 10000": 10_000} {
		b.Run(name, func(b *testing.B) {
			recorder := NewRecorder(limit)
			for b.Loop() {
				recorder.add(Call{Method: "POST", Path: "/v27.0/1/messages"})
			}
		})
	}
}
