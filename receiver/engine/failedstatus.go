// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// failedData is the data of the notice that a message failed. It has no personal data.
type failedData struct {
	Event  string `json:"event,omitempty"` // that the message answered; empty if the message is not ours
	Status string `json:"status"`
	Code   int    `json:"code,omitempty"`
	Class  string `json:"class,omitempty"`
	Resent bool   `json:"resent,omitempty"`
}

// opDeliver is the operation of failures that Meta reports after it has accepted a message.
const opDeliver = "deliver message"

// handleFailedStatus handles a status that reports a failed send. It pauses the scope of a rate limit, records the problem
// of a configuration failure, resends a message of ours if that may help, and emits a notice. A separate event reports the
// status to the AI, so an unavailable AI neither repeats nor delays these steps.
func (e *Engine) handleFailedStatus(ctx context.Context, a *statusAttempt) error {
	f := classifyReported(a.head, opDeliver, cloudapi.ReportedError{
		Code:        cmp.Or(a.status.ErrorCode, whatsapp.NoCode),
		FetchStatus: whatsapp.FetchStatus(a.status.RawErrors),
	})

	of, err := e.findFailed(ctx, a)
	if err != nil {
		return err
	}

	if err := e.applyLimit(ctx, a, f, of); err != nil {
		return err
	}

	if of.record != nil && !a.isOfParticipant() {
		e.recordReported(f, a.failedAt(e.Clock.Now()))
	}

	if e.ai(a.head).Enabled(assistant.NotifyStatus) {
		a.effects.Emit = append(a.effects.Emit, a.report())
	}

	if of.lane != "" && !a.isOfParticipant() {
		a.effects.Takeover = a.otherResponder(f, a.failedAt(e.Clock.Now()))
		a.effects.TakeoverIn = of.lane
	}

	resent, err := e.resend(ctx, a, f)
	if err != nil {
		return err
	}

	if !resent && f.Class == failure.TemplateRequired && !of.isReopened && of.lane != "" && !a.isOfParticipant() {
		a.effects.TemplateRequired = new(true)
		a.effects.TemplateRequiredIn = of.lane
	}

	a.emitNotice(notice.MessageFailed, failedData{
		Event:  of.event,
		Status: string(a.status.Status),
		Code:   a.status.ErrorCode,
		Class:  string(f.Class),
		Resent: resent,
	})
	e.Metrics.CallFailed(f)

	return nil
}

// failedSend is the send that a failed status is about.
type failedSend struct {
	lane   string // of the conversation; empty if the status names neither our message nor a person
	event  string // the id of the event that the message answers; empty if the message is not ours
	part   int
	number int           // of the send: 0 for the first of this part
	record *store.Record // of the event; nil if it is not stored
	reply  *store.Reply  // the part; nil if it is not stored
	unread error         // why the content of the record cannot be read; it is missing then
	// isReopened reports whether the person has written since Meta refused the message because the window was closed.
	isReopened bool
}

// findFailed returns the send that a failed status is about. Its conversation is that of the event which the callback names:
// Meta may name the person otherwise than the person's messages do, such as by other digits of the phone number.
func (e *Engine) findFailed(ctx context.Context, a *statusAttempt) (*failedSend, error) {
	if a.failed != nil {
		return a.failed, nil
	}

	of := &failedSend{}
	name, _ := a.status.Conversation(a.number())

	if event, part, number, ok := whatsapp.ParseCallback(string(a.status.Callback)); ok {
		of.event = event
		of.part = part
		of.number = number

		id, err := store.ParseID(event)
		if err == nil { // else it is the data of another application
			of.record, of.reply, err = e.findReply(ctx, id, part)

			switch {
			case errors.Is(err, store.ErrKey):
				of.unread = err
			case err != nil:
				return nil, err
			}
		}
	}

	if of.record != nil && of.record.Event.Lane != "" {
		name = of.record.Event.Lane
	}

	lane, err := e.Store.Lane(ctx, name)
	if err != nil {
		return nil, ofStore(fmt.Errorf("look up the conversation of the message that failed: %w", err))
	}

	of.lane = lane
	a.failed = of

	return of, nil
}

// limitedLane returns the conversation that a person's own limit pauses. The limit of one participant does not concern the group,
// but the conversation with that participant.
func (e *Engine) limitedLane(ctx context.Context, a *statusAttempt, of *failedSend) (string, error) {
	if !a.isOfParticipant() {
		return of.lane, nil
	}

	name := whatsapp.ConversationKey(a.number(), "", whatsapp.Person{WaID: a.status.Participant})

	lane, err := e.Store.Lane(ctx, name)
	if err != nil {
		return "", ofStore(fmt.Errorf("look up the conversation of a participant: %w", err))
	}

	return lane, nil
}

// applyLimit pauses the scope of a rate limit, and finds out whether a closed window is open again.
func (e *Engine) applyLimit(ctx context.Context, a *statusAttempt, f *failure.Error, of *failedSend) error {
	failedAt := a.failedAt(e.Clock.Now())

	switch f.Class {
	case failure.RateLimited:
		lane, err := e.limitedLane(ctx, a, of)
		if err != nil {
			return err
		}

		return e.gate.Limited(ctx, gate.Send(a.item.WABAID, a.number(), lane), f, failedAt)
	case failure.TemplateRequired:
		conversation, err := e.Store.Conversation(ctx, of.lane)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return ofStore(fmt.Errorf("look up the conversation of the message that failed: %w", err))
		}

		of.isReopened = conversation.LastInboundAt.After(failedAt)
	}

	return nil
}

// isOfParticipant reports whether the message failed for one participant of a group. The others have it.
func (a *statusAttempt) isOfParticipant() bool { return a.status.Participant != "" }

// failedAt returns when the message failed, which is never later than now.
func (a *statusAttempt) failedAt(now time.Time) time.Time {
	return earlier(whatsapp.UnixTime(a.status.Timestamp, a.work.Event.ReceivedAt), now)
}

// report returns the event that reports the status to the AI.
func (a *statusAttempt) report() store.Event {
	event := a.work.Event

	return store.Event{
		ID:            store.NewID(store.KindStatusReport, event.ID.String(), strconv.Itoa(a.work.Replays)),
		Kind:          store.KindStatusReport,
		Type:          event.Type,
		State:         store.Pending,
		Class:         store.Statuses,
		Lane:          intake.ReportLane(a.number(), string(a.status.MessageID)),
		PhoneNumberID: event.PhoneNumberID,
		Payload:       event.Payload,
		ReceivedAt:    event.ReceivedAt,
	}
}

// findReply returns an event and one part of its answer. The part is nil if the event or the part is not stored. With
// store.ErrKey both are returned without their content.
func (e *Engine) findReply(ctx context.Context, id store.ID, part int) (*store.Record, *store.Reply, error) {
	record, err := e.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, nil
	}

	if err != nil {
		err = ofStore(fmt.Errorf("look up the message that failed: %w", err))
	}

	if record == nil || err != nil && !errors.Is(err, store.ErrKey) {
		return nil, nil, err
	}

	i := slices.IndexFunc(record.Replies, func(r store.Reply) bool { return r.Part == part })
	if i < 0 {
		return record, nil, err
	}

	return record, &record.Replies[i], err
}
