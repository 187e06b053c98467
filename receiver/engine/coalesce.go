// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const (
	maxCoalesced = 20
	// maxDebounces bounds, in debounce intervals, how long a person who keeps writing can delay the answer.
	maxDebounces = 5
)

// coalesce waits until a person has sent no further text for the debounce interval. It returns the texts that followed the
// first, to be answered together with it, and adds their content to the attempt.
func (e *Engine) coalesce(ctx context.Context, a *attempt) ([]store.ID, error) {
	interval := a.settings.Processing.Debounce
	if interval == 0 || a.message.Type != "text" {
		return nil, nil
	}

	following, err := e.Store.Peek(ctx, a.lease, maxCoalesced)
	if err != nil {
		return nil, err
	}

	newest := a.work.Event.ReceivedAt
	interrupted := false

	var coalesced []store.ID
	for _, event := range following {
		if event.Kind != store.KindMessage || event.Type != "text" {
			interrupted = true
			break
		}

		item, err := whatsapp.Decode(event.Payload)
		if err != nil {
			break
		}

		message, err := whatsapp.ParseMessage(item.Raw)
		if err != nil {
			break
		}

		coalesced = append(coalesced, event.ID)
		a.coalesced = append(a.coalesced, message.TextBody())
		newest = event.ReceivedAt
	}

	due := earlier(
		newest.Add(interval),
		a.work.Event.ReceivedAt.Add(maxDebounces*interval),
	)

	complete := interrupted || len(coalesced) == maxCoalesced
	if !complete && e.Clock.Now().Before(due) {
		return nil, &postponed{until: due, reason: "waiting for further texts of the person"}
	}

	return coalesced, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}

	return b
}
