// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// maxResends bounds how often a message that Meta accepted and later reported as failed is sent again.
const maxResends = 2

// statusAttempt is one attempt at a status, or at an error that Meta reported.
type statusAttempt struct {
	inbound
	// effects are recorded with the outcome, even if a later part of the attempt fails. All are idempotent.
	effects store.Step
}

// processStatus is the process function of statuses and reported errors.
func (e *Engine) processStatus(ctx context.Context, lease store.LeaseRef, work *store.Work) (*store.Work, error) {
	a := &statusAttempt{inbound: inbound{head: e.newHead(lease, work)}}

	err := e.handleStatus(ctx, a)
	if isLeaseLost(ctx, err) {
		return nil, store.ErrLeaseLost
	}

	return e.finish(ctx, a.head, e.resolveSideEvent(ctx, a.head, a.effects, err))
}

// handleStatus handles a status or a reported error, both by the same table of codes, and notifies Bird of the status.
func (e *Engine) handleStatus(ctx context.Context, a *statusAttempt) error {
	if err := a.decode(); err != nil {
		return err
	}

	if a.work.Event.Kind == store.KindError {
		return e.handleReportedError(ctx, a)
	}

	status, err := whatsapp.ParseStatus(a.item.Raw)
	if err != nil {
		return unreadable("handle status", "the status is not a JSON object")
	}

	switch status.Status {
	case "failed":
		if err := e.handleFailedStatus(ctx, a, status); err != nil {
			return err
		}
	case "read":
		a.emitNotice(notice.MessageRead, statusData{
			Event:  repliedEvent(status),
			Status: string(status.Status),
		})
	}

	return e.notifyBird(ctx, a, status)
}

// emitNotice adds a notice to the recorded effects.
func (a *statusAttempt) emitNotice(kind string, data any) {
	a.effects.Emit = append(a.effects.Emit, a.notice(kind, a.work.Event.ReceivedAt, data)...)
}

// statusData is the data of a notice about a status. It has no personal data.
type statusData struct {
	Event  string `json:"event,omitempty"` // id of the event that the message answered
	Status string `json:"status"`
	Code   int    `json:"code,omitempty"`
	Class  string `json:"class,omitempty"`
	Resent bool   `json:"resent,omitempty"`
}

// repliedEvent returns the id of the event that the status's message answered; empty if the message is not ours.
func repliedEvent(status whatsapp.Status) string {
	event, _, _ := whatsapp.ParseCallback(string(status.Callback))
	return event
}

// handleFailedStatus plans one of our messages again if that may help, and emits a notice.
func (e *Engine) handleFailedStatus(ctx context.Context, a *statusAttempt, status whatsapp.Status) error {
	f := e.classifyReported(a.head, "deliver message", status.ErrorCode)

	if f.Class == failure.RateLimited {
		limited := scopes(a.item.WABAID, a.number(), status.Conversation(a.number()))
		if _, err := e.pauseScope(ctx, limited, f); err != nil {
			return err
		}
	}

	resend, err := e.findResend(ctx, a.head, status, f.Class)
	if err != nil {
		return err
	}

	a.effects.Resend = resend
	if f.Class == failure.TemplateRequired {
		a.effects.TemplateRequired = new(true)
	}

	a.emitNotice(notice.MessageFailed, statusData{
		Event:  repliedEvent(status),
		Status: string(status.Status),
		Code:   status.ErrorCode,
		Class:  string(f.Class),
		Resent: resend != nil,
	})

	return nil
}

// classifyReported classifies a code that Meta reports in a webhook, and counts it.
func (e *Engine) classifyReported(h head, op string, code int) *failure.Error {
	class, scope, text := cloudapi.Meaning(code, 0, h.settings.Processing.ErrorPolicies)
	f := &failure.Error{
		Class: class,
		Scope: scope,
		Op:    op,
		Code:  strconv.Itoa(code),
		Text:  text,
	}
	e.Metrics.CallFailed(f)

	return f
}

// findResend returns the reply to send again: one of ours that failed for a temporary reason and was not resent too often.
// It returns nil if there is none.
func (e *Engine) findResend(
	ctx context.Context,
	h head,
	status whatsapp.Status,
	class failure.Class,
) (*store.ReplyRef, error) {
	switch class {
	case failure.Transient, failure.RateLimited, failure.Ambiguous, failure.TemplateRequired:
	default:
		return nil, nil
	}

	event, part, ok := whatsapp.ParseCallback(string(status.Callback))
	if !ok {
		return nil, nil
	}

	id, err := store.ParseID(event)
	if err != nil {
		return nil, nil //nolint:nilerr // the data of another application
	}

	record, err := e.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}

	if err != nil {
		return nil, fmt.Errorf("look up the message that failed: %w", err)
	}

	if record.Event.State == store.Pending {
		return nil, &postponed{
			until:  e.Clock.Now().Add(h.settings.Processing.Retry.BaseDelay),
			reason: "waiting until the other parts of the answer are sent",
		}
	}

	for _, reply := range record.Replies {
		failed := reply.Part == part && reply.MessageID == string(status.MessageID)
		if failed && reply.Resends < maxResends {
			return &store.ReplyRef{
				Event:     id,
				Part:      part,
				MessageID: reply.MessageID,
			}, nil
		}
	}

	return nil, nil
}

// notifyBird sends the status to Bird, if the method is enabled.
func (e *Engine) notifyBird(ctx context.Context, a *statusAttempt, status whatsapp.Status) error {
	if !e.Bird.Enabled(bird.NotifyStatus) {
		return nil
	}

	person := cmp.Or(status.RecipientUser, status.Recipient)

	err := e.Bird.Notify(ctx, bird.Request{
		Method:  bird.NotifyStatus,
		Attempt: a.attemptNumber(),
		Replays: a.work.Replays,
		Body: bird.StatusNotification{
			Common:          a.origin(status.MessageID, status.Timestamp, person),
			Status:          string(status.Status),
			Type:            string(status.Type),
			RecipientID:     optional(status.Recipient),
			RecipientUserID: optional(status.RecipientUser),
			ParticipantID:   string(status.Participant),
			Errors:          status.RawErrors,
			Pricing:         status.Pricing,
		},
	})
	e.recordCall(string(bird.NotifyStatus), err)

	return err
}

// handleReportedError pauses the scope of a rate limit that Meta reports outside of a message or status, and emits a notice.
func (e *Engine) handleReportedError(ctx context.Context, a *statusAttempt) error {
	code, err := whatsapp.ParseErrorCode(a.item.Raw)
	if err != nil {
		return unreadable("handle reported error", "the error is not a JSON object")
	}

	f := e.classifyReported(a.head, "reported by Meta", code)
	e.Log.Error("Meta reported an error",
		logevent.EventID, a.work.Event.ID,
		"code", f.Code,
		"class", f.Class,
		"scope", f.Scope,
		"error", f.Text)

	personal := f.Scope == failure.ScopePair || f.Scope == failure.ScopeRecipient
	if f.Class == failure.RateLimited && !personal {
		if _, err := e.pauseScope(ctx, scopes(a.item.WABAID, a.number(), ""), f); err != nil {
			return err
		}
	}

	a.emitNotice(notice.ErrorReported, map[string]any{
		"code":  code,
		"class": f.Class,
		"scope": f.Scope,
	})

	return nil
}
