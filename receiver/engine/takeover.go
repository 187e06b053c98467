// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// maxReason bounds the bytes that are kept of the reason of a handoff.
const maxReason = 256

// checkTakeover returns store.ErrTakenOver while people have the conversation: the AI is not asked, and its answer is not
// sent. The answer that handed the conversation off is sent.
func (a *attempt) checkTakeover(now time.Time) error {
	if a.isSent() || a.isByDesk() {
		return nil
	}

	takeover := a.work.Conversation.Takeover
	if len(a.work.Replies) > 0 && takeover.Event == a.work.Event.ID {
		return nil
	}

	if takeover.Active(now) || a.isDuringTakeover(takeover) {
		return store.ErrTakenOver
	}

	return nil
}

// endResponderTakeover ends the takeover by another responder if the person has written to this app since. Meta delivers a
// message to the responder that has the conversation, and reports no release.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/conversation-routing/prepare-for-conversation-routing,
// and webhooks/reference/messaging-handovers beside it.
func (e *Engine) endResponderTakeover(ctx context.Context, a *attempt) error {
	takeover := a.work.Conversation.Takeover
	wroteAt := whatsapp.UnixTime(a.message.Timestamp, takeover.At) // without a time it may be of before

	if takeover.By != store.OtherResponder || !wroteAt.After(takeover.At) {
		return nil
	}

	end := store.Takeover{At: wroteAt, Preserves: intake.PreservedHolders(a.settings.Config)}
	if err := e.Store.TakeOver(ctx, a.lease.Lane, end, e.Clock.Now()); err != nil {
		return ofStore(fmt.Errorf("end the takeover by another responder: %w", err))
	}

	a.work.Conversation.Takeover = end

	return nil
}

// isSent reports whether the event has an answer, and all of it was sent.
func (a *attempt) isSent() bool {
	for _, reply := range a.work.Replies {
		if reply.State != store.Sent {
			return false
		}
	}

	return len(a.work.Replies) > 0
}

// isDuringTakeover reports whether the message arrived during the takeover and waited in its lane until it ended. The people
// of the takeover answer it.
func (a *attempt) isDuringTakeover(takeover store.Takeover) bool {
	if takeover.By == store.Assistant || a.work.Replays > 0 || len(a.work.Replies) > 0 {
		return false
	}

	received := a.work.Event.ReceivedAt

	return !received.Before(takeover.At) && received.Before(takeover.Until)
}

// takeoverRecheck is how long a replayed message waits for the end of a takeover before newer messages are looked for.
const takeoverRecheck = time.Minute

// takenOverOutcome returns the outcome of an attempt during a takeover. A replayed message waits until the takeover ends,
// but not while a newer message waits behind it: the desk's messages and those for the desk must not wait for it.
func (e *Engine) takenOverOutcome(ctx context.Context, a *attempt, now time.Time) *store.Outcome {
	until := a.work.Conversation.Takeover.Until

	switch {
	case a.work.Replays == 0:
		return &store.Outcome{State: store.Human}
	case !until.After(now): // the takeover began during the attempt: the next one finds its end
		return &store.Outcome{State: store.Pending, RetryAt: now}
	case e.isBlocking(ctx, a):
		return &store.Outcome{State: store.Human}
	default:
		return &store.Outcome{State: store.Pending, RetryAt: earlier(until, now.Add(takeoverRecheck))}
	}
}

// isBlocking reports whether a message that was not replayed waits behind the event. It is the newest one then, since nothing
// behind the event has ended.
func (e *Engine) isBlocking(ctx context.Context, a *attempt) bool {
	newest, err := e.Store.History(ctx, a.lease.Lane, 0, time.Time{}, 1)
	if err != nil {
		e.sampled.Error("looking for newer messages of a conversation failed", logevent.EventID, a.work.Event.ID, "error", err)

		return false
	}

	return len(newest) > 0 && newest[0].Event.State == store.Pending && newest[0].Replays == 0
}

// recordResponder records the takeover by another responder if it caused a refused send. The rest of the answer is withheld.
func (a *attempt) recordResponder(refusal error, now time.Time) error {
	takeover := a.otherResponder(failure.Of(refusal), now)
	if takeover == nil {
		return refusal
	}

	if takeover.Changes(a.work.Conversation.Takeover) {
		a.pendingStep.Takeover = takeover
		a.work.Conversation.Takeover = *takeover
	}

	return store.ErrTakenOver
}

// otherResponder returns the takeover by the responder to which Meta's Conversation Routing gave the conversation, if a
// failed message shows it. It ends when the person writes to this app, when a handover gives the conversation back, or after
// a while.
func (h head) otherResponder(f *failure.Error, at time.Time) *store.Takeover {
	if f.Code != cloudapi.CodeOtherResponder || f.Class != failure.Permanent {
		return nil
	}

	return &store.Takeover{
		By:        store.OtherResponder,
		Until:     at.Add(h.settings.Processing.HandoffDuration),
		At:        at,
		Preserves: intake.PreservedHolders(h.settings.Config),
	}
}

// withholdAnswer stores an answer that was not sent because of a takeover. A replayed message asks the AI again after the
// takeover.
func (a *attempt) withholdAnswer(answer []store.Reply) {
	a.pendingStep.Takeover = nil
	a.pendingStep.Emit = nil

	if a.work.Replays == 0 {
		a.pendingStep.Answer = answer
	}
}

// followTakeover makes an event that has to wait due at once if a takeover began or ended during the attempt. The store makes
// waiting lanes due, but the lane was leased then: people would not get the message, and the AI could answer it after them.
func (e *Engine) followTakeover(ctx context.Context, a *attempt, outcome *store.Outcome) {
	now := e.Clock.Now()
	if outcome.State != store.Pending || outcome.RetryAt.Sub(now) < takeoverRecheck {
		return
	}

	current, err := e.Store.Conversation(ctx, a.lease.Lane)
	if err != nil { // as of a conversation that is not stored yet
		return
	}

	before := a.work.Conversation.Takeover
	isSame := current.Takeover.By == before.By && current.Takeover.Until.Equal(before.Until)

	if !isSame && current.Takeover.Event != a.work.Event.ID {
		outcome.RetryAt = now
		outcome.WaitsFor = ""
	}
}

// applyHandoff hands the conversation off if the answer asks for it, and adds the text for the person. It reports whether
// people took the conversation over while the AI was asked: then the answer is withheld, and nothing is handed off.
func (e *Engine) applyHandoff(ctx context.Context, a *attempt, given *answer.Answer) (isWithheld bool) {
	if given.Handoff == nil {
		return false
	}

	now := e.Clock.Now()
	current := e.currentTakeover(ctx, a)

	if isWithheld = a.isWithheldBy(current, now); !isWithheld {
		e.handOff(a, given.Handoff, later(now, current.At))
	}

	if text := given.Handoff.Text; text != "" {
		a.handoffText = true

		given.Replies = append(given.Replies, answer.Reply{Kind: answer.KindText, Text: text})
	}

	return isWithheld
}

// isTakenOver reports whether people took the conversation over while the AI was asked.
func (e *Engine) isTakenOver(ctx context.Context, a *attempt, now time.Time) bool {
	return a.isWithheldBy(e.currentTakeover(ctx, a), now)
}

// isWithheldBy reports whether a takeover withholds the answer of the attempt.
func (a *attempt) isWithheldBy(takeover store.Takeover, now time.Time) bool {
	return takeover.Active(now) && !a.isByDesk()
}

// currentTakeover returns who has the conversation now, which may have changed during the attempt.
func (e *Engine) currentTakeover(ctx context.Context, a *attempt) store.Takeover {
	current, err := e.Store.Conversation(ctx, a.lease.Lane)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		e.Log.Error("reading the holder of a conversation failed", logevent.EventID, a.work.Event.ID, "error", err)
	}

	return current.Takeover
}

// handOff gives the conversation to people because the AI asked for it, and announces it. The change before may have a time in
// the future, by a clock that is ahead of ours, and a store ignores an older change.
func (e *Engine) handOff(a *attempt, handoff *answer.Handoff, now time.Time) {
	takeover := &store.Takeover{
		By:    store.HandedOff,
		Until: now.Add(a.settings.Processing.HandoffDuration),
		At:    now,
		Event: a.work.Event.ID,
	}

	reason := strings.ToValidUTF8(handoff.Reason[:min(len(handoff.Reason), maxReason)], "")

	a.handedOff = true
	a.pendingStep.Takeover = takeover
	a.pendingStep.Emit = append(a.pendingStep.Emit, a.handoffNotice(takeover, reason))
	a.pendingStep.Emit = append(a.pendingStep.Emit, e.handOffToDesk(a, takeover, reason)...)
}

// handoffNotice returns the notice of a handoff. It is stored without a sink too, for the console.
func (a *attempt) handoffNotice(takeover *store.Takeover, reason string) store.Event {
	data, _ := json.Marshal(notice.Handoff{ // strings and times always encode
		Reason: reason,
		Until:  takeover.Until.UTC(),
	})

	event := notice.Notice{
		Type:    notice.HandedOff,
		Source:  notice.Number(a.work.Event.PhoneNumberID),
		Subject: a.work.Event.ID.String(),
		Time:    takeover.At,
		Data:    data,
	}.Event(notice.HandoffOccurrence(takeover.At))

	if a.settings.Notifications.SinkURL == "" {
		event.State = store.Skipped
	}

	return event
}
