// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// transcribed returns a step that records the text of a voice message.
func transcribed(text string) store.Step { return store.Step{Now: at(0), Transcript: &text} }

var transcriptTests = map[string]func(*fixture){
	"is returned with its event": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"))
		lease := f.claimOne(at(0))
		f.wantEqual("before", lease.Work.Transcript, "")

		f.advance(lease, transcribed("Hello"))
		f.wantEqual("read", f.get(id("a")).Transcript, "Hello")
		f.advance(lease, postpone(at(0), at(0), false))

		lease = f.claimOne(at(0))
		f.wantEqual("leased again", lease.Work.Transcript, "Hello")

		f.advance(lease, transcribed("Goodbye"))
		f.wantEqual("changed", f.get(id("a")).Transcript, "Goodbye")
		f.wantEqual("of the next", f.advance(lease, end(store.Dead, at(0))).Transcript, "")

		dead, err := f.DeadLetters(f.Context(), store.Selection{States: []store.State{store.Dead}}, 0, 10)
		f.wantErr("DeadLetters", err, nil)
		f.wantEqual("of the dead letter", dead[0].Transcript, "Goodbye")
	},

	"stays when its event is replayed": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		step := transcribed("Hello")
		step.Answer = answer()
		step.Outcome = &store.Outcome{State: store.Dead}
		f.advance(lease, step)
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(0)), nil)

		work := f.claimOne(at(0)).Work
		f.wantEqual("transcript", work.Transcript, "Hello")
		f.wantEqual("answer", work.Replies, []store.Reply(nil))
	},

	"can be removed": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, transcribed("Hello"))
		f.advance(lease, transcribed(""))
		f.wantEqual("transcript", f.get(id("a")).Transcript, "")
	},

	"is purged with the payload": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		step := transcribed("Hello")
		step.Outcome = &store.Outcome{State: store.Done}
		f.advance(lease, step)
		f.wantEqual("emptied", purge(f, at(time.Hour), at(0), 100), 1)

		record := f.get(id("a"))
		f.wantEqual("payload", len(record.Event.Payload), 0)
		f.wantEqual("transcript", record.Transcript, "")
	},

	"is limited": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))

		longest := strings.Repeat("x", store.MaxTranscript)
		f.advance(lease, transcribed(longest))

		if got := f.get(id("a")).Transcript; got != longest {
			f.Errorf("the longest transcript is read with %d bytes, want %d", len(got), len(longest))
		}

		_, err := f.Advance(f.Context(), lease.LeaseRef, id("a"), transcribed(strings.Repeat("x", store.MaxTranscript+1)))
		if err == nil || !strings.Contains(err.Error(), "65537 bytes") {
			f.Errorf("Advance returned %v, want the size", err)
		}
	},
}
