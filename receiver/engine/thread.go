// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const opThreadControl = "pass the conversation"

// threadPass returns the event that passes the conversation to the other responder, if the attempt ended the answer that
// handed it off and the configuration asks for it. It is a separate event, so that a failure delays no answer, and
// follows the answer, since only the responder that has a conversation may send.
func (a *attempt) threadPass(outcome *store.Outcome) []store.Event {
	if !a.settings.Processing.PassThreadControl {
		return nil
	}

	event := a.work.Event
	handedOff := a.handedOff || a.work.Conversation.Takeover.Event == event.ID
	ended := outcome.State == store.Done || outcome.State == store.Dead

	to := cloudapi.RecipientOf(a.message)
	isPerson := to.GroupID == "" && (to.WaID != "" || to.UserID != "")

	if !handedOff || !ended || !isPerson {
		return nil
	}

	payload := event.Payload
	if a.isOutbound() {
		payload, _ = json.Marshal(a.item) // it was decoded from JSON
	}

	return []store.Event{{
		ID:            store.NewID(store.KindThreadPass, event.ID.String(), strconv.Itoa(a.work.Replays)),
		Kind:          store.KindThreadPass,
		Type:          event.Type,
		State:         store.Pending,
		Class:         store.Statuses,
		Lane:          intake.ThreadLane(a.number(), event.ID),
		PhoneNumberID: event.PhoneNumberID,
		Payload:       payload,
		ReceivedAt:    a.now,
	}}
}

// clearPassProblem removes the problem of passes when the event of a pass ends: nothing waits for a correction. If another
// pass waits, its next call reports the problem again.
func (e *Engine) clearPassProblem(outcome *store.Outcome) {
	if outcome.State != store.Pending {
		e.recordCall(opThreadControl, nil)
	}
}

// passThread passes a conversation that the AI handed off to the other responder, unless people or the responder gave it
// back or took it meanwhile.
func (e *Engine) passThread(ctx context.Context, a *statusAttempt) error {
	message, err := a.item.Message()
	if err != nil {
		return unreadable(opThreadControl, "the message is not a JSON object")
	}

	conversation, err := e.Store.Conversation(ctx, message.Conversation(a.number()))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}

	if err != nil {
		return ofStore(err)
	}

	if takeover := conversation.Takeover; takeover.By != store.HandedOff || !takeover.Active(e.Clock.Now()) {
		return nil
	}

	a.call = gate.Lookup(a.item.WABAID)

	permit, closed := e.gate.Enter(a.call, a.work.Event.ID)
	if closed != nil {
		return &waiting{closed}
	}
	defer permit.Cancel() // unless the call has ended it

	err = e.Graph.PassThread(ctx, a.number(), cloudapi.RecipientOf(message))
	e.endPass(ctx, permit, err)

	if err != nil && a.work.Attempts > 0 && isRefusedPass(failure.Of(err)) {
		return nil // an earlier attempt passed it, and its answer was lost
	}

	return err
}

// isRefusedPass reports whether Meta refuses a parameter of a pass, such as a person whose conversation this app has not got.
// The same code with another class is about the app's secret.
func isRefusedPass(f *failure.Error) bool {
	return f.Code == cloudapi.CodeInvalidParameter && f.Class == failure.Permanent
}

// endPass records the result of a pass in the gate. It reports only refused callers and rate limits, which also concern
// sends. A success does not prove that messages may be sent, and other failures may concern passes only.
func (e *Engine) endPass(ctx context.Context, permit *gate.Permit, err error) {
	e.recordCall(opThreadControl, err)

	if err == nil {
		permit.Accepted()
		return
	}

	switch f := failure.Of(err); {
	case f.Class == failure.RateLimited || cloudapi.CallerRefused(f):
		e.endCall(ctx, permit, f)
	case f.Class == failure.Permanent: // of this pass
		permit.Accepted()
	}
}
