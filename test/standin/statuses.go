// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// maxPendingStatuses bounds the messages whose statuses are not yet posted.
const maxPendingStatuses = 10_000

// StatusPoster delivers the statuses of sent messages to a receiver, as Meta does: failed for one that fails, else those
// that it was made with. Its Sink is a Graph's StatusSink. It
// delivers only while Run runs.
type StatusPoster struct {
	client      *http.Client
	callbackURL string
	appSecret   string
	statuses    []string
	pending     chan SentMessage
	posted      atomic.Uint64
	failed      atomic.Uint64
	dropped     atomic.Uint64
}

// NewStatusPoster returns a StatusPoster that delivers the statuses, in order, for every message. The client needs a
// timeout.
func NewStatusPoster(client *http.Client, callbackURL, appSecret string, statuses ...string) *StatusPoster {
	return &StatusPoster{
		client:      client,
		callbackURL: callbackURL,
		appSecret:   appSecret,
		statuses:    statuses,
		pending:     make(chan SentMessage, maxPendingStatuses),
	}
}

// Sink queues a message without blocking. If 10,000 messages are queued it drops and counts it.
func (p *StatusPoster) Sink(message SentMessage) {
	select {
	case p.pending <- message:
	default:
		p.dropped.Add(1)
	}
}

// Run delivers statuses until ctx ends. It counts a status that is not answered 200 and does not repeat it.
func (p *StatusPoster) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case message := <-p.pending:
			for _, status := range message.Statuses(p.statuses, time.Now()) {
				if err := p.post(ctx, status); err != nil {
					p.failed.Add(1)
				} else {
					p.posted.Add(1)
				}
			}
		}
	}
}

func (p *StatusPoster) post(ctx context.Context, status Status) error {
	code, _, err := Deliver(ctx, p.client, p.callbackURL, p.appSecret, status.Delivery())
	if err != nil {
		return err
	}

	if code != http.StatusOK {
		return fmt.Errorf("the receiver answered %d to status %s", code, status.Status)
	}

	return nil
}

// Counts returns how many statuses were delivered, how many the receiver did not accept, and how many messages were
// dropped.
func (p *StatusPoster) Counts() (posted, failed, dropped uint64) {
	return p.posted.Load(), p.failed.Load(), p.dropped.Load()
}
