// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/conversationid"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// searchStep is the number of events that one step of a search scans, and searchTimeout the time of a search.
	searchStep = store.SearchBudget / 5
	searchTime = 50 * time.Millisecond
)

const noSuchStoredEvent = "no such event: it may have been purged"

// Event is a stored event as lists show it: without texts, and with its person masked.
type Event struct {
	ID            string      `json:"id"`
	Seq           int64       `json:"seq"`
	Kind          store.Kind  `json:"kind"`
	Type          string      `json:"type"`
	State         store.State `json:"state"`
	PhoneNumberID string      `json:"phone_number_id"`
	ReceivedAt    time.Time   `json:"received_at"`
	FinishedAt    *time.Time  `json:"finished_at,omitempty"`
	Attempts      int         `json:"attempts"`       // that failed and counted
	Replays       int         `json:"replays"`        // by people
	Code          string      `json:"code,omitempty"` // of the last failure
	Conversation  string      `json:"conversation,omitempty"`
	Person        string      `json:"person,omitempty"`
	Name          string      `json:"name,omitempty"` // of the conversation, if the request reveals it
}

func newEvent(ids *conversationid.Codec, r *store.Record, reveal bool) Event {
	e := Event{
		ID:            r.Event.ID.String(),
		Seq:           r.Seq,
		Kind:          r.Event.Kind,
		Type:          r.Event.Type,
		State:         r.Event.State,
		PhoneNumberID: r.Event.PhoneNumberID,
		ReceivedAt:    r.Event.ReceivedAt.UTC(),
		FinishedAt:    optional(r.FinishedAt),
		Attempts:      r.Attempts,
		Replays:       r.Replays,
	}

	if n := len(r.Failures); n > 0 {
		e.Code = r.Failures[n-1].Code
	}

	if isConversation(r.Event.Lane, r.Event.PhoneNumberID) {
		e.Conversation = ids.Encode(r.Event.Lane)
		e.Person = masked(r.Event.Lane)

		if reveal {
			e.Name = r.Event.Lane
		}
	}

	return e
}

// EventPage is a page of events, the newest first.
type EventPage struct {
	Events []Event `json:"events"`
	// Next is the seq to continue before; the last page has none. A page may be empty and have one: a search looks at a
	// bounded number of events.
	Next         int64      `json:"next,omitempty"`
	SearchedTo   int64      `json:"searched_to,omitempty"`    // the seq of the oldest event that was looked at
	SearchedToAt *time.Time `json:"searched_to_at,omitempty"` // its receipt
}

var searchKeys = []string{
	"before", "limit", "kind", "type", "state", "number", "code", "received_after", "received_before", "conversation", "job",
}

// events answers with a page of events.
func (a *api) events(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r, searchKeys...) {
		return
	}

	search, err := a.parseSearch(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	before, limit, err := parseBefore(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	found, err := a.search(r.Context(), search, before, limit)
	if err != nil {
		a.fail(w, err, noSuchStoredEvent)
		return
	}

	ids := a.ids()
	page := EventPage{
		Events:       []Event{},
		SearchedTo:   found.SearchedTo,
		SearchedToAt: optional(found.SearchedAt),
	}

	for i := range found.Records {
		page.Events = append(page.Events, newEvent(ids, &found.Records[i], reveals(r)))
	}

	if found.More {
		page.Next = found.SearchedTo
	}

	answer(w, http.StatusOK, page)
}

// search scans events in steps, until the page is full, the scan limit of one store call is reached, or the time is over. So
// the answer arrives soon even with a slow store, and names the last scanned event.
func (a *api) search(ctx context.Context, search store.Search, before int64, limit int) (store.Page, error) {
	var all store.Page

	began := a.Clock.Now()
	search.Budget = searchStep

	for looked := searchStep; ; looked += searchStep {
		page, err := a.Store.Search(ctx, search, before, limit-len(all.Records))
		if err != nil {
			return store.Page{}, err
		}

		all.Records = append(all.Records, page.Records...)
		all.More = page.More

		if page.SearchedTo != 0 {
			all.SearchedTo = page.SearchedTo
			all.SearchedAt = page.SearchedAt
		}

		if !page.More || len(all.Records) >= limit || looked >= store.SearchBudget || a.Clock.Since(began) >= searchTime {
			return all, nil
		}

		before = page.SearchedTo
	}
}

// parseSearch returns the search that query parameters describe.
func (a *api) parseSearch(query url.Values) (store.Search, error) {
	search := store.Search{
		Kind:          store.Kind(query.Get("kind")),
		Type:          query.Get("type"),
		PhoneNumberID: query.Get("number"),
		Code:          query.Get("code"),
		Job:           query.Get("job"),
	}

	for _, state := range listed(query["state"]) {
		if state == "all" {
			continue
		}

		if !slices.Contains(store.States, store.State(state)) {
			return search, fmt.Errorf("there is no state %q, want one of %s", state, joined(store.States))
		}

		search.States = append(search.States, store.State(state))
	}

	if text := query.Get("conversation"); text != "" {
		var ok bool
		if search.Conversation, ok = a.parseConversation(text); !ok {
			return search, errors.New("conversation is not an id or name of a conversation")
		}
	}

	err := parseTimes(query, map[string]*time.Time{
		"received_after":  &search.ReceivedAfter,
		"received_before": &search.ReceivedBefore,
	})

	return search, err
}

// listed returns the elements of repeated parameters, each of which is a list with commas.
func listed(values []string) []string {
	var all []string
	for _, list := range values {
		all = append(all, strings.Split(list, ",")...)
	}

	return all
}

func joined(states []store.State) string {
	names := make([]string, 0, len(states))
	for _, state := range states {
		names = append(names, string(state))
	}

	return strings.Join(names, ", ")
}
