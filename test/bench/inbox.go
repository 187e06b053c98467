// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	inboxPeople   = 10_000
	foreignNumber = "206540352242922"
	// inboxBlock is the number of events in a block: one message that the AI was asked about, one quarantined event, one
	// message that nothing handles, and statuses.
	inboxBlock = 20
	// One of so many messages is of one person, whose conversation is long.
	talkative = 50
	// inboxSpan is the time over which the events arrived.
	inboxSpan = 24 * time.Hour
)

// inboxCodes are the causes of the dead letters.
var inboxCodes = []string{
	"131026",
	"131047",
	"http_422",
	"bad_response",
	"timeout",
}

// inbox is the content of a store as after a busy day, for the pages of the console.
type inbox struct {
	store    store.Store
	count    int
	end      time.Time // of the arrivals
	maintain func(context.Context) error
}

// fill stores the events, and ends the pending ones.
func (i *inbox) fill(ctx context.Context) error {
	began := time.Now()

	for first := 0; first < i.count; first += chunkSize {
		last := min(first+chunkSize, i.count)

		err := ingestEvents(ctx, i.store, first, last, func(n int, _ time.Time) store.Event { return i.event(n) })
		if err != nil {
			return err
		}

		if err := i.endPending(ctx); err != nil {
			return err
		}

		if first == 0 {
			if err := i.maintain(ctx); err != nil {
				return err
			}
		}

		if last%progressStep == 0 {
			progress("console: %s of %s events stored, %.0f per second",
				thousands(last), thousands(i.count), float64(last)/time.Since(began).Seconds())
		}
	}

	return i.maintain(ctx)
}

// endPending processes all pending messages, of which a lane may have several.
func (i *inbox) endPending(ctx context.Context) error {
	for {
		now := time.Now()

		leases, err := i.store.Claim(ctx, store.Conversations, now, now.Add(time.Minute), chunkSize)
		if err != nil || len(leases) == 0 {
			return err
		}

		var working errgroup.Group
		working.SetLimit(concurrentSteps)

		for _, lease := range leases {
			working.Go(func() error {
				_, err := i.store.Advance(ctx, lease.LeaseRef, lease.Work.Event.ID, stepOf(lease.Work.Event, lease.Work.Seq))
				return err
			})
		}

		if err := working.Wait(); err != nil {
			return err
		}
	}
}

// stepOf returns how a message ends: of ten, one is a dead letter, four are left to people, and five are answered.
func stepOf(event store.Event, seq int64) store.Step {
	step := store.Step{Now: time.Now()}
	block := int(seq / inboxBlock)

	switch block % 10 {
	case 0:
		step.Outcome = &store.Outcome{State: store.Dead, Failure: &store.Failure{
			At:    step.Now,
			Class: string(failure.Permanent),
			Code:  inboxCodes[block/10%len(inboxCodes)],
			Text:  "made for a measurement",
			Spent: true,
		}}
	case 1, 2, 3, 4:
		step.Outcome = &store.Outcome{State: store.Human}
	default:
		step.Answer = []store.Reply{{Type: "text", Body: []byte(`{"type":"text","text":{"body":"Yes, until two."}}`)}}
		step.Sent = &store.SentRef{MessageID: answerID(event.ID, 0)}
		step.Outcome = &store.Outcome{State: store.Done}
	}

	return step
}

// answerID returns Meta's id of the answer to a message, or of a message that the business sent by itself.
func answerID(message store.ID, n int) string {
	return "wamid." + message.String() + "." + strconv.Itoa(n)
}

// event returns the event with a number.
func (i *inbox) event(n int) store.Event {
	block := n / inboxBlock
	at := i.end.Add(-inboxSpan + time.Duration(float64(inboxSpan)*float64(n)/float64(i.count)))

	person := block % inboxPeople
	if block%talkative == 0 {
		person = 0
	}

	lane := fmt.Sprintf("%s:5730%08d", phoneNumberID, person)
	id := store.NewID(store.KindMessage, "inbox", strconv.Itoa(block))
	event := store.Event{
		Kind:          store.KindMessage,
		Type:          "text",
		State:         store.Pending,
		Lane:          lane,
		PhoneNumberID: phoneNumberID,
		ReceivedAt:    at,
	}

	switch place := n % inboxBlock; place {
	case 0:
		event.ID = id
		event.Payload = standin.TextDelivery(phoneNumberID, lane, "Ana", standin.Wamid(lane), "Are you open on Sundays?", at)
	case 1:
		event.ID = store.NewID(store.KindMessage, "foreign", strconv.Itoa(block))
		event.State = store.Quarantined
		event.Lane = foreignNumber + ":" + strconv.Itoa(person)
		event.PhoneNumberID = foreignNumber
		event.Payload = textBody
	case 2:
		event.ID = store.NewID(store.KindMessage, "reaction", strconv.Itoa(block))
		event.Type = "reaction"
		event.State = store.Skipped
		event.Payload = textBody

		if person%5 == 0 {
			event.Takeover = &store.Takeover{
				By:    store.HandedOff,
				Until: i.end.Add(inboxSpan),
				At:    at,
				Event: id,
			}
		}
	default:
		i.makeStatus(&event, id, place-3)
	}

	return event
}

// makeStatus makes an event a status: three of the answer to a message, and then three of each further message.
func (i *inbox) makeStatus(event *store.Event, message store.ID, n int) {
	rank := n % 3
	sent := answerID(message, n/3)

	event.Kind = store.KindStatus
	event.Type = [...]string{"sent", "delivered", "read"}[rank]
	event.ID = store.NewID(store.KindStatus, sent, event.Type)
	event.State = store.Done
	event.Lane = ""
	event.Payload = textBody
	event.Status = &store.StatusUpdate{
		PhoneNumberID: phoneNumberID,
		MessageID:     sent,
		Status:        event.Type,
		Rank:          rank + 1,
		At:            event.ReceivedAt,
	}
}
