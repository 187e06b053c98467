// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

var ingestTests = map[string]func(*fixture){
	"stores every field": func(f *fixture) {
		event := received(text("a", "lane"), at(0).Add(123456789*time.Nanosecond).In(time.FixedZone("", 3600)))
		f.ingest(event)
		event.ReceivedAt = at(123 * time.Millisecond)
		got := f.get(event.ID)
		f.wantEqual("record", got, &store.Record{Work: store.Work{Event: event, Seq: got.Seq}})
	},

	"stores a finished event unchanged": func(f *fixture) {
		event := finished(text("a", ""), store.Skipped)
		f.ingest(event)
		got := f.get(event.ID)
		f.wantEqual("record", got, &store.Record{Work: store.Work{Event: event, Seq: got.Seq}, FinishedAt: at(0)})
	},

	"stores an event once in a batch": func(f *fixture) {
		f.wantEqual("fresh", f.ingest(text("a", "lane"), text("b", "lane"), text("a", "lane")), []bool{true, true, false})
		f.wantEqual("pending", f.stats(at(0)).Pending, int64(2))
	},

	"stores an event once over time": func(f *fixture) {
		f.ingest(text("a", "lane"))
		again := received(text("a", "lane"), at(time.Hour))
		again.Payload = []byte(`{"other":true}`)
		f.wantEqual("fresh", f.ingest(again, text("b", "lane")), []bool{false, true})
		f.wantEqual("event", f.get(again.ID).Event, text("a", "lane"))
	},

	"does not make a finished event pending again": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.advance(f.claimOne(at(0)), end(store.Done, at(0)))
		f.wantEqual("fresh", f.ingest(text("a", "lane")), []bool{false})
		f.wantEqual("claimed", f.claim(at(time.Hour), 1), []store.Lease(nil))
	},

	"stores an event once when it arrives concurrently": func(f *fixture) {
		events := []store.Event{text("a", "one"), text("b", "one"), text("c", "two"), finished(text("d", ""), store.Skipped)}

		var (
			fresh [4]atomic.Int64
			all   sync.WaitGroup
		)
		for range 32 {
			all.Go(func() {
				got, err := f.Ingest(f.Context(), events)
				if err != nil {
					f.Errorf("Ingest: %v", err)
					return
				}

				for i, isNew := range got {
					if isNew {
						fresh[i].Add(1)
					}
				}
			})
		}

		all.Wait()

		for i := range fresh {
			if n := fresh[i].Load(); n != 1 {
				f.Errorf("event %d was new %d times, want once", i, n)
			}
		}

		f.wantEqual("pending", f.stats(at(0)).Pending, int64(3))
		totals, err := f.Totals(f.Context())
		f.wantErr("Totals", err, nil)
		f.wantEqual("totals", totals, []store.Total{
			{
				Kind:  store.KindMessage,
				Type:  "text",
				State: store.Pending,
				Count: 3,
			},
			{
				Kind:  store.KindMessage,
				Type:  "text",
				State: store.Skipped,
				Count: 1,
			},
		})
	},

	"stores all or none": func(f *fixture) {
		for name, spoil := range map[string]func(*store.Event){
			"state dead":    func(e *store.Event) { e.State = store.Dead },
			"state human":   func(e *store.Event) { e.State = store.Human },
			"state expired": func(e *store.Event) { e.State = store.Expired },
			"lane":          func(e *store.Event) { e.Lane = "" },
			"class":         func(e *store.Event) { e.Class = 9 },
			"no class":      func(e *store.Event) { e.Class = store.NoClass },
			"time":          func(e *store.Event) { e.ReceivedAt = time.Time{} },
		} {
			bad := text("bad", "lane")
			spoil(&bad)

			if fresh, err := f.Ingest(f.Context(), []store.Event{text("a", "lane"), bad}); err == nil {
				f.Errorf("wrong %s: Ingest returned %v, want an error", name, fresh)
			}
		}

		f.wantEqual("pending", f.stats(at(0)).Pending, int64(0))
	},

	"accepts no events": func(f *fixture) {
		f.wantEqual("fresh", f.ingest(), []bool(nil))
	},

	"does nothing after the context has ended": func(f *fixture) {
		ctx, cancel := context.WithCancel(f.Context())
		cancel()

		_, err := f.Ingest(ctx, []store.Event{text("a", "lane")})
		f.wantErr("Ingest", err, context.Canceled)
		_, err = f.Claim(ctx, store.Conversations, at(0), at(leaseTime), 1)
		f.wantErr("Claim", err, context.Canceled)
		_, err = f.Stats(ctx, at(0))
		f.wantErr("Stats", err, context.Canceled)
		f.wantEqual("pending", f.stats(at(0)).Pending, int64(0))
	},

	"answers a ping": func(f *fixture) {
		f.wantErr("Ping", f.Ping(f.Context()), nil)
	},

	"returns ErrClosed after Close": func(f *fixture) {
		f.wantErr("Close", f.Close(), nil)
		_, err := f.Ingest(f.Context(), []store.Event{text("a", "lane")})
		f.wantErr("Ingest", err, store.ErrClosed)
		_, err = f.Get(f.Context(), text("a", "lane").ID)
		f.wantErr("Get", err, store.ErrClosed)
		f.wantErr("Ping", f.Ping(f.Context()), store.ErrClosed)
		f.wantErr("Close", f.Close(), nil)
	},
}
