// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// searchedStore has a million events, of which those with a seq that is divisible by matching match every search. Each
// search takes a time.
type searchedStore struct {
	store.Store
	clock    *clockwork.FakeClock
	takes    time.Duration
	matching int64
}

func (s *searchedStore) Search(_ context.Context, search store.Search, before int64, limit int) (store.Page, error) {
	s.clock.Advance(s.takes)

	if before == 0 {
		before = 1_000_001
	}

	var page store.Page

	for range search.Looks() {
		before--
		page.SearchedTo = before

		if s.matching != 0 && before%s.matching == 0 {
			page.Records = append(page.Records, deadLetter(before, store.Done, "42", ""))
		}

		if len(page.Records) == limit {
			break
		}
	}

	page.SearchedAt = now
	page.More = before > 1

	return page, nil
}

// TestSearchEndsInTime checks that a search goes on in steps, and ends when the page is full, the time is over, or it has
// looked at as many events as one call of the store looks at.
func TestSearchEndsInTime(t *testing.T) {
	for name, c := range map[string]struct {
		takes    time.Duration
		matching int64
		found    int
		next     int64
	}{
		"at once":            {0, 1, 50, 999_951},
		"in later steps":     {0, 100, 50, 995_100},
		"nothing":            {0, 0, 0, 1_000_001 - store.SearchBudget},
		"a slow store":       {searchTime, 0, 0, 1_000_001 - searchStep},
		"some, and too slow": {searchTime / 2, 1000, 8, 1_000_001 - 2*searchStep},
	} {
		t.Run(name, func(t *testing.T) {
			inbox := &searchedStore{takes: c.takes, matching: c.matching}
			console := newTestConsole(t, inbox)
			inbox.clock = console.clock

			var page EventPage
			console.callJSON(http.StatusOK, http.MethodGet, "/v1/events?limit=50", &page)

			if len(page.Events) != c.found || page.Next != c.next || page.SearchedTo != c.next || page.SearchedToAt == nil {
				t.Errorf("found %d, next %d, searched to %d, want %d and %d",
					len(page.Events), page.Next, page.SearchedTo, c.found, c.next)
			}
		})
	}
}
