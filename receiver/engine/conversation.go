// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// classSkipped is the class of the reasons in the history of skipped events. They are not failures.
const classSkipped = "skipped"

// The reasons for which an event is skipped, as its history names them.
const (
	codeRevoked     = "revoked"       // the person deleted the message before it was answered
	codeSuperseded  = "superseded"    // the person changed the message once more
	codeUnknownToAI = "unknown_to_ai" // the AI was not asked about the message that the person changed
	codeLacking     = "no_method"     // the bridge does not have the method
	codeAnswered    = "answered"      // the answer came before the fallback text was sent
)

// attempt is one attempt at the head of a conversation.
type attempt struct {
	inbound
	message whatsapp.Message
	names   []string    // of the conversation, by the message
	texts   []string    // the texts that are answered together, if the message is one
	file    *media.File // the downloaded media; removed after the request to the AI

	// pendingStep collects the effects that are not recorded yet. The step that ends the attempt records them, unless an
	// earlier step does.
	pendingStep store.Step
	// inFlight is the part that is recorded as Sending while Meta has not answered.
	inFlight *int
	// successState is the state of the event when the attempt succeeds.
	successState store.State
	// reason says in the history why the event ends in successState without an answer, nil if that needs no reason.
	reason *store.Failure
	// handedOff reports whether the AI handed the conversation off in this attempt.
	handedOff bool
	// handoffText reports whether the answer ends with the text of a handoff.
	handoffText bool
	// unseen is the event of the message that an edit or a revocation names, if it has not come.
	unseen *store.Event
	// original marks the message that an edit changes as answered, if a later answer to it is awaited.
	original *store.Event
	// typingAt is when the person was shown the typing indicator last, zero if not in this attempt.
	typingAt time.Time
	// isAsked reports whether the AI may have processed a request of this attempt. The question is settled then.
	isAsked bool

	call   gate.Call    // the last call of the attempt
	permit *gate.Permit // of a call that has not ended
	place  *gate.Permit // of a message with a file
}

// processConversation is the process function of conversations.
func (e *Engine) processConversation(ctx context.Context, h head) (*store.Work, error) {
	a := &attempt{inbound: inbound{head: h}, successState: store.Done}
	defer func() { a.permit.Cancel() }()

	err := e.answerMessage(ctx, a)
	if isLeaseLost(ctx, err) {
		return nil, store.ErrLeaseLost
	}

	step := e.resolveAttempt(ctx, a, err)
	e.followTakeover(ctx, a, step.Outcome)

	next, err := e.finish(ctx, a.head, step)
	if err == nil {
		e.recordAnswered(a, step.Outcome)
	}

	return next, err
}

// answerMessage does the remaining work for an event of a conversation: it asks the AI, unless its answer is recorded or
// was posted, and sends the parts that were not sent yet.
func (e *Engine) answerMessage(ctx context.Context, a *attempt) (err error) {
	event := &a.work.Event

	if err := a.checkStarts(); err != nil {
		return err
	}

	if err := a.decode(); err != nil {
		return err
	}

	ctx = tracing.Resume(ctx, a.item.Trace)

	ctx, span := e.Tracer.Start(ctx, "handle message", "event", event.ID.String(), "type", event.Type)
	defer func() { span.End(err) }()

	if a.isOutbound() {
		return e.sendOutbound(ctx, a)
	}

	if event.Kind != store.KindMessage {
		a.pendingStep.Takeover = intake.TakeoverOf(*event, a.item, a.settings.Config)
		return nil
	}

	if err := e.endResponderTakeover(ctx, a); err != nil {
		return err
	}

	if err := e.noteRevocation(ctx, a); err != nil {
		return err
	}

	if err := a.checkTakeover(e.Clock.Now()); err != nil {
		return err
	}

	if len(a.work.Replies) == 0 {
		if reason := a.checkAnswerable(); reason != nil {
			a.successState = store.Skipped
			a.reason = historyOf(reason, e.Clock.Now(), false)
			e.Metrics.MessageUnanswerable(reason)

			return nil
		}

		if err := e.askAI(ctx, a); err != nil {
			return err
		}
	}

	return e.sendReplies(ctx, a)
}

// decode decodes the stored event and its message.
func (a *attempt) decode() error {
	if err := a.inbound.decode(); err != nil {
		return err
	}

	if a.item.Kind != whatsapp.ItemMessage {
		return nil
	}

	message, err := a.item.Message()
	if err != nil {
		return unreadable(opProcess, "the message is not a JSON object")
	}

	a.message = message
	a.names = append(message.Aliases(a.number()), message.Conversation(a.number()))

	return nil
}

// plainText returns the message as a text, with the texts that are answered together with it.
func (a *attempt) plainText() string {
	isAlone := len(a.texts) == 1 && a.texts[0] == a.message.TextBody() // else the first one was deleted
	if len(a.texts) > 0 && !isAlone {
		return strings.Join(a.texts, "\n")
	}

	return a.message.PlainText()
}

// skip ends the event without asking the AI. Its history gets the reason.
func (a *attempt) skip(code, reason string) {
	a.successState = store.Skipped
	a.reason = &store.Failure{
		Class: classSkipped,
		Code:  code,
		Text:  reason,
	}
}

// storeConversationID remembers the AI's id of the conversation.
func (e *Engine) storeConversationID(a *attempt, given answer.Answer) {
	if given.BadConversationID {
		e.sampled.Warn("conversation_id of the AI ignored: it is not a string or number of at most 256 bytes",
			logevent.EventID, a.work.Event.ID)
	}

	if id := given.ConversationID; id != nil && *id != a.work.Conversation.AIConversationID {
		a.pendingStep.AIConversationID = id
	}
}

// checkAnswerable returns why no answer to the message can be sent, or nil.
func (a *attempt) checkAnswerable() *failure.Error {
	reason := &failure.Error{Class: failure.Permanent, Op: opProcess}

	switch {
	case a.number() == "":
		reason.Code = codeNoNumber
		reason.Text = "Meta does not say which phone number the message came to, so that it cannot be answered"
	case cloudapi.RecipientOf(a.message) == (cloudapi.Recipient{}):
		reason.Code = codeNoSender
		reason.Text = "Meta does not say who sent the message, so that it cannot be answered"
	case a.item.IsSample():
		reason.Code = codeSample
		reason.Text = "the message is a sample of Meta's App Dashboard, whose number and sender do not exist"
	default:
		return nil
	}

	return reason
}

// common returns the part of a request body that all messages have.
func (a *attempt) common() assistant.Common {
	m := a.message
	c := m.Contact
	sender := m.Sender()

	body := a.origin(m.ID, m.Timestamp, m.GroupID, sender)
	body.From = optional(sender.WaID)
	body.ContactInfo = assistant.Contact{
		WaID:     optional(cmp.Or(c.WaID, sender.WaID)),
		Name:     optional(c.Name),
		UserID:   optional(cmp.Or(c.UserID, sender.UserID)),
		ParentID: string(cmp.Or(c.ParentID, sender.ParentID)),
		Username: optional(c.Username),
	}
	body.Context = m.Context
	body.Referral = m.Referral

	return body
}
