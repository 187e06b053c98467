// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sqlite

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// BenchmarkTurn measures the store's part of a turn: a message, its answer and the three statuses of the answer, by one
// caller, as on a quiet receiver, and by many. It reports processor time, since the machine may be shared.
func BenchmarkTurn(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(callers)+" at a time", func(b *testing.B) {
			s := openStore(b, filepath.Join(b.TempDir(), "inbox.db"))

			var (
				commits atomic.Int64
				n       atomic.Int64
				all     sync.WaitGroup
			)

			s.writer.committed = func(committed func()) func() {
				return func() {
					commits.Add(1)
					committed()
				}
			}(s.writer.committed)

			began := processorTime(b)

			b.ResetTimer()

			for range callers {
				all.Go(func() {
					for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
						if err := turn(b, s, i); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}

			all.Wait()
			b.StopTimer()

			spent := processorTime(b) - began
			b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "cpu-µs/turn")
			b.ReportMetric(float64(commits.Load())/float64(b.N), "commits/turn")
		})
	}
}

// turn stores and processes a message and the three statuses of its answer.
func turn(b *testing.B, s *Store, n int64) error {
	question := message(n, 1<<40)
	answer := []store.Reply{{Type: "text", Body: payload}}
	sent := "wamid." + question.ID.String()

	lease, err := accept(b, s, question)
	if err != nil {
		return err
	}

	_, err = s.Advance(b.Context(), lease.LeaseRef, question.ID, store.Step{
		Now:     start,
		Answer:  answer,
		Sending: new(0),
	})
	if err != nil {
		return err
	}

	_, err = s.Advance(b.Context(), lease.LeaseRef, question.ID, store.Step{
		Now:     start,
		Sent:    &store.SentRef{MessageID: sent},
		Outcome: &store.Outcome{State: store.Done},
	})
	if err != nil {
		return err
	}

	for rank, status := range []string{"sent", "delivered", "read"} {
		event := message(n, 1<<40)
		event.ID = store.NewID(store.KindStatus, sent, status)
		event.Kind = store.KindStatus
		event.Type = status
		event.Class = store.Statuses
		event.Lane = "status:" + strconv.FormatInt(n, 10)
		event.Status = &store.StatusUpdate{
			PhoneNumberID: event.PhoneNumberID,
			MessageID:     sent,
			Status:        status,
			Rank:          rank + 1,
			At:            start,
			ReplyTo:       question.ID,
		}

		lease, err := accept(b, s, event)
		if err != nil {
			return err
		}

		done := store.Step{Now: start, Outcome: &store.Outcome{State: store.Done}}
		if _, err := s.Advance(b.Context(), lease.LeaseRef, event.ID, done); err != nil {
			return err
		}
	}

	return nil
}

// accept stores an event and leases its lane.
func accept(b *testing.B, s *Store, event store.Event) (store.Lease, error) {
	offer := store.Offer{
		Now:   start,
		Until: start.Add(time.Minute),
		Lanes: [3]int{1, 1, 1},
	}

	arrival, err := s.IngestAndClaim(b.Context(), []store.Event{event}, offer)
	if err == nil && len(arrival.Leases) != 1 {
		err = fmt.Errorf("the lane of event %s was not leased", event.ID)
	}

	if err != nil {
		return store.Lease{}, err
	}

	return arrival.Leases[0], nil
}

// processorTime returns the processor time of the process so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()

	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}

	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
