// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"net/url"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// eventFilters are the parameters of the list of events that the API knows too.
var eventFilters = []string{"kind", "type", "state", "number", "code", "conversation", "job"}

// timeFilters are the same, as the form has them: without a zone, in UTC.
var timeFilters = []string{"received_after", "received_before"}

// formTime is how a browser sends a field of type datetime-local.
const formTime = "2006-01-02T15:04"

// eventPage is the data of the list of events.
type eventPage struct {
	Page   consoleapi.EventPage
	Kinds  []store.Kind
	States []store.State
}

func (c *console) events(v *view) error {
	query := url.Values{"limit": {pageSize}}
	if before := v.Query("before"); before != "" {
		query.Set("before", before)
	}

	v.filter(query)

	page, err := Get[consoleapi.EventPage](v.request.Context(), v.api, "/events", v.revealed(query))
	if err != nil {
		return err
	}

	v.render(http.StatusOK, "events", eventPage{
		Page: page,
		Kinds: []store.Kind{
			store.KindMessage, store.KindStatus, store.KindError, store.KindField, store.KindOutbound, store.KindNotice,
			store.KindStatusReport, store.KindDeskMessage, store.KindUnknown,
		},
		States: store.States,
	})

	return nil
}

// filter copies the filters of the page into the query of an API request.
func (v *view) filter(query url.Values) {
	for _, key := range eventFilters {
		if value := v.Query(key); value != "" {
			query.Set(key, value)
		}
	}

	for _, key := range timeFilters {
		if at, err := time.Parse(formTime, v.Query(key)); err == nil {
			query.Set(key, at.Format(time.RFC3339))
		}
	}
}

// event shows the details of an event.
func (c *console) event(v *view) error { return c.showEvent(v, http.StatusOK) }

func (c *console) showEvent(v *view, status int) error {
	detail, err := Get[consoleapi.EventDetail](v.request.Context(), v.api, v.eventPath(), v.revealed(nil))
	if err != nil {
		return err
	}

	v.render(status, "event", detail)

	return nil
}

func (v *view) eventPath() string { return "/events/" + url.PathEscape(v.request.PathValue("id")) }

// changeEvent replays or discards an event that was not answered.
func (c *console) changeEvent(v *view) error {
	act := v.request.PathValue("act")
	path := "/dead-letters/" + url.PathEscape(v.request.PathValue("id"))
	method := http.MethodPost

	switch act {
	case "replay":
		path += "/replay"
	case "discard":
		if !v.confirmed("Discard this event?", "The person gets no answer to it.") {
			return nil
		}

		method = http.MethodDelete
	default:
		return &apiError{status: http.StatusNotFound, text: v.T("There is no such action.")}
	}

	if _, err := call[any](v.request.Context(), v.api, method, path, nil); err != nil {
		return v.refused(err, func(status int) error { return c.showEvent(v, status) })
	}

	return v.redirect(v.Home()+v.eventPath(), act)
}
