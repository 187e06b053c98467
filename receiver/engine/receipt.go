// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// markRead marks the message of an attempt as read. In a conversation with a person this includes earlier messages, and
// shows the typing indicator. In a group each message that is answered together is marked.
func (e *Engine) markRead(ctx context.Context, a *attempt) error {
	if a.message.GroupID == "" {
		return e.Graph.MarkRead(ctx, a.number(), a.answered())
	}

	ids := []whatsapp.Text{whatsapp.Text(a.answered())}

	for _, event := range a.work.Coalesced {
		if message, ok := messageOf(event); ok && message.Type == "text" { // an edit cannot be marked as read
			ids = append(ids, message.ID)
		}
	}

	for _, id := range ids {
		if err := e.Graph.MarkGroupRead(ctx, a.number(), string(id)); err != nil {
			return err
		}
	}

	return nil
}

const (
	// typingTimeout bounds the call that sends the read receipt and the typing indicator.
	typingTimeout = 3 * time.Second
	// typingRenewal is how often the typing indicator is shown again.
	typingRenewal = 20 * time.Second
	// typingEnd is when the typing indicator ends by itself.
	//
	// Source: Meta, typing indicators.
	typingEnd = 25 * time.Second
)

// showTyping marks the message as read and shows the typing indicator, which groups do not have, until asking ends.
func (e *Engine) showTyping(ctx, asking context.Context, a *attempt) {
	if !a.marksRead() || a.work.Attempts > 0 {
		return
	}

	for e.gate.Check(a.sendCall()) == nil && e.sendReceipt(ctx, a) && a.message.GroupID == "" {
		a.typingAt = e.Clock.Now()

		timer := e.Clock.NewTimer(typingRenewal)
		select {
		case <-asking.Done():
			timer.Stop()
			return
		case <-timer.Chan():
		}
	}
}

// marksRead reports whether the message is marked as read before it is answered.
func (a *attempt) marksRead() bool {
	return *a.settings.Processing.TypingIndicator && a.answered() != "" && a.settings.Secrets.AccessToken != ""
}

// showsTyping reports whether the person sees the typing indicator before the answer.
func (a *attempt) showsTyping() bool { return a.marksRead() && a.message.GroupID == "" }

// sendReceipt sends the read receipt with the typing indicator, and reports whether Meta took it. A failure is only logged:
// if its cause persists, it fails the send too.
func (e *Engine) sendReceipt(ctx context.Context, a *attempt) bool {
	ctx, cancel := context.WithTimeout(ctx, typingTimeout)
	defer cancel()

	err := e.markRead(ctx, a)
	if err != nil {
		e.Metrics.CallFailed(failure.Of(err))
		e.Log.Debug("marking a message as read failed", logevent.EventID, a.work.Event.ID, "error", err)
	}

	return err == nil
}
