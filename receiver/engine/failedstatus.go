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

// maxResends bounds how often a message that Meta accepted and later reported as failed is sent again.
const maxResends = 2

// failedData is the data of the notice that a message failed. It has no personal data.
type failedData struct {
	Event  string `json:"event,omitempty"` // that the message answered; empty if the message is not ours
	Status string `json:"status"`
	Code   int    `json:"code,omitempty"`
	Class  string `json:"class,omitempty"`
	Resent bool   `json:"resent,omitempty"`
}

// handleFailedStatus pauses the scope of a rate limit, sends one of our messages again if that may help, and announces the
// failure. Bird gets its report by an event of its own, so that none of this is repeated or delayed while Bird is away.
func (e *Engine) handleFailedStatus(ctx context.Context, a *statusAttempt) error {
	f := classifyReported(a.head, "deliver message", cloudapi.ReportedError{
		Code:        cmp.Or(a.status.ErrorCode, whatsapp.NoCode),
		FetchStatus: whatsapp.FetchStatus(a.status.RawErrors),
	})

	of, err := e.findFailed(ctx, a)
	if err != nil {
		return err
	}

	if f.Class == failure.RateLimited {
		call := gate.Send(a.item.WABAID, a.number(), of.lane)
		if err := e.gate.Limited(ctx, call, f, a.failedAt(e.Clock.Now())); err != nil {
			return err
		}
	}

	if e.ai(a.head).Enabled(assistant.NotifyStatus) {
		a.effects.Emit = append(a.effects.Emit, a.report())
	}

	a.effects.Takeover = a.otherResponder(f, a.failedAt(e.Clock.Now()))

	resent, err := e.resend(ctx, a, f)
	if err != nil {
		return err
	}

	if !resent && f.Class == failure.TemplateRequired && of.lane != "" {
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
	lane   string // of the conversation
	event  string // the id of the event that the message answers; empty if the message is not ours
	part   int
	number int           // of the send: 0 for the first of this part
	record *store.Record // of the event; nil if it is not stored
	reply  *store.Reply  // the part; nil if it is not stored
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
			if of.record, of.reply, err = e.findReply(ctx, id, part); err != nil {
				return nil, err
			}
		}
	}

	if of.record != nil && of.record.Event.Lane != "" {
		name = of.record.Event.Lane
	}

	lane, err := e.Store.Lane(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up the conversation of the message that failed: %w", err)
	}

	of.lane = lane
	a.failed = of

	return of, nil
}

// failedAt returns when the message failed, which is never later than now.
func (a *statusAttempt) failedAt(now time.Time) time.Time {
	return earlier(whatsapp.UnixTime(a.status.Timestamp, a.work.Event.ReceivedAt), now)
}

// report returns the event that reports the status to Bird.
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

// resend plans the send that failed again, if it is ours and failed for a temporary reason, or because Meta could not
// download its file, and reports whether it is sent again. It waits until the other parts of the answer are sent. The plan
// is recorded at once, and found by a later attempt, so that a message is not sent again twice for one status.
func (e *Engine) resend(ctx context.Context, a *statusAttempt, f *failure.Error) (resent bool, err error) {
	switch f.Class {
	case failure.Transient, failure.RateLimited, failure.Ambiguous, failure.TemplateRequired:
	case failure.Permanent:
		if !isFetchFailure(f) {
			return false, nil
		}
	default:
		return false, nil
	}

	of, err := e.findFailed(ctx, a)
	if err != nil || of.reply == nil {
		return false, err
	}

	record := of.record
	reply := of.reply
	id := record.Event.ID

	isUpload := isFetchFailure(f) && cloudapi.HasLink(reply.Body) // the file is uploaded, since Meta could not download it
	if f.Class == failure.Permanent && !isUpload {
		return false, nil
	}

	failedID := string(a.status.MessageID)
	if reply.MessageID != failedID && reply.Resends > of.number {
		return true, nil // an earlier attempt, or the status of another participant, planned it
	}

	now := e.Clock.Now()
	waited := now.Sub(a.work.Event.ReceivedAt)

	retry := a.settings.Processing.Retry

	if f.Class == failure.Transient && isFetchFailure(f) && waited < retry.MaxDelay {
		return false, &postponed{
			until:  a.work.Event.ReceivedAt.Add(retry.MaxDelay),
			reason: "waiting until the server of the media is less busy",
		}
	}

	if record.Event.State == store.Pending && waited < sideEventMaxAge {
		return false, &postponed{
			until:  now.Add(min(max(waited, retry.BaseDelay), retry.MaxDelay)),
			reason: "waiting until the other parts of the answer are sent",
		}
	}

	conversation, err := e.Store.Conversation(ctx, of.lane)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, fmt.Errorf("look up the conversation of the message that failed: %w", err)
	}

	takeover := conversation.Takeover
	isTheirs := takeover.Active(now) && takeover.Event != id && !isByDesk(record.Event) // people have the conversation
	isComplete := record.Event.State == store.Done && len(record.Event.Payload) > 0

	if isTheirs || !isComplete || reply.MessageID != failedID || reply.Resends >= maxResends {
		return false, nil
	}

	step := store.Step{
		Now: now,
		Resend: &store.ReplyRef{
			Event:     id,
			Part:      of.part,
			MessageID: failedID,
		},
	}

	if isUpload {
		if step.Resend.Body, err = cloudapi.ForUpload(reply.Body); err != nil {
			return false, fmt.Errorf("plan the upload of a linked file: %w", err)
		}
	}

	if f.Class == failure.TemplateRequired {
		step.TemplateRequired = new(true) // known before the part is sent again
		step.TemplateRequiredIn = of.lane
	}

	if _, err := e.record(ctx, a.head, step); err != nil {
		return false, err
	}

	before := reply.Resends
	_, reply, err = e.findReply(ctx, id, of.part)

	return reply != nil && reply.Resends > before, err
}

// findReply returns an event and one part of its answer. The part is nil if the event or the part is not stored.
func (e *Engine) findReply(ctx context.Context, id store.ID, part int) (*store.Record, *store.Reply, error) {
	record, err := e.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, nil
	}

	if err != nil {
		return nil, nil, fmt.Errorf("look up the message that failed: %w", err)
	}

	i := slices.IndexFunc(record.Replies, func(r store.Reply) bool { return r.Part == part })
	if i < 0 {
		return record, nil, nil
	}

	return record, &record.Replies[i], nil
}
