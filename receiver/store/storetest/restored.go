// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// endRestored ends the pending messages as those of a copy.
func (f *fixture) endRestored(now time.Time, want int64) {
	f.Helper()

	ended, err := store.EndRestored(f.Context(), f.Store, now)
	f.wantErr("EndRestored", err, nil)
	f.wantEqual("ended", ended, want)
}

var restoredTests = map[string]func(*fixture){
	"messages end in every state of their lane": func(f *fixture) {
		f.wait("waits", "number", at(7*24*time.Hour))
		f.ingest(text("retried", "lane retried"))
		f.advance(f.claimOne(at(0)), postpone(at(0), at(time.Hour), true))

		f.ingest(text("head", "lane together"), text("with", "lane together"), text("behind", "lane together"))
		f.advance(f.claimOne(at(0)), store.Step{Now: at(0), Coalesced: []store.ID{id("with")}}) // leased

		f.ingest(text("due", "lane due"), text("second", "lane due"))
		f.endRestored(at(time.Minute), 7)

		f.wantEqual("claimed", f.claim(at(8*24*time.Hour), 10), []store.Lease(nil))
		f.wantEqual("pending", f.stats(at(time.Minute)).Pending, int64(0))

		for _, name := range []string{"waits", "retried", "head", "with", "behind", "due", "second"} {
			record := f.get(id(name))
			f.wantEqual("state of "+name, record.Event.State, store.Dead)
			f.wantEqual("end of "+name, record.FinishedAt, at(time.Minute))
		}

		failures := f.get(id("retried")).Failures
		f.wantEqual("code", failures[len(failures)-1].Code, store.CodeRestored)
		f.wantEqual("selected", f.selected(store.Selection{States: []store.State{store.Dead}, Code: store.CodeRestored}),
			[]string{"waits", "retried", "head", "with", "behind", "due", "second"})
	},

	"other work stays": func(f *fixture) {
		makeDead(f, "dead")
		f.ingest(inClass(store.Statuses, text("status", "lane")), inClass(store.Notices, text("notice", "lane")))
		before := f.get(id("dead"))
		f.endRestored(at(time.Minute), 0)
		f.wantEqual("dead letter", f.get(id("dead")), before)
		f.wantEqual("status", f.claimOneOf(store.Statuses, at(time.Minute)).Work.Event.ID, id("status"))
		f.wantEqual("notice", f.claimOneOf(store.Notices, at(time.Minute)).Work.Event.ID, id("notice"))
	},

	"what reaches a person again expires": func(f *fixture) {
		sends := []store.Event{
			ofKind(store.KindAnswerDeadline, "deadline", "deadline:1"),
			ofKind(store.KindThreadPass, "pass", "thread:1"),
			ofKind(store.KindThreadPass, "second pass", "thread:1"),
			failedStatus("failed", "lane"),
			failedStatus("waits", "waiting lane"),
		}
		stays := []store.Event{
			ofKind(store.KindError, "error", "errors:1"),
			ofKind(store.KindStatusReport, "report", store.ReportLane+"1"),
			failedStatus("payment", store.ReportLane+"2"),
			ofKind(store.KindStatus, "delivered", store.ReportLane+"3"),
		}

		f.ingest(sends...)

		for _, lease := range f.claimClass(store.Statuses, at(0), 10) {
			if lease.Work.Event.ID == id("waits") {
				f.advance(lease, store.Step{
					Now:     at(0),
					Outcome: &store.Outcome{State: store.Pending, RetryAt: at(time.Hour), WaitsFor: "number"},
				})
			}
		}

		f.ingest(stays...)
		f.endRestored(at(time.Minute), 0)

		for _, e := range sends {
			record := f.get(e.ID)
			f.wantEqual("state of "+e.Lane, record.Event.State, store.Expired)
			f.wantEqual("code of "+e.Lane, record.Failures[len(record.Failures)-1].Code, store.CodeRestored)
		}

		var left []store.ID

		for _, lease := range f.claimClass(store.Statuses, at(time.Minute), 10) {
			f.wantEqual("starts", lease.Work.Starts, 1)

			left = append(left, lease.Work.Event.ID)
		}

		f.wantEqual("number that stays", len(left), len(stays))

		for _, e := range stays {
			f.wantEqual(e.Lane+" is due", slices.Contains(left, e.ID), true)
		}
	},

	"messages can be replayed": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.endRestored(at(time.Minute), 1)
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(time.Hour)), nil)
		f.wantEqual("claimed", f.claimOne(at(time.Hour)).Work.Event.ID, id("a"))
	},

	"later messages are processed": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.endRestored(at(time.Minute), 1)
		f.ingest(received(text("b", "lane"), at(2*time.Minute)))
		f.wantEqual("claimed", f.claimOne(at(2*time.Minute)).Work.Event.ID, id("b"))
	},

	"a second call completes an interrupted one": func(f *fixture) {
		for n := range 300 {
			f.ingest(text(fmt.Sprint(n), fmt.Sprintf("lane %d", n)))
		}

		f.interruptEndRestored(at(time.Minute))

		_, err := store.EndRestored(f.Context(), f.Store, at(time.Minute))
		f.wantErr("EndRestored", err, nil)

		for n := range 300 {
			f.wantEqual("state", f.get(id(fmt.Sprint(n))).Event.State, store.Dead)
		}
	},

	"the leases of an interrupted call on statuses do not outlast it": func(f *fixture) {
		for n := range 300 {
			f.ingest(
				failedStatus(fmt.Sprint("failed ", n), fmt.Sprintf("lane %d", n)),
				ofKind(store.KindStatus, fmt.Sprint("delivered ", n), fmt.Sprintf("%s%d", store.ReportLane, n)),
			)
		}

		f.interruptEndRestored(at(time.Minute))

		pending := f.stats(at(time.Minute)).PendingStatuses
		f.wantEqual("lanes that are due", int64(len(f.claimClass(store.Statuses, at(time.Minute), 600))), pending)

		_, err := store.EndRestored(f.Context(), f.Store, at(time.Minute))
		f.wantErr("EndRestored", err, nil)
		f.wantEqual("pending", f.stats(at(time.Minute)).PendingStatuses, int64(300))
	},

	"the leases of an interrupted call do not outlast it": func(f *fixture) {
		for n := range 300 {
			f.ingest(text(fmt.Sprint(n), fmt.Sprintf("lane %d", n)))
		}

		f.interruptEndRestored(at(time.Minute))

		pending := f.stats(at(time.Minute)).Pending
		f.wantEqual("lanes that are due", int64(len(f.claim(at(time.Minute), 300))), pending)
	},
}

// ofKind returns a pending event of class Statuses.
func ofKind(kind store.Kind, name, lane string) store.Event {
	e := inClass(store.Statuses, text(name, lane))
	e.Kind = kind

	return e
}

// failedStatus returns a pending status by which Meta reports that a message or a payment failed.
func failedStatus(name, lane string) store.Event {
	e := ofKind(store.KindStatus, name, lane)
	e.Type = "failed"

	return e
}

// interruptEndRestored interrupts the end of what is pending after the first lanes were leased.
func (f *fixture) interruptEndRestored(now time.Time) {
	f.Helper()

	ctx, cancel := context.WithCancel(f.Context())
	defer cancel()

	queue := &Interrupted{Store: f.Store, Cancel: cancel}

	if _, err := store.EndRestored(ctx, queue, now); err == nil {
		f.Error("EndRestored returned no error after its context ended")
	}
}

// Interrupted is a store whose caller is interrupted after the first claim that leased a lane.
type Interrupted struct {
	store.Store
	Cancel context.CancelFunc
}

// Claim implements store.Queue.
func (i *Interrupted) Claim(ctx context.Context, class store.Class, now, until time.Time, limit int) ([]store.Lease, error) {
	leases, err := i.Store.Claim(ctx, class, now, until, limit)
	if len(leases) > 0 {
		i.Cancel()
	}

	return leases, err
}
