// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql/driver"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Every statement must find its rows by a key or an index, except those of Totals, of Search and FindByIdentifiers, which
// look at a bounded number of events, and of List without an indexed filter. A table scan would cost more the longer the
// store is in use.
func TestNoStatementScansHistory(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))
	useEverything(t, s)

	check := func(c *conn) error {
		for _, sql := range slices.Collect(maps.Keys(c.stmts)) {
			err := c.query(t.Context(), "EXPLAIN QUERY PLAN "+sql, func(r row) error {
				step := r.text(3)

				scans := strings.HasPrefix(step, "SCAN") || strings.Contains(step, "INTEGER PRIMARY KEY (rowid>") ||
					strings.Contains(step, "INTEGER PRIMARY KEY (rowid<") ||
					strings.Contains(step, "TEMP B-TREE")
				few := []string{"SCAN counts", "SCAN probe", "SCAN duties", "SCAN damaged", "SCAN temp.emptied", "SCAN CONSTANT ROW"}

				if scans && !slices.Contains(few, step) {
					t.Errorf("%s\n%s", step, sql)
				}

				return nil
			}, make([]driver.Value, parameters(t, sql))...)
			if err != nil {
				return err
			}
		}

		return nil
	}
	if err := s.writer.do(t.Context(), func(t *tx) error { return check(t.conn) }); err != nil {
		t.Error(err)
	}

	for range readers {
		c := <-s.readers
		if err := check(c); err != nil {
			t.Error(err)
		}

		s.readers <- c
	}
}

var numbered = regexp.MustCompile(`\?(\d+)`)

// parameters returns the number of parameters of a statement.
func parameters(t *testing.T, sql string) int {
	t.Helper()

	last := strings.Count(sql, "?")
	for _, match := range numbered.FindAllStringSubmatch(sql, -1) {
		n, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}

		last = max(last, n)
	}

	return last
}

// useEverything makes all calls, in every way that runs different statements.
func useEverything(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	later := start.Add(time.Hour)
	status := message(4, 1)
	status.Kind = store.KindStatus
	status.State = store.Done
	status.Lane = ""
	status.Status = &store.StatusUpdate{
		MessageID: "m",
		At:        start,
		ReplyTo:   message(1, 1).ID,
	}
	notice := message(5, 1)
	notice.Kind = store.KindNotice
	notice.Class = store.Notices
	aliased := message(6, 1)
	aliased.Aliases = []string{"alias"}
	pointed := message(7, 1)
	pointed.Lane = "alias"

	ingest(t, s, 1, 2, 3)

	leases, err := s.Claim(ctx, store.Conversations, start, later, 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim returned %v, %v", leases, err)
	}

	lease := leases[0].LeaseRef
	failure := &store.Failure{At: start, Spent: true}
	advance := func(n int64, step store.Step) func() error {
		return func() error {
			step.Now = start
			_, err := s.Advance(ctx, lease, message(n, 1).ID, step)

			return err
		}
	}

	calls := []func() error{
		advance(1, store.Step{Answer: []store.Reply{{Type: "text"}}, Sending: new(0)}),
		func() error { _, err := s.Ingest(ctx, []store.Event{status, aliased, pointed}); return err },
		func() error { _, err := s.MessageStatus(ctx, "", "m", ""); return err },
		func() error { _, err := s.Renew(ctx, []store.LeaseRef{lease}, later); return err },
		func() error { _, err := s.Peek(ctx, lease, 10); return err },
		advance(1, store.Step{
			Emit:             []store.Event{notice},
			Takeover:         &store.Takeover{Until: later},
			TemplateRequired: new(true),
			Outcome:          &store.Outcome{State: store.Dead, Failure: failure},
		}),
		advance(2, store.Step{Coalesced: []store.ID{message(3, 1).ID}}),
		advance(2, store.Step{
			Answer: []store.Reply{{Type: "text"}, {Part: 1, Type: "text"}, {Part: 2, Type: "text"}},
			Sent:   &store.SentRef{MessageID: "wamid"},
		}),
		advance(2, store.Step{
			Sending:     new(1),
			ByDesk:      true,
			Replacement: &store.Reply{Type: "template"},
		}),
		advance(2, store.Step{Outcome: &store.Outcome{State: store.Done}}),
		advance(6, store.Step{Remove: &store.ReplyRef{
			Event:     message(2, 1).ID,
			Part:      1,
			MessageID: "wamid",
		}}),
		advance(6, store.Step{Resend: &store.ReplyRef{Event: message(2, 1).ID}}),
		advance(6, store.Step{Outcome: &store.Outcome{
			State:   store.Pending,
			RetryAt: start,
			Failure: failure,
		}}),
		func() error { _, err := s.Claim(ctx, store.Conversations, start, later, 10); return err },
		func() error {
			leases, err := s.Claim(ctx, store.Notices, start, later, 10)
			if err == nil {
				_, err = s.Advance(ctx, leases[0].LeaseRef, notice.ID, store.Step{Now: start, Outcome: &store.Outcome{State: store.Done}})
			}

			return err
		},
		func() error { _, err := s.ClaimWaiting(ctx, store.Conversations, "bird", later, 10); return err },
		func() error { _, _, err := s.Schedule(ctx, start); return err },
		func() error { _, err := s.Causes(ctx, store.Selection{States: store.Replayable}); return err },
		func() error { _, err := s.Conversation(ctx, "alias"); return err },
		func() error { return s.TakeOver(ctx, "alias", store.Takeover{Until: later}, start) },
		func() error { _, err := s.TakenOver(ctx, start, "", 10); return err },
		func() error { return s.RepairClock(ctx, start) },
		func() error { return s.Replay(ctx, message(1, 1).ID, start) },
		func() error { return s.SetPause(ctx, store.Pause{Scope: "app", Until: later}, start) },
		func() error { return s.ClearPause(ctx, "app") },
		func() error { _, err := s.Purge(ctx, store.Expiry{Payloads: later, Events: start}, 10); return err },
		func() error { _, err := s.Purge(ctx, store.Expiry{Payloads: later, Events: later}, 10); return err },
		func() error {
			_, err := s.DeadLetters(ctx, store.Selection{States: []store.State{store.Dead}}, 0, 10)
			return err
		},
		func() error {
			_, err := s.List(ctx, store.Filter{Kind: store.KindError}, 0, 10)
			return err
		},
		func() error {
			_, err := s.List(ctx, store.Filter{Kind: store.KindError, State: store.Dead}, 0, 10)
			return err
		},
		func() error { _, err := s.Get(ctx, message(1, 1).ID); return err },
		func() error {
			_, _, err := s.ReplaySelected(ctx, store.Selection{States: store.Replayable}, 0, start, 10)
			return err
		},
		func() error {
			_, _, err := s.DiscardSelected(ctx, store.Selection{States: store.Replayable}, 0, start, 10)
			return err
		},
		func() error { _, err := s.JobStates(ctx, "job"); return err },
		func() error { _, err := s.Stats(ctx, start); return err },
		func() error { _, err := s.Backlog(ctx, message(1, 1).Lane, 10); return err },
		func() error { _, err := s.History(ctx, message(1, 1).Lane, 0, time.Time{}, 10); return err },
		func() error { _, err := s.EventDetail(ctx, message(2, 1).ID); return err },
		func() error { _, err := s.Statuses(ctx, "", []string{"m", "n"}); return err },
		func() error { _, err := s.Recent(ctx, store.Position{}, 10); return err },
		func() error { _, err := s.Names(ctx, "alias"); return err },
		func() error {
			erased := message(20, 1)
			erased.Lane = "erased"

			if _, err := s.Ingest(ctx, []store.Event{erased}); err != nil {
				return err
			}

			_, err := s.Erase(ctx, []store.ID{status.ID, erased.ID}, start)

			return err
		},
		func() error { return s.Forget(ctx, "nobody") },
	}
	for i, call := range calls {
		if err := call(); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}
