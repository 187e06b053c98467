// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// plan is a node in the output of EXPLAIN.
type plan struct {
	Node     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Cond     string `json:"Index Cond"`
	Plans    []plan `json:"Plans"`
}

// scans returns the nodes that read an entire table or index. It excludes counts and duties, which have few rows, and
// partial indexes whose condition is the query itself.
func (p *plan) scans() []string {
	var found []string

	whole := p.Node == "Seq Scan" || strings.HasSuffix(p.Node, "Index Scan") && (p.Cond == "" || strings.HasPrefix(p.Cond, "(seq <") || strings.HasPrefix(p.Cond, "(part "))
	if whole && p.Relation != "counts" && p.Relation != "duties" && p.Index != "events_unanswered" && p.Index != "events_errors" {
		found = append(found, p.Node+" "+p.Relation+" "+p.Index)
	}

	for i := range p.Plans {
		found = append(found, p.Plans[i].scans()...)
	}

	return found
}

func (p *plan) sorts() bool {
	return p.Node == "Sort" || slices.ContainsFunc(p.Plans, func(p plan) bool { return p.sorts() })
}

// Every statement must find its rows by a key or an index, except those of Totals, of Search and FindByIdentifiers, which
// look at a bounded number of events, and of List without an indexed filter. A table scan would cost more the longer the
// store is in use.
func TestNoStatementScansHistory(t *testing.T) {
	access, calls := usedStatements(t)
	c := connection(t, openStore(t, access))

	for sql, one := range calls {
		if isControl(sql) {
			continue
		}

		tx, err := c.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// Some tables are empty here, so that a scan would cost less than an index.
		if _, err := tx.Exec(t.Context(), "SET LOCAL enable_seqscan = off"); err != nil {
			t.Fatal(err)
		}

		explain := c.Conn().PgConn().ExecParams(t.Context(), "EXPLAIN (FORMAT JSON) "+sql, one.bound.Parameters, one.types, one.bound.ParameterFormatCodes, nil).Read()
		if explain.Err != nil {
			t.Fatalf("%v\n%s", explain.Err, sql)
		}

		out := explain.Rows[0][0]

		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}

		var explained []struct{ Plan plan }
		if err := json.Unmarshal(out, &explained); err != nil {
			t.Fatal(err)
		}

		if scans := explained[0].Plan.scans(); len(scans) > 0 {
			t.Errorf("%q\n%s\n%s", scans, sql, out)
		}

		if strings.Contains(sql, "ORDER BY c.ready_at") && explained[0].Plan.sorts() {
			t.Errorf("it sorts the due lanes\n%s\n%s", sql, out)
		}
	}
}

// A plan is kept as long as a connection, and may have been made while the store was empty. It must not read entire
// tables later.
func TestPreparedStatementsOfAnEmptyStoreScanNothing(t *testing.T) {
	_, calls := usedStatements(t)
	s := openStore(t, newAccess(t))
	c := connection(t, s).Conn().PgConn()
	settings := strings.Split(s.limits+genericPlans, "\n")

	for sql, one := range calls {
		if one.bound.PreparedStatement == "" || isControl(sql) {
			continue
		}

		if _, err := c.Prepare(t.Context(), "one", sql, one.types); err != nil {
			t.Fatal(err)
		}

		values := ""
		if n := len(one.types); n > 0 {
			values = "(NULL" + strings.Repeat(", NULL", n-1) + ")"
		}

		results, err := c.Exec(t.Context(), "BEGIN; "+strings.Join(settings, " ")+
			"; EXPLAIN (FORMAT JSON) EXECUTE one"+values+"; ROLLBACK; DEALLOCATE one").ReadAll()
		if err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}

		out := results[2].Rows[0][0]
		if found := scansOf(t, out); len(found) > 0 {
			t.Errorf("%q\n%s\n%s", found, sql, out)
		}
	}
}

// isControl reports whether a statement is about the transaction itself.
func isControl(sql string) bool {
	return strings.HasPrefix(sql, "BEGIN") || sql == "COMMIT" || sql == "ROLLBACK" || strings.HasPrefix(sql, "SELECT set_config")
}

// scansOf returns the scans of a plan in JSON.
func scansOf(t *testing.T, out []byte) []string {
	t.Helper()

	var explained []struct{ Plan plan }
	if err := json.Unmarshal(out, &explained); err != nil {
		t.Fatal(err)
	}

	return explained[0].Plan.scans()
}

// connection returns a connection of a store for the test.
func connection(t *testing.T, s *Store) *pgxpool.Conn {
	t.Helper()

	_, c, err := s.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(c.Release)

	return c
}

// usedStatements returns the statements of all calls, by their text, with the most recent values, and the access to the
// store that they were sent to.
func usedStatements(t *testing.T) (Access, map[string]sentStatement) {
	t.Helper()

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := Access{URL: user.URL}

	var mu sync.Mutex

	sent := map[string]sentStatement{} // with the most recent values
	s := openStore(t, access)
	s.database = watched(t, access, func(trip []sentStatement) {
		mu.Lock()
		defer mu.Unlock()

		for _, one := range trip {
			sent[one.sql] = one
		}
	})
	fillLater(t, s)
	server.Exec(t, "UPDATE "+user.Name+".conversations SET waits_for = 'app' WHERE ready_at IS NOT NULL",
		"ANALYZE "+user.Name+".events", "ANALYZE "+user.Name+".conversations")
	clear(sent)
	useEverything(t, s)

	mu.Lock()
	defer mu.Unlock()

	return access, maps.Clone(sent)
}

// fillLater stores enough events that the choice of an index matters. None of them is due or old for useEverything.
func fillLater(t *testing.T, s *Store) {
	t.Helper()

	var events []store.Event
	for n := range int64(6000) {
		e := message(1000+n, 2000)
		e.Lane += "/later"
		e.ReceivedAt = start.AddDate(0, 0, 2)

		e.Aliases = []string{e.Lane + "/alias"}
		if n%2 == 0 {
			e.State = store.Done
			e.Lane = ""
		}

		events = append(events, e)
	}

	if _, err := s.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}
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

	quarantined := message(8, 1)
	quarantined.State = store.Quarantined
	discarded := message(9, 1)
	discarded.State = store.Quarantined
	all := store.Selection{
		States:        store.Replayable,
		PhoneNumberID: "0",
		Code:          "131047",
		ReceivedAfter: start,
		LastSeq:       1 << 40,
	}

	if _, err := s.Ingest(ctx, []store.Event{message(1, 1), message(2, 1), message(3, 1), quarantined, discarded}); err != nil {
		t.Fatal(err)
	}

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
		func() error { return s.Replay(ctx, message(1, 1).ID, start) },
		func() error { return s.Replay(ctx, quarantined.ID, start) },
		func() error { return s.Discard(ctx, discarded.ID, start) },
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
		func() error { _, err := s.Causes(ctx, all); return err },
		func() error { _, _, err := s.ReplaySelected(ctx, all, 0, start, 10); return err },
		func() error { _, _, err := s.DiscardSelected(ctx, all, 0, start, 10); return err },
		func() error { _, err := s.Get(ctx, message(1, 1).ID); return err },
		func() error { _, err := s.JobStates(ctx, "job"); return err },
		func() error { _, err := s.Search(ctx, store.Search{Job: "job"}, 0, 10); return err },
		func() error { _, err := s.Stats(ctx, start); return err },
		func() error { _, err := s.Backlog(ctx, message(1, 1).Lane, 10); return err },
		func() error { _, err := s.History(ctx, message(1, 1).Lane, 0, time.Time{}, 10); return err },
		func() error { _, err := s.ClaimWaiting(ctx, store.Conversations, "bird", later, 10); return err },
		func() error { _, _, err := s.Schedule(ctx, start); return err },
		func() error { _, err := s.Conversation(ctx, message(1, 1).Lane); return err },
		func() error { return s.TakeOver(ctx, "alias", store.Takeover{Until: later}, start) },
		func() error { _, err := s.TakenOver(ctx, start, "", 10); return err },
		func() error { _, err := s.EventDetail(ctx, message(2, 1).ID); return err },
		func() error { _, err := s.Statuses(ctx, "", []string{"m", "n"}); return err },
		func() error { _, err := s.Recent(ctx, store.Position{}, 10); return err },
		func() error { _, err := s.Names(ctx, "alias"); return err },
		func() error { return s.RepairClock(ctx, start.Add(-time.Hour)) },
		func() error { // an erasure waits for leases
			leases, err := s.Claim(ctx, store.Conversations, start, later, 10)

			for _, lease := range leases {
				err = errors.Join(err, s.Release(ctx, lease.LeaseRef, start))
			}

			return err
		},
		func() error { _, err := s.Erase(ctx, []store.ID{status.ID, message(2, 1).ID}, start); return err },
		func() error { return s.Forget(ctx, "nobody") },
		func() error { return s.Ping(ctx) },
	}
	for i, call := range calls {
		if err := call(); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}
