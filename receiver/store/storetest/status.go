// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// status returns a status of an outbound message, one second later for each rank.
func status(message, participant, kind, name string, rank int) store.Event {
	return store.Event{
		ID:            store.NewID(store.KindStatus, message, participant, kind, name),
		Kind:          store.KindStatus,
		Type:          name,
		State:         store.Done,
		PhoneNumberID: "1065",
		Payload:       []byte("{}"),
		ReceivedAt:    at(0),
		Status: &store.StatusUpdate{
			PhoneNumberID: "1065",
			MessageID:     message,
			Participant:   participant,
			Type:          kind,
			Status:        name,
			Rank:          rank,
			At:            at(time.Duration(rank) * time.Second),
		},
	}
}

// proof returns a status that names one of our sends.
func proof(of store.ID, part int, message, name string, when time.Time) store.Event {
	e := received(status(message, "", "", name, 1), when)
	e.Status.ReplyTo = of
	e.Status.ReplyPart = part

	return e
}

// permutations calls each with every order of n items.
func permutations(n int, each func([]int)) {
	order := make([]int, 0, n)
	used := make([]bool, n)

	var extend func()

	extend = func() {
		if len(order) == n {
			each(order)
			return
		}

		for i := range n {
			if used[i] {
				continue
			}

			used[i] = true
			order = append(order, i)

			extend()

			used[i] = false
			order = order[:len(order)-1]
		}
	}
	extend()
}

// sending stores a message and starts to send an answer of two parts.
func sending(f *fixture) store.Lease {
	f.Helper()
	f.ingest(text("a", "lane"))
	lease := f.claimOne(at(0))
	f.advance(lease, store.Step{
		Now:     at(0),
		Answer:  answer(),
		Sending: new(0),
	})

	return lease
}

var statusTests = map[string]func(*fixture){
	"stores the furthest status in every order": func(f *fixture) {
		statuses := []string{"sent", "delivered", "read", "failed"}
		permutations(len(statuses), func(order []int) {
			message := fmt.Sprint(order)
			for _, i := range order {
				f.ingest(status(message, "", "", statuses[i], i))
			}

			got, err := f.MessageStatus(f.Context(), "1065", message, "")
			f.wantErr("MessageStatus", err, nil)
			f.wantEqual(message, got, status(message, "", "", "failed", 3).Status)
		})
	},

	"stores the first of equal rank": func(f *fixture) {
		f.ingest(status("m", "", "", "read", 2), status("m", "", "", "played", 2))
		got, err := f.MessageStatus(f.Context(), "1065", "m", "")
		f.wantErr("MessageStatus", err, nil)
		f.wantEqual("status", got.Status, "read")
	},

	"separates participants and types": func(f *fixture) {
		f.ingest(status("m", "", "", "sent", 1), status("m", "p", "", "read", 3), status("m", "", "payment", "captured", 9))

		for participant, want := range map[string]string{"": "sent", "p": "read"} {
			got, err := f.MessageStatus(f.Context(), "1065", "m", participant)
			f.wantErr("MessageStatus", err, nil)
			f.wantEqual("status", got.Status, want)
		}

		for _, name := range [][3]string{{"1065", "m", "q"}, {"1065", "n", ""}, {"1066", "m", ""}} {
			_, err := f.MessageStatus(f.Context(), name[0], name[1], name[2])
			f.wantErr("MessageStatus", err, store.ErrNotFound)
		}
	},

	"stores the error of a failed status": func(f *fixture) {
		e := status("m", "", "", "failed", 4)
		e.Status.ErrorCode = 131047
		f.ingest(e)
		got, err := f.MessageStatus(f.Context(), "1065", "m", "")
		f.wantErr("MessageStatus", err, nil)
		f.wantEqual("status", got, e.Status)
	},

	"confirms a send by any status": func(f *fixture) {
		for i, name := range []string{"sent", "read", "failed"} {
			event := text(name, "lane "+name)
			f.ingest(event)
			lease := f.claimOne(at(0))
			f.advance(lease, store.Step{
				Now:     at(0),
				Answer:  answer(),
				Sending: new(1),
			})
			f.advance(lease, postpone(at(0), at(time.Hour), false))
			now := at(time.Duration(i+1) * time.Second)
			f.ingest(proof(event.ID, 1, "wamid."+name, name, now))

			lease = f.claimOne(now) // due at once
			want := answer()
			want[0].State = store.Planned
			want[1].State = store.Sent
			want[1].StartedAt = at(0)
			want[1].MessageID = "wamid." + name
			f.wantEqual("replies", lease.Work.Replies, want)
			f.advance(lease, end(store.Done, now))
		}
	},

	"of an earlier send confirms no later one": func(f *fixture) {
		answered(f, "a", "lane")
		resend(f, at(0), store.ReplyRef{Event: id("a"), Part: 0})
		f.advance(f.claimOne(at(0)), store.Step{Now: at(0), Sending: new(0)})
		f.ingest(proof(id("a"), 0, "wamid.0", "sent", at(time.Second)))
		f.wantEqual("state", f.get(id("a")).Replies[0].State, store.Sending)

		again := proof(id("a"), 0, "wamid.again", "sent", at(time.Second))
		again.Status.ReplyResend = 1
		f.ingest(again)
		f.wantEqual("state", f.get(id("a")).Replies[0].State, store.Sent)
		f.wantEqual("message", f.get(id("a")).Replies[0].MessageID, "wamid.again")
	},

	"of an answer before a replay confirms no send": func(f *fixture) {
		event := id("a")

		f.ingest(text("a", "lane"))

		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{
			Now:     at(0),
			Answer:  []store.Reply{{Type: "text", Body: []byte("sorry"), Fallback: true}},
			Sending: new(0),
		})
		f.ingest(proof(event, 0, "wamid.fallback", "delivered", at(time.Second)))
		f.advance(lease, end(store.Dead, at(time.Second)))
		f.wantErr("Replay", f.Replay(f.Context(), event, at(2*time.Second)), nil)
		f.advance(f.claimOne(at(2*time.Second)), store.Step{
			Now:     at(2 * time.Second),
			Answer:  answer(),
			Sending: new(0),
		})

		read := proof(event, 0, "wamid.fallback", "read", at(3*time.Second))
		read.Status.Rank = 3
		f.ingest(read)
		f.wantEqual("state", f.get(event).Replies[0].State, store.Sending)

		f.ingest(proof(event, 0, "wamid.answer", "sent", at(4*time.Second)))
		f.wantEqual("state", f.get(event).Replies[0].State, store.Sent)
		f.wantEqual("message", f.get(event).Replies[0].MessageID, "wamid.answer")
	},

	"of a fallback before a replay confirms no answer": func(f *fixture) {
		for name, isFallback := range map[string]bool{"answer": false, "fallback": true} {
			f.ingest(text(name, name))

			planned := answer()[:1]
			planned[0].Fallback = isFallback
			f.advance(f.claimOne(at(0)), store.Step{Now: at(0), Answer: planned, Sending: new(0)})

			late := proof(id(name), 0, "wamid."+name, "sent", at(time.Second))
			late.Status.ReplyFallback = true
			f.ingest(late)

			want := store.Sending
			if isFallback {
				want = store.Sent
			}

			f.wantEqual("state of the "+name, f.get(id(name)).Replies[0].State, want)
		}
	},

	"prevents the repetition of a confirmed send": func(f *fixture) {
		lease := sending(f)
		f.ingest(proof(lease.Work.Event.ID, 0, "wamid.1", "sent", at(time.Second)))
		f.wantEqual("claimed", f.claim(at(2*time.Second), 10), []store.Lease(nil)) // the lease is still valid
		before := f.get(lease.Work.Event.ID)
		f.wantEqual("state", before.Replies[0].State, store.Sent)
		_, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, store.Step{Now: at(3 * time.Second), Sending: new(0)})
		f.wantErr("Advance", err, store.ErrAlreadySent)
		f.wantEqual("record", f.get(lease.Work.Event.ID), before)
		f.advance(lease, store.Step{Now: at(3 * time.Second), Sending: new(1)})
	},

	"ignores sends that are not unconfirmed": func(f *fixture) {
		lease := sending(f)
		f.advance(lease, store.Step{Now: at(0), Sent: &store.SentRef{Part: 0, MessageID: "wamid.1"}})
		f.advance(lease, postpone(at(0), at(time.Hour), false))
		before := f.get(lease.Work.Event.ID)
		f.ingest(
			proof(lease.Work.Event.ID, 0, "wamid.other", "sent", at(time.Second)),   // sent already
			proof(lease.Work.Event.ID, 1, "wamid.planned", "sent", at(time.Second)), // not started
			proof(lease.Work.Event.ID, 7, "wamid.none", "sent", at(time.Second)),
			proof(store.NewID(store.KindMessage, "unknown"), 0, "wamid.unknown", "sent", at(time.Second)),
		)
		f.wantEqual("record", f.get(lease.Work.Event.ID), before)
		f.wantEqual("claimed", f.claim(at(time.Minute), 10), []store.Lease(nil))
	},

	"does not bring the retry of another event forward": func(f *fixture) {
		lease := sending(f)
		f.advance(lease, end(store.Dead, at(0)))
		f.ingest(text("b", "lane"))
		f.advance(f.claimOne(at(0)), postpone(at(0), at(time.Hour), true))
		f.ingest(proof(lease.Work.Event.ID, 0, "wamid.1", "sent", at(time.Second)))
		f.wantEqual("state", f.get(lease.Work.Event.ID).Replies[0].State, store.Sent)
		f.wantEqual("claimed", f.claim(at(time.Minute), 10), []store.Lease(nil))
	},
}
