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
		if message, ok := messageOf(event); ok && message.Type == "text" { // an edit is no message to read
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
	// typingRenewal is how often the typing indicator is shown again, which ends by itself after 25 s.
	//
	// Source: Meta, typing indicators.
	typingRenewal = 20 * time.Second
)

// showTyping marks the message as read and shows the typing indicator, which groups do not have, until asking ends.
func (e *Engine) showTyping(ctx, asking context.Context, a *attempt) {
	wanted := *a.settings.Processing.TypingIndicator && a.answered() != ""
	if !wanted || a.work.Attempts > 0 || a.settings.Secrets.AccessToken == "" {
		return
	}

	for e.gate.Check(a.sendCall()) == nil && e.sendReceipt(ctx, a) && a.message.GroupID == "" {
		timer := e.Clock.NewTimer(typingRenewal)
		select {
		case <-asking.Done():
			timer.Stop()
			return
		case <-timer.Chan():
		}
	}
}

// sendReceipt sends the read receipt with the typing indicator, and reports whether Meta took it. A failure is only logged:
// if its cause persists, it fails the send too.
func (e *Engine) sendReceipt(ctx context.Context, a *attempt) bool {
	ctx, cancel := context.WithTimeout(ctx, typingTimeout)
	defer cancel()

	err := e.markRead(ctx, a)
	if err != nil {
		e.Metrics.CallFailed(failure.Of(err))
		e.Log.Debug("mark message as read", logevent.EventID, a.work.Event.ID, "error", err)
	}

	return err == nil
}
