// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

var selectionTests = map[string]func(*fixture){
	"selects by every field": func(f *fixture) {
		all := unanswered(f)

		for _, c := range []struct {
			selection store.Selection
			want      []string
		}{
			{store.Selection{States: store.Replayable}, all[:6]},
			{store.Selection{States: []store.State{store.Dead}}, all[:3]},
			{store.Selection{States: []store.State{store.Expired, store.Human}}, all[3:5]},
			{store.Selection{States: store.Replayable, Kind: store.KindField}, all[4:5]},
			{store.Selection{States: store.Replayable, Type: "image"}, nil},
			{store.Selection{States: store.Replayable, PhoneNumberID: "1066"}, all[2:3]},
			{store.Selection{States: store.Replayable, Code: "131047"}, all[:2]},
			{store.Selection{States: store.Replayable, ReceivedAfter: at(2*time.Minute - 1)}, all[2:6]},
			{store.Selection{States: store.Replayable, ReceivedBefore: at(2*time.Minute - time.Millisecond)}, all[:2]},
			{store.Selection{States: store.Replayable, LastSeq: f.get(id(all[1])).Seq}, all[:2]},
		} {
			f.wantEqual(fmt.Sprint(c.selection), f.selected(c.selection), c.want)
		}

		for _, bad := range []store.Selection{{}, {States: []store.State{store.Done}}} {
			if _, err := f.DeadLetters(f.Context(), bad, 0, 10); err == nil {
				f.Errorf("DeadLetters accepts %v", bad)
			}

			if _, err := f.Causes(f.Context(), bad); err == nil {
				f.Errorf("Causes accepts %v", bad)
			}

			if _, _, err := f.ReplaySelected(f.Context(), bad, 0, at(0), 10); err == nil {
				f.Errorf("ReplaySelected accepts %v", bad)
			}

			if _, _, err := f.DiscardSelected(f.Context(), bad, 0, at(0), 10); err == nil {
				f.Errorf("DiscardSelected accepts %v", bad)
			}
		}
	},

	"selects what has no number, code or type": func(f *fixture) {
		notice := text("notice", "notices")
		notice.Kind = store.KindNotice
		notice.PhoneNumberID = ""
		report := text("report", "reports")
		report.Kind = store.KindStatusReport
		report.Type = ""

		f.ingest(notice, report, text("human", "lane"))

		for _, lease := range f.claim(at(0), 3) {
			step := end(store.Expired, at(0))
			step.Outcome.Failure = &store.Failure{At: at(0), Class: "transient", Code: "http_503"}

			if lease.Work.Event.Kind == store.KindMessage {
				step = end(store.Human, at(0))
			}

			f.advance(lease, step)
		}

		for _, c := range []struct {
			selection store.Selection
			want      string
		}{
			{store.Selection{PhoneNumberID: store.None}, "notice"},
			{store.Selection{Type: store.None}, "report"},
			{store.Selection{Code: store.None}, "human"},
		} {
			c.selection.States = store.Replayable
			f.wantEqual(fmt.Sprint(c.selection), f.selected(c.selection), []string{c.want})
			f.wantSearch(store.Search{
				States:        c.selection.States,
				PhoneNumberID: c.selection.PhoneNumberID,
				Type:          c.selection.Type,
				Code:          c.selection.Code,
			}, c.want)

			causes, err := f.Causes(f.Context(), c.selection)
			f.wantErr("Causes", err, nil)

			if len(causes) != 1 || causes[0].Sample != id(c.want) {
				f.Errorf("the causes of %+v are %+v, want that of %s", c.selection, causes, c.want)
			}
		}

		n, _, err := f.DiscardSelected(f.Context(), store.Selection{
			States:        []store.State{store.Expired},
			PhoneNumberID: store.None,
			Code:          "http_503",
		}, 0, at(0), 10)
		f.wantErr("DiscardSelected", err, nil)
		f.wantEqual("discarded", n, 1)
		f.wantEqual("left", f.selected(store.Selection{States: []store.State{store.Expired}}), []string{"report"})

		n, _, err = f.ReplaySelected(f.Context(), store.Selection{States: store.Replayable, Code: store.None}, 0, at(0), 10)
		f.wantErr("ReplaySelected", err, nil)
		f.wantEqual("replayed", n, 1)
	},

	"groups by cause, the largest first": func(f *fixture) {
		all := unanswered(f)

		causes, err := f.Causes(f.Context(), store.Selection{States: []store.State{store.Dead}})
		f.wantErr("Causes", err, nil)
		f.wantEqual("causes", causes, []store.Cause{{
			State:         store.Dead,
			PhoneNumberID: "1065",
			Code:          "131047",
			Count:         2,
			First:         at(0),
			Last:          at(time.Minute),
			Sample:        id(all[1]),
		}, {
			State:         store.Dead,
			PhoneNumberID: "1066",
			Code:          "http_404",
			Count:         1,
			First:         at(2 * time.Minute),
			Last:          at(2 * time.Minute),
			Sample:        id(all[2]),
		}})

		causes, err = f.Causes(f.Context(), store.Selection{States: store.Replayable, PhoneNumberID: "1067"})
		f.wantErr("Causes", err, nil)
		f.wantEqual("causes", causes, []store.Cause{{
			State:         store.Quarantined,
			PhoneNumberID: "1067",
			Count:         1,
			First:         at(5 * time.Minute),
			Last:          at(5 * time.Minute),
			Sample:        id(all[5]),
		}})
	},

	"replays in batches": func(f *fixture) {
		all := unanswered(f)
		selection := store.Selection{States: store.Replayable, LastSeq: f.get(id(all[4])).Seq}

		var (
			total int
			after int64
		)
		for calls := 1; ; calls++ {
			n, next, err := f.ReplaySelected(f.Context(), selection, after, at(time.Hour), 2)
			f.wantErr("ReplaySelected", err, nil)

			total += n

			if after = next; next == 0 || calls > 10 {
				break
			}
		}

		f.wantEqual("replayed", total, 5)
		f.wantEqual("left", f.selected(store.Selection{States: store.Replayable}), all[5:6])

		for _, lease := range f.claim(at(time.Hour), 10) {
			f.wantEqual("replays", lease.Work.Replays, 1)
			f.advance(lease, end(store.Dead, at(time.Hour)))

			total--
		}

		f.wantEqual("claimed", total, 0)
		f.wantEqual("dead letters", f.stats(at(0)).DeadLetters, int64(5))
	},

	"counts and finds what a job replayed, by the state it has now": func(f *fixture) {
		all := unanswered(f)
		dead := store.Selection{States: []store.State{store.Dead}, Job: "first"}

		_, _, err := f.ReplaySelected(f.Context(), dead, 0, at(time.Hour), 10)
		f.wantErr("ReplaySelected", err, nil)
		f.wantJob("first", map[store.State]int64{store.Pending: 3})
		f.wantSearch(store.Search{Job: "first"}, all[2], all[1], all[0])

		for i, lease := range f.claim(at(time.Hour), 10) {
			step := end(store.Done, at(time.Hour))
			if i == 0 {
				step = end(store.Dead, at(time.Hour))
				step.Outcome.Failure = &store.Failure{
					At:    at(time.Hour),
					Class: "permanent",
					Code:  "131026",
					Text:  "refused again",
				}
			}

			f.advance(lease, step)
		}

		f.wantJob("first", map[store.State]int64{store.Done: 2, store.Dead: 1})
		again := f.selected(store.Selection{States: []store.State{store.Dead}})
		f.wantSearch(store.Search{Job: "first", States: []store.State{store.Dead}}, again...)
		f.wantSearch(store.Search{Job: "first", Code: "131026"}, again...)
		f.wantSearch(store.Search{Job: "first", Code: "131047"}) // the former code of the events that are done

		f.wantErr("Replay", f.Replay(f.Context(), id(again[0]), at(time.Hour)), nil)
		f.wantJob("first", map[store.State]int64{store.Done: 2, store.Pending: 1})
		f.advance(f.claimOne(at(time.Hour)), end(store.Dead, at(time.Hour)))

		_, _, err = f.ReplaySelected(f.Context(), store.Selection{States: []store.State{store.Dead}, Job: "second"}, 0, at(time.Hour), 10)
		f.wantErr("ReplaySelected", err, nil)
		f.wantJob("first", map[store.State]int64{store.Done: 2})
		f.wantJob("second", map[store.State]int64{store.Pending: 1})
		f.wantJob("other", map[store.State]int64{})
		f.wantSearch(store.Search{Job: "other"})
	},

	"discards in batches": func(f *fixture) {
		all := unanswered(f)

		n, next, err := f.DiscardSelected(f.Context(), store.Selection{States: store.Replayable}, 0, at(time.Hour), 4)
		f.wantErr("DiscardSelected", err, nil)
		f.wantEqual("discarded", n, 4)
		f.wantEqual("next", next, f.get(id(all[3])).Seq)
		f.wantEqual("state", f.get(id(all[3])).Event.State, store.Discarded)
		f.wantEqual("finished", f.get(id(all[3])).FinishedAt, at(time.Hour))

		n, next, err = f.DiscardSelected(f.Context(), store.Selection{States: store.Replayable}, next, at(time.Hour), 2)
		f.wantErr("DiscardSelected", err, nil)
		f.wantEqual("discarded", n, 2)
		f.wantEqual("next", next, int64(0))

		stats := f.stats(at(0))
		f.wantEqual("figures", []int64{stats.DeadLetters, stats.Quarantined}, []int64{0, 0})
	},

	"replays coalesced events with the event that they are coalesced with": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"), text("c", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{Now: at(0), Coalesced: []store.ID{id("b"), id("c")}})
		f.advance(lease, end(store.Dead, at(0)))

		_, _, err := f.ReplaySelected(f.Context(), store.Selection{States: store.Replayable}, 0, at(0), 2)
		f.wantErr("ReplaySelected", err, nil)

		again := f.claimOne(at(0))
		f.wantEqual("coalesced", again.Work.Coalesced, []store.Event{text("b", "lane"), text("c", "lane")})
		f.advance(again, end(store.Dead, at(0)))

		selection := store.Selection{States: store.Replayable, LastSeq: f.get(id("c")).Seq}
		n, _, err := f.ReplaySelected(f.Context(), selection, f.get(id("a")).Seq, at(0), 10)
		f.wantErr("ReplaySelected", err, nil)
		f.wantEqual("replayed", n, 2)
		f.wantEqual("alone", f.claimOne(at(0)).Work.Coalesced, []store.Event(nil))
	},

	"replays each event once in a job": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"), text("c", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{Now: at(0), Coalesced: []store.ID{id("b")}})
		lease.Work = *f.advance(lease, end(store.Dead, at(0)))
		f.advance(lease, end(store.Dead, at(0)))

		selection := store.Selection{States: store.Replayable, Job: "job"}
		n, next, err := f.ReplaySelected(f.Context(), selection, 0, at(0), 1)
		f.wantErr("ReplaySelected", err, nil)
		f.wantEqual("replayed", n, 2)
		f.advance(f.claimOne(at(0)), end(store.Dead, at(0))) // before the next batch

		n, next, err = f.ReplaySelected(f.Context(), selection, next, at(0), 1)
		f.wantErr("ReplaySelected", err, nil)
		f.wantEqual("replayed", n, 1)
		f.wantEqual("next", next, int64(0))

		for name, want := range map[string]store.State{"a": store.Dead, "b": store.Dead, "c": store.Pending} {
			record := f.get(id(name))
			f.wantEqual("state of "+name, record.Event.State, want)
			f.wantEqual("replays of "+name, record.Replays, 1)
		}
	},
}
