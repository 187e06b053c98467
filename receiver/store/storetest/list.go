// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import "github.com/wawebhook/whatsapp-webhook-operator/receiver/store"

var listTests = map[string]func(*fixture){
	"selects by kind and state": func(f *fixture) {
		reported := func(name string) store.Event {
			e := finished(text(name, ""), store.Skipped)
			e.Kind = store.KindError

			return e
		}
		lost := text("lost", "lane")
		lost.Kind = store.KindError
		f.ingest(lost)
		f.advance(f.claimOne(at(0)), end(store.Dead, at(0)))
		makeDead(f, "dead")
		f.ingest(reported("one"), text("waiting", "lane"), reported("two"), finished(text("done", ""), store.Done))

		for _, c := range []struct {
			filter store.Filter
			want   []string
		}{
			{store.Filter{}, []string{"lost", "dead", "one", "waiting", "two", "done"}},
			{store.Filter{Kind: store.KindError}, []string{"lost", "one", "two"}},
			{store.Filter{Kind: store.KindMessage}, []string{"dead", "waiting", "done"}},
			{store.Filter{State: store.Dead}, []string{"lost", "dead"}},
			{store.Filter{State: store.Pending}, []string{"waiting"}},
			{store.Filter{Kind: store.KindError, State: store.Dead}, []string{"lost"}},
			{store.Filter{Kind: store.KindError, State: store.Skipped}, []string{"one", "two"}},
			{store.Filter{Kind: store.KindMessage, State: store.Done}, []string{"done"}},
			{store.Filter{Kind: store.KindStatus}, nil},
		} {
			var want, got []store.Record
			for _, name := range c.want {
				want = append(want, *f.get(id(name)))
			}

			var after int64
			for { // two at a time
				page, err := f.List(f.Context(), c.filter, after, 2)
				f.wantErr("List", err, nil)

				if len(page) == 0 {
					break
				}

				got = append(got, page...)
				after = page[len(page)-1].Seq
			}

			f.wantEqual("listed", got, want)
		}

		none, err := f.List(f.Context(), store.Filter{}, 0, 0)
		f.wantErr("List", err, nil)
		f.wantEqual("listed", none, []store.Record(nil))
	},
}
