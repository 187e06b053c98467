// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// unanswered stores events that were not answered for several reasons, one each minute, and returns their names.
func unanswered(f *fixture) []string {
	f.Helper()

	var all []string
	for i, c := range []struct {
		state        store.State
		code, number string
		kind         store.Kind
	}{
		{store.Dead, "131047", "1065", store.KindMessage},
		{store.Dead, "131047", "1065", store.KindMessage},
		{store.Dead, "http_404", "1066", store.KindMessage},
		{store.Human, "", "1065", store.KindMessage},
		{store.Expired, "", "1065", store.KindField},
		{store.Quarantined, "", "1067", store.KindMessage},
		{store.Done, "", "1065", store.KindMessage},
	} {
		name := fmt.Sprintf("%d %s", i, c.state)
		now := at(time.Duration(i) * time.Minute)

		e := received(text(name, "lane "+name), now)
		e.Kind = c.kind
		e.PhoneNumberID = c.number

		all = append(all, name)

		if c.state == store.Quarantined {
			e.State = c.state
			f.ingest(e)

			continue
		}

		f.ingest(e)

		step := end(c.state, now)
		if c.code != "" {
			step.Outcome.Failure = &store.Failure{
				At:    now,
				Class: "permanent",
				Code:  c.code,
				Text:  "refused",
			}
		}

		f.advance(f.claimOne(now), step)
	}

	return all
}

func (f *fixture) selected(selection store.Selection) []string {
	f.Helper()

	var (
		found []string
		after int64
	)
	for { // two at a time
		page, err := f.DeadLetters(f.Context(), selection, after, 2)
		if err != nil {
			f.Fatalf("DeadLetters: %v", err)
		}

		if len(page) == 0 {
			return found
		}

		for i := range page {
			f.wantEqual("record", &page[i], f.get(page[i].Event.ID))

			var name string
			if _, err := fmt.Sscanf(string(page[i].Event.Payload), `{"id":%q}`, &name); err != nil {
				f.Fatal(err)
			}

			found = append(found, name)
		}

		after = page[len(page)-1].Seq
	}
}

// wantJob checks the states of the events that a job replayed.
func (f *fixture) wantJob(job string, want map[store.State]int64) {
	f.Helper()

	states, err := f.JobStates(f.Context(), job)
	f.wantErr("JobStates", err, nil)
	f.wantEqual("states of job "+job, states, want)
}
