// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// processAll processes all due lanes and answers each message.
func processAll(f *fixture, now time.Time) {
	f.Helper()

	for leases := f.claim(now, 10); len(leases) > 0; leases = f.claim(now, 10) {
		for _, lease := range leases {
			f.advance(lease, store.Step{
				Now:     now,
				Answer:  answer(),
				Outcome: &store.Outcome{State: store.Done},
			})
		}
	}
}

func purge(f *fixture, payloads, events time.Time, limit int) int {
	f.Helper()

	n, err := f.Purge(f.Context(), store.Expiry{Payloads: payloads, Events: events}, limit)
	if err != nil {
		f.Fatalf("Purge: %v", err)
	}

	return n
}

var figuresTests = map[string]func(*fixture){
	"are of now where a clock that was ahead ended events": func(f *fixture) {
		ahead := at(365 * 24 * time.Hour)

		for name, ended := range map[string]store.Step{
			"answered":    end(store.Done, ahead),
			"dead":        end(store.Dead, ahead),
			"in time":     end(store.Done, at(0)),
			"human":       end(store.Human, ahead),
			"dead before": end(store.Dead, at(0)),
		} {
			f.ingest(text(name, "lane "+name))
			f.advance(f.claimOne(at(0)), ended)
		}

		f.ingest(finished(received(text("quarantined", ""), ahead), store.Quarantined))
		f.repairClock(at(time.Hour))

		for name, want := range map[string]time.Time{
			"answered":    at(time.Hour),
			"dead":        at(time.Hour),
			"in time":     at(0),
			"human":       at(time.Hour),
			"dead before": at(0),
			"quarantined": at(time.Hour),
		} {
			f.wantEqual(name+" finished at", f.get(store.NewID(store.KindMessage, name)).FinishedAt, want)
		}
	},

	"count events by state": func(f *fixture) {
		f.wantEqual("empty", f.stats(at(0)), store.Stats{})
		f.ingest(received(text("a", "one"), at(0)), received(text("b", "two"), at(time.Minute)),
			finished(text("c", ""), store.Quarantined), finished(text("d", ""), store.Skipped))
		f.wantEqual("after ingest", f.stats(at(time.Hour)),
			store.Stats{
				Pending:             2,
				OldestPending:       at(0),
				Quarantined:         1,
				OldestDeadLetter:    at(0),
				ActiveConversations: 2,
			})
		f.advance(f.claim(at(time.Hour), 1)[0], end(store.Dead, at(time.Hour)))
		f.wantEqual("after a failure", f.stats(at(time.Hour)),
			store.Stats{
				Pending:             1,
				OldestPending:       at(time.Minute),
				DeadLetters:         1,
				Quarantined:         1,
				OldestDeadLetter:    at(0),
				ActiveConversations: 2,
			})
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(time.Hour)), nil)
		f.wantEqual("after a replay", f.stats(at(time.Hour)),
			store.Stats{
				Pending:             2,
				OldestPending:       at(0),
				Quarantined:         1,
				OldestDeadLetter:    at(0),
				ActiveConversations: 2,
			})
		processAll(f, at(time.Hour))
		f.wantEqual("a day later", f.stats(at(25*time.Hour)), store.Stats{Quarantined: 1, OldestDeadLetter: at(0)})
		totals, err := f.Totals(f.Context())
		f.wantErr("Totals", err, nil)
		f.wantEqual("totals", totals, []store.Total{
			{
				Kind:  store.KindMessage,
				Type:  "text",
				State: store.Done,
				Count: 2,
			},
			{
				Kind:  store.KindMessage,
				Type:  "text",
				State: store.Quarantined,
				Count: 1,
			},
			{
				Kind:  store.KindMessage,
				Type:  "text",
				State: store.Skipped,
				Count: 1,
			},
		})
	},

	"count a conversation while it is active": func(f *fixture) {
		f.ingest(received(text("a", "lane"), at(0)))
		f.ingest(received(text("b", "lane"), at(10*time.Hour)))
		f.ingest(received(text("late", "lane"), at(time.Hour)))
		f.wantEqual("within a day of the last message", f.stats(at(33*time.Hour)).ActiveConversations, int64(1))
		f.wantEqual("after", f.stats(at(35*time.Hour)).ActiveConversations, int64(0))
	},

	"know the newest message": func(f *fixture) {
		newest := func() time.Time {
			stats, err := f.Stats(f.Context(), at(0))
			f.wantErr("Stats", err, nil)

			return stats.LastMessageAt
		}

		f.wantEqual("empty", newest(), time.Time{})
		f.ingest(received(text("a", "one"), at(time.Hour)), received(text("b", "two"), at(2*time.Hour)))
		processAll(f, at(3*time.Hour))
		f.wantEqual("after messages", newest(), at(2*time.Hour))
	},

	"purge first payloads, then events": func(f *fixture) {
		f.ingest(text("a", "lane"), finished(text("b", ""), store.Skipped), status("m", "", "", "read", 3))
		processAll(f, at(0))
		f.wantEqual("too early", purge(f, at(0), at(0), 100), 0)

		later := at(time.Millisecond)
		f.wantEqual("emptied", purge(f, later, at(0), 100), 3)
		f.wantEqual("emptied again", purge(f, later, at(0), 100), 0)
		record := f.get(id("a"))
		f.wantEqual("payload", len(record.Event.Payload), 0)

		for _, reply := range record.Replies {
			f.wantEqual("body", len(reply.Body), 0)
		}

		f.wantEqual("fresh", f.ingest(text("a", "lane")), []bool{false})

		f.wantEqual("deleted", purge(f, later, later, 100), 4) // three events, one conversation
		_, err := f.Get(f.Context(), id("a"))
		f.wantErr("Get", err, store.ErrNotFound)
		_, err = f.MessageStatus(f.Context(), "1065", "m", "")
		f.wantErr("MessageStatus", err, store.ErrNotFound)
		f.wantEqual("stats", f.stats(at(0)), store.Stats{})
	},

	"exclude events without an answer, which are purged": func(f *fixture) {
		states := []store.State{store.Skipped, store.Human, store.Expired}
		for _, state := range states {
			f.ingest(text(string(state), "lane"))
			f.advance(f.claimOne(at(0)), end(state, at(0)))
		}

		f.wantEqual("stats", f.stats(at(0)), store.Stats{ActiveConversations: 1})
		totals, err := f.Totals(f.Context())
		f.wantErr("Totals", err, nil)

		total := func(state store.State) store.Total {
			return store.Total{
				Kind:  store.KindMessage,
				Type:  "text",
				State: state,
				Count: 1,
			}
		}
		f.wantEqual("totals", totals, []store.Total{total(store.Expired), total(store.Human), total(store.Skipped)})

		for _, state := range states {
			found, err := f.List(f.Context(), store.Filter{State: state}, 0, 10)
			f.wantErr("List", err, nil)

			if len(found) != 1 || found[0].Event.ID != id(string(state)) {
				f.Errorf("List of state %s returned %v", state, found)
			}
		}

		later := at(time.Millisecond)
		f.wantEqual("emptied", purge(f, later, at(0), 100), len(states))
		f.wantEqual("deleted", purge(f, later, later, 100), len(states)+1) // and one conversation
	},

	"purge deletes events with their payloads": func(f *fixture) {
		f.ingest(finished(text("a", ""), store.Skipped))
		f.wantEqual("deleted", purge(f, at(time.Hour), at(time.Hour), 100), 1)
		f.wantEqual("left", purge(f, at(time.Hour), at(time.Hour), 100), 0)
	},

	"purge respects its limit": func(f *fixture) {
		var events []store.Event
		for i := range 250 {
			events = append(events, finished(text(strconv.Itoa(i), ""), store.Skipped))
		}

		f.ingest(events...)
		f.wantEqual("emptied", purge(f, at(time.Hour), at(0), 7), 7)
		f.wantEqual("deleted and emptied", purge(f, at(time.Hour), at(time.Hour), 120), 240)
		f.wantEqual("the rest", purge(f, at(time.Hour), at(time.Hour), 1000), 130)
	},

	"purge discards dead letters and quarantined events when their retention ends": func(f *fixture) {
		f.ingest(text("dead", "lane"), finished(text("quarantined", ""), store.Quarantined))
		f.advance(f.claimOne(at(0)), store.Step{
			Now:        at(0),
			Answer:     answer(),
			Transcript: new("said"),
			Outcome:    &store.Outcome{State: store.Dead},
		})
		f.ingest(text("later", "lane"))
		f.advance(f.claimOne(at(time.Hour)), end(store.Dead, at(time.Hour)))
		f.wantEqual("oldest", f.stats(at(0)).OldestDeadLetter, at(0))

		later := at(time.Minute)
		f.wantEqual("without an expiry", purge(f, at(10*time.Hour), at(10*time.Hour), 100), 1) // the conversation

		purgeDead := func(before time.Time) int {
			n, err := f.Purge(f.Context(), store.Expiry{DeadLetters: before}, 100)
			f.wantErr("Purge", err, nil)

			return n
		}
		f.wantEqual("too early", purgeDead(at(0)), 0)
		f.wantEqual("expired", purgeDead(later), 2)
		f.wantEqual("expired again", purgeDead(later), 0)

		for _, name := range []string{"dead", "quarantined"} {
			record := f.get(id(name))
			f.wantEqual("state", record.Event.State, store.Discarded)
			f.wantEqual("payload", len(record.Event.Payload), 0)
			f.wantEqual("transcript", record.Transcript, "")
			f.wantEqual("finished", record.FinishedAt, at(0))

			for _, reply := range record.Replies {
				f.wantEqual("body", len(reply.Body), 0)
			}

			f.wantErr("Replay", f.Replay(f.Context(), id(name), later), store.ErrNotFound)
		}

		f.wantEqual("fresh", f.ingest(text("dead", "lane")), []bool{false})
		f.wantEqual("left", f.stats(at(0)), store.Stats{DeadLetters: 1, OldestDeadLetter: at(time.Hour)})
		f.wantEqual("deleted", purge(f, later, later, 100), 2)
		_, err := f.Get(f.Context(), id("dead"))
		f.wantErr("Get", err, store.ErrNotFound)
		f.wantErr("Replay", f.Replay(f.Context(), id("later"), at(2*time.Hour)), nil)
	},

	"purge leaves unfinished events": func(f *fixture) {
		f.ingest(text("dead", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{
			Now:     at(0),
			Answer:  answer(),
			Outcome: &store.Outcome{State: store.Dead},
		})
		f.ingest(text("waiting", "lane"), text("leased", "other"))
		f.advance(f.claim(at(0), 1)[0], postpone(at(0), at(time.Hour), true))
		held := f.claimOne(at(0))

		before := []*store.Record{f.get(id("dead")), f.get(id("waiting")), f.get(id("leased"))}
		f.wantEqual("purged", purge(f, at(time.Hour), at(time.Hour), 100), 0)
		f.wantEqual("records", []*store.Record{f.get(id("dead")), f.get(id("waiting")), f.get(id("leased"))}, before)
		f.advance(held, end(store.Done, at(0)))
	},
}
