// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
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
			statuses := p.statuses
			if message.Failure != 0 {
				statuses = []string{"failed"}
			}

			for _, status := range statuses {
				if err := p.post(ctx, message, status); err != nil {
					p.failed.Add(1)
				} else {
					p.posted.Add(1)
				}
			}
		}
	}
}

func (p *StatusPoster) post(ctx context.Context, message SentMessage, status string) error {
	report := Status{
		PhoneNumberID: message.PhoneNumberID,
		MessageID:     message.ID,
		Status:        status,
		Recipient:     message.Recipient,
		Callback:      message.Callback,
		Code:          message.Failure,
		Details:       message.FailureDetails,
		Pricing:       p.pricing(message, status),
		At:            time.Now(),
	}

	switch {
	case message.Group:
		report.Recipient = message.To
		report.Participants = groupParticipants
	case message.To != "":
		report.Recipient = digitsOnly(message.To)
	}

	code, _, err := Deliver(ctx, p.client, p.callbackURL, p.appSecret, report.Delivery())
	if err != nil {
		return err
	}

	if code != http.StatusOK {
		return fmt.Errorf("the receiver answered %d to status %s", code, status)
	}

	return nil
}

// groupParticipants are the members of every group.
var groupParticipants = []string{"15557770001", "15557770002"}

// pricing returns the pricing of a status. Meta sends it with sent, and with one of delivered and read.
func (p *StatusPoster) pricing(message SentMessage, status string) *Pricing {
	first := status == "delivered" || (status == "read" && !slices.Contains(p.statuses, "delivered"))
	if status != "sent" && !first {
		return nil
	}

	pricing := ServicePricing
	if message.Type == "template" {
		pricing.Category = "utility"
	}

	if message.Group {
		pricing.Category = "group_" + pricing.Category
	}

	return &pricing
}

// Counts returns how many statuses were delivered, how many the receiver did not accept, and how many messages were
// dropped.
func (p *StatusPoster) Counts() (posted, failed, dropped uint64) {
	return p.posted.Load(), p.failed.Load(), p.dropped.Load()
}
