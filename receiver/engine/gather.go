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
	maxJoined = 20
	// patience bounds, in debounces, how long somebody who keeps typing can put off the question.
	patience = 5
)

// gather joins a person's quick successive texts: it waits until none came for a while, and returns those that go with
// the first one. Their words become part of its text.
func (e *Engine) gather(ctx context.Context, t *task) ([]store.ID, error) {
	wait := t.settings.Processing.Debounce
	if wait == 0 || t.message.Type != "text" {
		return nil, nil
	}

	following, err := e.Store.Peek(ctx, t.lease, maxJoined)
	if err != nil {
		return nil, err
	}

	newest := t.work.Event.ReceivedAt
	interrupted := false

	var joined []store.ID
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

		joined = append(joined, event.ID)
		t.texts = append(t.texts, message.TextBody())
		newest = event.ReceivedAt
	}

	due := earlier(newest.Add(wait), t.work.Event.ReceivedAt.Add(patience*wait))
	if !interrupted && len(joined) < maxJoined && e.Clock.Now().Before(due) {
		return nil, &postponed{until: due, why: "waiting for more of the person's words"}
	}

	return joined, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}

	return b
}
