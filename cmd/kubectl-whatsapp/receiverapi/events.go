// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiverapi

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// Filter selects events. Empty fields select all.
type Filter struct {
	States         []string
	Kind           string
	Type           string
	Number         string // the id of a phone number
	Code           string // of the last failure
	ReceivedAfter  time.Time
	ReceivedBefore time.Time
	Conversation   string // id or name; for events only
}

func (f Filter) query() url.Values {
	query := url.Values{}

	for key, value := range map[string]string{
		"state":        strings.Join(f.States, ","),
		"kind":         f.Kind,
		"type":         f.Type,
		"number":       f.Number,
		"code":         f.Code,
		"conversation": f.Conversation,
	} {
		if value != "" {
			query.Set(key, value)
		}
	}

	for key, at := range map[string]time.Time{
		"received_after":  f.ReceivedAfter,
		"received_before": f.ReceivedBefore,
	} {
		if !at.IsZero() {
			query.Set(key, at.UTC().Format(time.RFC3339Nano))
		}
	}

	return query
}

// Events returns a page of events whose Seq is less than before, the newest first. A before of 0 begins with the newest.
func (c *Client) Events(ctx context.Context, filter Filter, before int64, limit int) (consoleapi.EventPage, error) {
	query := filter.query()
	query.Set("limit", strconv.Itoa(limit))

	if before > 0 {
		query.Set("before", strconv.FormatInt(before, 10))
	}

	return get[consoleapi.EventPage](ctx, c, "/events", query)
}

// Event returns the details of an event.
func (c *Client) Event(ctx context.Context, id string) (consoleapi.EventDetail, error) {
	return get[consoleapi.EventDetail](ctx, c, "/events/"+url.PathEscape(id), nil)
}
