// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// eraseAfterWork lets two persons write and be answered at random, erases one, and compares the other with before.
func (f *fixture) eraseAfterWork(t *rapid.T) {
	run := rapid.StringMatching("[a-z]{12}").Draw(t, "run")
	lanes := []string{run + "-erased", run + "-kept"}

	ids := f.ingestRandom(t, run, lanes)

	for range rapid.IntRange(0, 8).Draw(t, "steps") {
		f.stepRandom(t)
	}

	before := f.records(t, ids[1])

	if _, err := f.Erase(f.Context(), ids[0], at(time.Hour)); err != nil {
		t.Fatal(err)
	}

	if err := f.Forget(f.Context(), lanes[0]); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(before, f.records(t, ids[1])); diff != "" {
		t.Fatalf("another person's events changed (-before +after):\n%s", diff)
	}

	found, _, err := f.FindByIdentifiers(f.Context(), store.Identifiers{Lanes: []string{lanes[0], lanes[0] + "-alias"}}, 0, 10)
	if err != nil || len(found) != 0 {
		t.Fatalf("%d events of the person are left, %v", len(found), err)
	}

	if _, err := f.Conversation(f.Context(), lanes[0]); len(ids[0]) > 0 && !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("the conversation is left: %v", err)
	}

	f.endAll(t) // the rest is of the other person
}

// ingestRandom stores messages of two persons, and returns their ids.
func (f *fixture) ingestRandom(t *rapid.T, run string, lanes []string) (ids [2][]store.ID) {
	for i := range rapid.IntRange(1, 8).Draw(t, "messages") {
		of := rapid.IntRange(0, 1).Draw(t, "person")
		e := text(run+string(rune('a'+i)), lanes[of])

		if rapid.Bool().Draw(t, "by another name") {
			e.Aliases = []string{lanes[of] + "-alias"}
		}

		if rapid.Bool().Draw(t, "for the desk") {
			e = inClass(store.Notices, e)
			e.Aliases = nil
		}

		ids[of] = append(ids[of], e.ID)

		if _, err := f.Ingest(f.Context(), []store.Event{e}); err != nil {
			t.Fatal(err)
		}
	}

	return ids
}

// stepRandom claims a lane, and ends or retries its head.
func (f *fixture) stepRandom(t *rapid.T) {
	leases, err := f.Claim(f.Context(), store.Conversations, at(time.Hour), at(2*time.Hour), 1)
	if err != nil {
		t.Fatal(err)
	}

	for _, lease := range leases {
		step := end(rapid.SampledFrom([]store.State{store.Done, store.Dead, store.Human, store.Skipped}).Draw(t, "state"), at(0))
		step.Answer = []store.Reply{{Type: "text", Body: []byte(`{}`)}}

		if rapid.Bool().Draw(t, "retried") {
			step = postpone(at(0), at(time.Hour), true)
		}

		next, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, step)
		if err != nil {
			t.Fatal(err)
		}

		if next != nil {
			if err := f.Release(f.Context(), lease.LeaseRef, at(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (f *fixture) records(t *rapid.T, ids []store.ID) (all []store.Record) {
	for _, id := range ids {
		record, err := f.Get(f.Context(), id)
		if err != nil {
			t.Fatal(err)
		}

		all = append(all, *record)
	}

	return all
}

// endAll ends the pending events of all conversations.
func (f *fixture) endAll(t *rapid.T) {
	for range 20 {
		leases, err := f.Claim(f.Context(), store.Conversations, at(3*time.Hour), at(4*time.Hour), 100)
		if err != nil || len(leases) == 0 {
			return
		}

		for _, lease := range leases {
			if _, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, end(store.Done, at(0))); err != nil {
				t.Fatal(err)
			}
		}
	}
}
