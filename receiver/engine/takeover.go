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
		return fmt.Errorf("end the takeover by another responder: %w", err)
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

// takenOverOutcome returns the outcome of an attempt during a takeover. A replayed message waits until the takeover ends.
func (a *attempt) takenOverOutcome(now time.Time) *store.Outcome {
	if a.work.Replays == 0 {
		return &store.Outcome{State: store.Human}
	}

	// If the takeover began during the attempt, the next attempt finds its end.
	outcome := &store.Outcome{State: store.Pending, RetryAt: now}
	if until := a.work.Conversation.Takeover.Until; until.After(now) {
		outcome.RetryAt = until
	}

	return outcome
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

// handOff gives the conversation to people because the AI asked for it, and announces it. If they took it over while the
// AI was asked, the answer is withheld like any other.
func (e *Engine) handOff(ctx context.Context, a *attempt, handoff *answer.Handoff) {
	now := e.Clock.Now()

	current, err := e.Store.Conversation(ctx, a.lease.Lane)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		e.Log.Error("reading the holder of a conversation failed", logevent.EventID, a.work.Event.ID, "error", err)
	}

	if current.Takeover.Active(now) {
		return
	}

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
