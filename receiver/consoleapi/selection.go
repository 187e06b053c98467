// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	maxPage     = 500
	defaultPage = 100
)

// selectionKeys are the query parameters that select events, and pageKeys those of a page.
var (
	selectionKeys = []string{"state", "number", "code", "type", "kind", "received_after", "received_before"}
	pageKeys      = []string{"after", "limit"}
)

// revealKey is the parameter by which a request asks for names and texts of persons.
const revealKey = "reveal"

// checkQuery reports whether a request has only the given parameters and reveal, or answers 400.
func checkQuery(w http.ResponseWriter, r *http.Request, known ...string) bool {
	if err := checkKeys(r.URL.Query(), append(known, revealKey)...); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}

	return true
}

// unknownParameter begins the error for an unknown query parameter. Its quoted name follows.
const unknownParameter = "unknown parameter "

// UnknownParameter returns the query parameter because of which a receiver refused a call with a text and the status 400, or "". Such
// a receiver is older than a client that checks its own parameters.
func UnknownParameter(text string) string {
	rest, ok := strings.CutPrefix(text, unknownParameter+`"`)
	if !ok {
		return ""
	}

	key, _, _ := strings.Cut(rest, `"`)

	return key
}

// checkKeys returns an error for an unknown query parameter. A misspelt filter would select everything.
func checkKeys(query url.Values, known ...string) error {
	for key := range query {
		if !slices.Contains(known, key) {
			return fmt.Errorf(unknownParameter+"%q, want one of %s", key, strings.Join(known, ", "))
		}
	}

	if reveal := query.Get(revealKey); reveal != "" && reveal != "true" && reveal != "false" {
		return errors.New("reveal is neither true nor false")
	}

	return nil
}

// parseSelection returns the selection that query parameters describe. Without a state it selects dead letters. An empty
// parameter is an error: it may mean all events or those without a value, and selected events may be discarded.
func parseSelection(query url.Values) (store.Selection, error) {
	for _, key := range []string{"kind", "type", "number", "code"} {
		if query.Has(key) && query.Get(key) == "" {
			return store.Selection{}, fmt.Errorf("%s is empty: leave it out to select all, or write %s to select those without", key, store.None)
		}
	}

	selection := store.Selection{
		Kind:          store.Kind(query.Get("kind")),
		Type:          query.Get("type"),
		PhoneNumberID: query.Get("number"),
		Code:          query.Get("code"),
	}

	for _, state := range listed(query["state"]) {
		selection.States = append(selection.States, store.State(state))
	}

	switch {
	case len(selection.States) == 0:
		selection.States = []store.State{store.Dead}
	case slices.Equal(selection.States, []store.State{"all"}):
		selection.States = store.Replayable
	}

	err := parseTimes(query, map[string]*time.Time{
		"received_after":  &selection.ReceivedAfter,
		"received_before": &selection.ReceivedBefore,
	})
	if err != nil {
		return selection, err
	}

	err = selection.Validate()

	return selection, err
}

// parseTimes sets the times that query parameters name.
func parseTimes(query url.Values, targets map[string]*time.Time) error {
	for key, target := range targets {
		if query.Get(key) == "" {
			continue
		}

		var err error
		if *target, err = time.Parse(time.RFC3339, query.Get(key)); err != nil {
			return fmt.Errorf("%s is not a time such as 2026-11-23T06:49:00Z", key)
		}
	}

	return nil
}

// parsePage returns where a page starts and how many entries it has at most.
func parsePage(query url.Values) (after int64, limit int, err error) {
	if text := query.Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return 0, 0, errors.New("after is not a number")
		}
	}

	limit, err = parseLimit(query)

	return after, limit, err
}

// parseLimit returns the number of entries of a page, from 1 to maxPage.
func parseLimit(query url.Values) (int, error) {
	if query.Get("limit") == "" {
		return defaultPage, nil
	}

	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		return 0, errors.New("limit is not a number")
	}

	return min(max(limit, 1), maxPage), nil
}
