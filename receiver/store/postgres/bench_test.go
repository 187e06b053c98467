// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// payload has the size of a text message from Meta.
var payload = []byte(`{"text":"` + strings.Repeat("x", 400) + `"}`)

func message(n, lanes int64) store.Event {
	return store.Event{
		ID:            store.NewID(store.KindMessage, strconv.FormatInt(n, 10)),
		Kind:          store.KindMessage,
		Type:          "text",
		State:         store.Pending,
		PhoneNumberID: "106540352242922",
		Lane:          "106540352242922/" + strconv.FormatInt(16505550000+n%lanes, 10),
		Payload:       payload,
		ReceivedAt:    start,
	}
}

// latencies collects the durations of calls.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	l.all = append(l.all, d)
	l.mu.Unlock()
}

func (l *latencies) report(b *testing.B) {
	slices.Sort(l.all)
	b.ReportMetric(float64(l.all[len(l.all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(l.all[len(l.all)-1].Microseconds())/1000, "max-ms")
}

// BenchmarkIngest measures deliveries with one message each, over 64 connections.
func BenchmarkIngest(b *testing.B) { benchmarkIngest(b, func(store.Event) string { return "" }) }

// BenchmarkIngestAliased is BenchmarkIngest with both names of the person in each message, as Meta sends them.
func BenchmarkIngestAliased(b *testing.B) {
	benchmarkIngest(b, func(e store.Event) string { return e.Lane + "/user" })
}

func benchmarkIngest(b *testing.B, alias func(store.Event) string) {
	s, used := meteredStore(b)

	var (
		n    atomic.Int64
		took latencies
	)

	b.SetParallelism((64 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	used.begin(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			events := []store.Event{message(n.Add(1), 5000)}
			events[0].Aliases = []string{alias(events[0])}
			begun := time.Now()

			if _, err := s.Ingest(context.Background(), events); err != nil {
				b.Error(err)
				return
			}

			took.add(time.Since(begun))
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	used.report(b)
	took.report(b)
}

// BenchmarkCycle processes waiting messages: claim, answer and start to send, sent and done. As in the engine, 64
// workers take lanes from one claimer.
func BenchmarkCycle(b *testing.B) {
	s, used := meteredStore(b)
	fill(b, s, 0, int64(b.N), int64(max(b.N/4, 1)))

	answer := []store.Reply{{Type: "text", Body: payload}}

	used.begin(b)

	leases := make(chan store.Lease)

	var (
		done    atomic.Int64
		took    latencies
		workers sync.WaitGroup
	)
	for range 64 {
		workers.Go(func() {
			for lease := range leases {
				for work := &lease.Work; work != nil; done.Add(1) {
					begun := time.Now()

					_, err := s.Advance(b.Context(), lease.LeaseRef, work.Event.ID, store.Step{
						Now:     start,
						Answer:  answer,
						Sending: new(int),
					})
					if err != nil {
						b.Error(err)
						return
					}

					took.add(time.Since(begun))

					work, err = s.Advance(b.Context(), lease.LeaseRef, work.Event.ID, store.Step{
						Now: start, Sent: &store.SentRef{MessageID: "wamid." + work.Event.ID.String()},
						Outcome: &store.Outcome{State: store.Done},
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}

	for {
		claimed, err := s.Claim(b.Context(), store.Conversations, start, start.Add(time.Minute), 64)
		if err != nil {
			b.Fatal(err)
		}

		if len(claimed) == 0 {
			break
		}

		for _, lease := range claimed {
			leases <- lease
		}
	}

	close(leases)
	workers.Wait()
	b.StopTimer()

	if done.Load() != int64(b.N) {
		b.Fatalf("%d of %d messages were processed", done.Load(), b.N)
	}

	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	used.report(b)
	took.report(b)
}

// BenchmarkHistory compares calls on an empty store with calls on a store of 1,000,000 finished and 200,000 pending
// events in 50,000 conversations.
func BenchmarkHistory(b *testing.B) {
	for _, c := range []struct {
		name              string
		finished, pending int64
	}{{"empty", 0, 0}, {"full", 1_000_000, 200_000}} {
		b.Run(c.name, func(b *testing.B) {
			s := openStore(b, newAccess(b))
			fill(b, s, c.finished, c.pending, 50_000)

			for _, class := range []store.Class{store.Conversations, store.Notices} {
				b.Run("claim of class "+class.String(), func(b *testing.B) {
					var n int64
					for b.Loop() {
						b.StopTimer()
						// Due before all others, so that both stores claim the same.
						e := message(1<<40+n, 1<<50)
						e.ReceivedAt = start.Add(-time.Hour)
						e.Class = class
						e.ID = store.NewID(store.KindMessage, class.String(), e.ID.String())
						n++

						if _, err := s.Ingest(b.Context(), []store.Event{e}); err != nil {
							b.Fatal(err)
						}

						b.StartTimer()

						leases, err := s.Claim(b.Context(), class, start, start.Add(time.Minute), 1)
						if err != nil || len(leases) != 1 {
							b.Fatalf("claimed %v, %v", leases, err)
						}
					}
				})
			}

			b.Run("stats", func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Stats(b.Context(), start); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// fill stores events, many in each transaction.
func fill(b *testing.B, s *Store, finished, pending, lanes int64) {
	b.Helper()

	const step = 5_000
	for first := int64(0); first < finished+pending; first += step {
		var events []store.Event
		for n := first; n < min(first+step, finished+pending); n++ {
			e := message(-n-1, lanes)
			if n < finished {
				e.State = store.Done
				e.Lane = ""
			}

			events = append(events, e)
		}

		if _, err := s.Ingest(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkConversation reads the newest 20 of the 200 messages of a conversation, one of 1000.
func BenchmarkConversation(b *testing.B) {
	user, err := server.NewUser()
	if err != nil {
		b.Fatal(err)
	}

	s := openStore(b, Access{URL: user.URL})
	fill(b, s, 0, 200_000, 1000)
	server.Exec(b, "UPDATE "+user.Name+".events SET state = 'done', finished_at = received_at", "ANALYZE "+user.Name+".events")

	for b.Loop() {
		if found, err := s.History(b.Context(), message(-1, 1000).Lane, 0, time.Time{}, 20); err != nil || len(found) != 20 {
			b.Fatalf("History returned %d events, %v", len(found), err)
		}
	}
}
