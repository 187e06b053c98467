// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxResends bounds how often a message that Meta accepted and later reported as failed is sent again.
const maxResends = 2

// maxFixTime is the longest time between a configuration failure and the resend of its message, in which an administrator
// can fix the cause.
const maxFixTime = 10 * time.Minute

// resend plans a resend of the failed send, and reports whether it did. It resends a message of ours after a temporary
// failure, after a configuration failure, and if Meta could not download its file. It waits for the other parts of the
// answer. It records the plan at once, so a later attempt finds it and one status causes one resend.
func (e *Engine) resend(ctx context.Context, a *statusAttempt, f *failure.Error) (resent bool, err error) {
	if !isResendable(f) {
		return false, nil
	}

	of, err := e.findFailed(ctx, a)
	if err != nil || of.record == nil {
		return false, err
	}

	if errors.Is(of.unread, store.ErrAltered) { // it can never be sent again
		return false, nil
	}

	if of.unread != nil {
		return false, of.unread
	}

	record := of.record
	reply := of.reply

	if reply == nil { // not stored, or the template has its place
		return f.Class == failure.TemplateRequired && hasFallbackTemplate(record.Replies), nil
	}

	isUpload := isFetchFailure(f) && cloudapi.HasLink(reply.Body) // the file is uploaded, since Meta could not download it
	if f.Class == failure.Permanent && !isUpload {
		return false, nil
	}

	if a.isOfParticipant() && !isUpload { // the file that Meta could not download is missing for all
		return false, nil
	}

	failedID := string(a.status.MessageID)
	if reply.MessageID != failedID && reply.Resends > of.number {
		// An earlier attempt, or the status of another participant, planned it.
		return !isSpent(reply.Resends, record.Replays), nil
	}

	if err := e.checkResendTime(a, f, of); err != nil {
		return false, err
	}

	if reply.MessageID != failedID {
		return false, nil
	}

	return e.startResend(ctx, a, f, of, isUpload)
}

// isResendable reports whether a failure can end by a resend.
func isResendable(f *failure.Error) bool {
	switch f.Class {
	case failure.Transient, failure.RateLimited, failure.Configuration, failure.Ambiguous, failure.TemplateRequired:
		return true
	case failure.Permanent:
		return isFetchFailure(f)
	default:
		return false
	}
}

// startResend plans a resend that is due, unless the fallback template takes its place or it may not be sent.
func (e *Engine) startResend(ctx context.Context, a *statusAttempt, f *failure.Error, of *failedSend, isUpload bool) (bool, error) {
	record := of.record
	if record.Event.State != store.Done || len(record.Event.Payload) == 0 {
		return false, nil
	}

	if f.Class == failure.TemplateRequired && isFallbackTemplate(of.reply) {
		return false, nil
	}

	if f.Class == failure.TemplateRequired && hasFallbackTemplate(record.Replies) {
		return true, e.giveToTemplate(ctx, a, of)
	}

	may, err := e.mayResend(ctx, f, of)
	if err != nil || !may {
		return false, err
	}

	if isReplaced, err := e.isReplacedFallback(ctx, of.record); err != nil || isReplaced {
		return false, err
	}

	return e.planResend(ctx, a, f, of, isUpload)
}

// checkResendTime returns an error while a send that failed has to wait.
func (e *Engine) checkResendTime(a *statusAttempt, f *failure.Error, of *failedSend) error {
	now := e.Clock.Now()
	received := a.work.Event.ReceivedAt
	waited := now.Sub(received)
	retry := a.settings.Processing.Retry

	if wait := fixTime(a, f, of); waited < wait {
		return &postponed{
			until:  received.Add(wait),
			reason: "waiting until an administrator has fixed the cause of the failure",
		}
	}

	if f.Class == failure.Transient && isFetchFailure(f) && waited < retry.MaxDelay {
		return &postponed{
			until:  received.Add(retry.MaxDelay),
			reason: "waiting until the server of the media is less busy",
		}
	}

	if of.record.Event.State == store.Pending && waited < sideEventMaxAge {
		return &postponed{
			until:  now.Add(min(max(waited, retry.BaseDelay), retry.MaxDelay)),
			reason: "waiting until the other parts of the answer are sent",
		}
	}

	return nil
}

// fixTime returns the time for an administrator to fix a configuration failure before the resend. The last failure makes a
// dead letter, which can be replayed after the fix.
func fixTime(a *statusAttempt, f *failure.Error, of *failedSend) time.Duration {
	period := a.settings.Processing.ConfigurationRetry
	left := sendsLeft(of.reply.Resends, of.record.Replays)

	switch {
	case f.Class != failure.Configuration || left == 1:
		return 0
	case left%(maxResends+1) == 0:
		return period
	default:
		return max(period, maxFixTime)
	}
}

// mayResend reports whether a part may be planned again: not during a takeover, and not after a template replaced another
// part, unless the person has written since. A part whose cause was never fixed is planned once more, so its attempt makes
// the dead letter.
func (e *Engine) mayResend(ctx context.Context, f *failure.Error, of *failedSend) (bool, error) {
	conversation, err := e.Store.Conversation(ctx, of.lane)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, ofStore(fmt.Errorf("look up the conversation of the message that failed: %w", err))
	}

	event := of.record.Event
	takeover := conversation.Takeover
	isTheirs := takeover.Active(e.Clock.Now()) && takeover.Event != event.ID && !isByDesk(event)
	isReplaced := conversation.TemplateRequired && hasFallbackTemplate(of.record.Replies) && !isFallbackTemplate(of.reply)

	return !isTheirs && !isReplaced && (of.reply.Resends < maxResends || f.Class == failure.Configuration), nil
}

// sendsLeft returns how often a part may still be sent, including a send that has just failed. Each replay adds as many sends as
// the first attempt has.
func sendsLeft(resends, replays int) int { return (maxResends+1)*(replays+1) - resends }

// isSpent reports whether a part was sent as often as it may be.
func isSpent(resends, replays int) bool { return sendsLeft(resends, replays) <= 0 }

// checkSpent returns the failure that makes a dead letter of an event if a part of it was sent as often as it may be, and Meta
// reported each send as failed. It has the code of the last report.
func (e *Engine) checkSpent(ctx context.Context, a *attempt, reply *store.Reply) error {
	if !isSpent(reply.Resends, a.work.Replays) {
		return nil
	}

	record, err := e.Store.Get(ctx, a.work.Event.ID)
	if err != nil {
		return ofStore(fmt.Errorf("look up why a message failed: %w", err))
	}

	f := &failure.Error{
		Class: failure.Permanent,
		Op:    opDeliver,
		Text:  "Meta accepted each send of the message, and reported later that it failed",
	}
	if n := len(record.Failures); n > 0 {
		f.Code = record.Failures[n-1].Code
	}

	return f
}

// giveToTemplate removes a part that could not be delivered because the window is closed, since the template that was sent
// for another part takes its place too.
func (e *Engine) giveToTemplate(ctx context.Context, a *statusAttempt, of *failedSend) error {
	step := store.Step{
		Now: e.Clock.Now(),
		Remove: &store.ReplyRef{
			Event:     of.record.Event.ID,
			Part:      of.part,
			MessageID: of.reply.MessageID,
		},
	}

	_, err := e.record(ctx, a.head, step)

	return err
}

// planResend plans a part again, and reports whether it is sent again.
func (e *Engine) planResend(
	ctx context.Context,
	a *statusAttempt,
	f *failure.Error,
	of *failedSend,
	isUpload bool,
) (planned bool, err error) {
	id := of.record.Event.ID
	step := store.Step{
		Now: e.Clock.Now(),
		Resend: &store.ReplyRef{
			Event:     id,
			Part:      of.part,
			MessageID: of.reply.MessageID,
		},
	}

	if f.Class == failure.Configuration { // the dead letter has its code
		step.Resend.Failure = historyOf(f, step.Now, false)
	}

	if isUpload {
		if step.Resend.Body, err = cloudapi.ForUpload(of.reply.Body); err != nil {
			return false, fmt.Errorf("plan the upload of a linked file: %w", err)
		}
	}

	if f.Class == failure.TemplateRequired && !of.isReopened {
		step.TemplateRequired = new(true) // known before the part is sent again
		step.TemplateRequiredIn = of.lane
	}

	if _, err := e.record(ctx, a.head, step); err != nil {
		return false, err
	}

	record, reply, err := e.findReply(ctx, id, of.part)
	if err != nil || reply == nil {
		return false, err
	}

	if reply.Resends == of.reply.Resends { // another part was planned at the same time
		of.record = record

		return false, e.checkResendTime(a, f, of)
	}

	return !isSpent(reply.Resends, record.Replays), nil
}
