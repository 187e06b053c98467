// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// eventPage returns a page of dead messages, which begin and end with a seq. With more, there are older events.
func eventPage(newest, oldest int64, more bool) consoleapi.EventPage {
	page := consoleapi.EventPage{SearchedTo: oldest}

	for seq := newest; seq >= oldest; seq-- {
		page.Events = append(page.Events, consoleapi.Event{
			ID:         fmt.Sprintf("id-%d-", seq),
			Seq:        seq,
			Kind:       store.KindMessage,
			Type:       "text",
			State:      store.Dead,
			ReceivedAt: time.Unix(seq, 0),
		})
	}

	if more {
		page.Next = oldest
	}

	return page
}

// joinPages returns the events of pages as one page that is the last.
func joinPages(pages ...consoleapi.EventPage) consoleapi.EventPage {
	var all consoleapi.EventPage
	for _, page := range pages {
		all.Events = append(all.Events, page.Events...)
	}

	return all
}

// TestWatchShowsWhatBeginsToMatch watches dead letters: an event that dies is shown although a later one died before it, and a
// warning says that a page was too short.
func TestWatchShowsWhatBeginsToMatch(t *testing.T) {
	pages := []consoleapi.EventPage{
		eventPage(80, 79, false),
		joinPages(eventPage(80, 79, false), eventPage(5, 5, false)),
		eventPage(1080, 581, true),
	}

	var looks atomic.Int64

	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := pages[min(int(looks.Add(1)), len(pages))-1]

		if n := r.URL.Query().Get("limit"); n == "1" { // as the receiver does
			page.Events = page.Events[:1]
		}

		if err := json.NewEncoder(w).Encode(page); err != nil {
			t.Error(err)
		}
	}))
	defer receiver.Close()

	tool := startTool(t, "events", "--watch", "--where", "state=dead", "--limit", "1", "--address", receiver.URL)
	tool.out.waitFor(t, `dead message text +id-5-\n`)
	tool.err.waitFor(t, `more events came or changed than the 500 of a page`)
	tool.out.waitFor(t, `id-1080-\n`)

	if code := tool.stop(); code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d", code)
	}

	text := tool.out.text.String()
	if strings.Contains(text, "id-79-") || strings.Count(text, "id-80-") != 1 || strings.Count(text, "\n") != 502 {
		t.Errorf("the watch wrote\n%swant the last event of the first page, and each later one once", text)
	}
}

func TestEventWatch(t *testing.T) {
	changed := joinPages(eventPage(3, 1, false))
	changed.Events[1].Attempts++

	type look struct {
		page  consoleapi.EventPage
		want  []int64 // the seqs of the first and of the last event that is new
		isCut bool
	}

	for name, looks := range map[string][]look{
		"nothing matches at first":          {{eventPage(0, 1, false), nil, false}, {eventPage(7, 7, false), []int64{7, 7}, false}},
		"no change":                         {{eventPage(3, 1, false), []int64{1, 3}, false}, {eventPage(3, 1, false), nil, false}},
		"another attempt":                   {{eventPage(3, 1, false), []int64{1, 3}, false}, {changed, []int64{2, 2}, false}},
		"an event that left and came back":  {{eventPage(3, 1, false), []int64{1, 3}, false}, {eventPage(3, 3, false), nil, false}, {eventPage(3, 1, false), nil, false}},
		"a first page that is not all":      {{eventPage(900, 401, true), []int64{401, 900}, false}, {eventPage(800, 301, true), nil, false}},
		"a page of new events":              {{eventPage(9, 1, false), []int64{1, 9}, false}, {eventPage(509, 10, true), []int64{10, 509}, true}},
		"a page of new events, and no more": {{eventPage(0, 1, false), nil, false}, {eventPage(500, 1, false), []int64{1, 500}, false}},
		"new events down to a known one":    {{eventPage(10, 1, false), []int64{1, 10}, false}, {eventPage(509, 10, true), []int64{11, 509}, false}},
	} {
		t.Run(name, func(t *testing.T) {
			watch := newEventWatch()

			for i, look := range looks {
				news, isCut := watch.add(look.page)

				var got []int64
				if len(news) > 0 {
					got = []int64{news[0].Seq, news[len(news)-1].Seq}
				}

				if diff := cmp.Diff(look.want, got); diff != "" || isCut != look.isCut {
					t.Errorf("look %d: cut %t, want %t; the first and the last event (-want +got):\n%s", i+1, isCut, look.isCut, diff)
				}
			}
		})
	}
}

// TestEventWatchIsBounded checks that a watch forgets what it has not seen for the longest time.
func TestEventWatchIsBounded(t *testing.T) {
	watch := newEventWatch()

	const pages = maxRemembered/maxPage + 3

	for i := range int64(pages) {
		watch.add(eventPage((i+1)*maxPage, i*maxPage+1, false))
	}

	if len(watch.known) != maxRemembered {
		t.Errorf("%d events are remembered, want %d", len(watch.known), maxRemembered)
	}

	if news, _ := watch.add(eventPage(pages*maxPage, 3*maxPage+1, false)); len(news) != 0 {
		t.Errorf("%d of the events that were seen last are new again, the first is %d", len(news), news[0].Seq)
	}
}
