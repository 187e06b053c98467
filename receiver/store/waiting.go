// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"time"
)

const (
	// waitingPage is the number of conversations that one query of CountWaiting reads.
	waitingPage = 1000
	// MaxTakenOver bounds the conversations that CountWaiting looks at.
	MaxTakenOver = 50 * waitingPage
)

// Waiting counts the persons who wait for people.
type Waiting struct {
	TakenOver     int           // conversations that people have
	Conversations int           // those of them whose person waits
	Longest       time.Duration // of the waits; 0 if no one waits
	IsCut         bool          // there are more than MaxTakenOver, and the counts are those of the first by name
}

// CountWaiting counts the conversations that people have at now, and the persons who wait in them. An error leaves no count:
// a part of it looks like the whole.
func CountWaiting(ctx context.Context, conversations Takeovers, now time.Time) (Waiting, error) {
	var (
		waiting Waiting
		after   string
	)

	for waiting.TakenOver < MaxTakenOver {
		page, err := conversations.TakenOver(ctx, now, after, waitingPage)
		if err != nil {
			return Waiting{}, err
		}

		for i := range page {
			waiting.add(page[i].Conversation, now)
		}

		if len(page) < waitingPage {
			return waiting, nil
		}

		after = page[len(page)-1].Name
	}

	rest, err := conversations.TakenOver(ctx, now, after, 1)
	if err != nil {
		return Waiting{}, err
	}

	waiting.IsCut = len(rest) > 0

	return waiting, nil
}

// add counts a conversation that people have.
func (w *Waiting) add(c Conversation, now time.Time) {
	w.TakenOver++

	if since := c.WaitsSince(); !since.IsZero() {
		w.Conversations++
		w.Longest = max(w.Longest, now.Sub(since))
	}
}
