// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// maxResends bounds how often a message that Meta took and then failed is sent again.
const maxResends = 2

// follow acts on a status or on an error that Meta reported, both by the same table of codes, and tells Bird of the
// status. Its effects may be repeated: each leaves things as they are the second time.
func (e *Engine) follow(ctx context.Context, t *task) error {
	if err := t.read(); err != nil {
		return err
	}

	if t.work.Event.Kind == store.KindError {
		return e.reported(ctx, t)
	}

	status, err := whatsapp.ParseStatus(t.item.Raw)
	if err != nil {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    "follow status",
			Code:  "unreadable",
			Text:  "the status is no JSON object",
		}
	}

	switch status.Status {
	case "failed":
		if err := e.failed(ctx, t, status); err != nil {
			return err
		}
	case "read":
		t.announce(notice.MessageRead, t.work.Event.ReceivedAt, statusData{Event: replyOf(status), Status: string(status.Status)})
	}

	return e.tellBird(ctx, t, status)
}

// statusData is what the sink is told of a status: no personal data, and the id of the event that the message answered.
type statusData struct {
	Event  string `json:"event,omitempty"`
	Status string `json:"status"`
	Code   int    `json:"code,omitempty"`
	Class  string `json:"class,omitempty"`
	Resent bool   `json:"resent,omitempty"`
}

func replyOf(status whatsapp.Status) string {
	event, _, _ := whatsapp.ParseCallback(string(status.Callback))
	return event
}

// failed sends a message of ours again where that may help, and tells the sink.
func (e *Engine) failed(ctx context.Context, t *task, status whatsapp.Status) error {
	f := e.told(t, "deliver message", status.ErrorCode)
	if f.Class == failure.RateLimited {
		if _, err := e.hold(ctx, scopes(t.item.WABAID, t.number(), status.Lane(t.number())), f); err != nil {
			return err
		}
	}

	resend, err := e.resendable(ctx, t, status, f.Class)
	if err != nil {
		return err
	}

	t.final.Resend = resend
	if f.Class == failure.TemplateRequired {
		t.final.TemplateRequired = new(true)
	}

	t.announce(notice.MessageFailed, t.work.Event.ReceivedAt, statusData{
		Event:  replyOf(status),
		Status: string(status.Status),
		Code:   status.ErrorCode,
		Class:  string(f.Class),
		Resent: resend != nil,
	})

	return nil
}

// told is what a code means that Meta tells in a webhook, and counts it.
func (e *Engine) told(t *task, op string, code int) *failure.Error {
	class, scope, text := cloudapi.Meaning(code, 0, t.settings.Processing.ErrorPolicies)
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

// resendable names the reply to send again: one of ours, for a reason that passes, not too often yet.
func (e *Engine) resendable(ctx context.Context, t *task, status whatsapp.Status, class failure.Class) (*store.ReplyRef, error) {
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
		return nil, nil //nolint:nilerr // another application's data
	}

	record, err := e.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}

	if err != nil {
		return nil, fmt.Errorf("look up the message that failed: %w", err)
	}

	if record.Event.State == store.Pending {
		return nil, &postponed{until: e.Clock.Now().Add(t.settings.Processing.Retry.BaseDelay), why: "waiting until the message's other parts are sent"}
	}

	for _, reply := range record.Replies {
		if reply.Part == part && reply.Resends < maxResends && reply.MessageID == string(status.MessageID) {
			return &store.ReplyRef{
				Event:     id,
				Part:      part,
				MessageID: reply.MessageID,
			}, nil
		}
	}

	return nil, nil
}

func (e *Engine) tellBird(ctx context.Context, t *task, status whatsapp.Status) error {
	if !e.Bird.Enabled(bird.NotifyStatus) {
		return nil
	}

	err := e.Bird.Notify(ctx, bird.Request{
		Method:  bird.NotifyStatus,
		Attempt: t.work.Attempts + 1,
		Replays: t.work.Replays,
		Body: bird.StatusNotification{
			Common:          t.origin(status.MessageID, status.Timestamp, cmp.Or(status.RecipientUser, status.Recipient)),
			Status:          string(status.Status),
			Type:            string(status.Type),
			RecipientID:     optional(status.Recipient),
			RecipientUserID: optional(status.RecipientUser),
			ParticipantID:   string(status.Participant),
			Errors:          errorsOf(t.item.Raw),
			Pricing:         status.Pricing,
		},
	})
	e.note(string(bird.NotifyStatus), err)

	return err
}

// errorsOf are a status's errors as Meta sent them.
func errorsOf(raw json.RawMessage) json.RawMessage {
	var status struct {
		Errors json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(raw, &status) != nil {
		return nil
	}

	return status.Errors
}

// reported acts on an error that Meta reports on its own.
func (e *Engine) reported(ctx context.Context, t *task) error {
	reported, err := whatsapp.ParseReportedError(t.item.Raw)
	if err != nil {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    "follow error",
			Code:  "unreadable",
			Text:  "the error is no JSON object",
		}
	}

	f := e.told(t, "reported by Meta", reported.Code)
	e.Log.Error("Meta reports an error", logevent.EventID, t.work.Event.ID, "code", f.Code, "class", f.Class, "scope", f.Scope, "error", f.Text)

	if f.Class == failure.RateLimited && f.Scope != failure.ScopePair && f.Scope != failure.ScopeRecipient {
		if _, err := e.hold(ctx, scopes(t.item.WABAID, t.number(), ""), f); err != nil {
			return err
		}
	}

	t.announce(notice.ErrorReported, t.work.Event.ReceivedAt, map[string]any{
		"code":  reported.Code,
		"class": f.Class,
		"scope": f.Scope,
	})

	return nil
}

// announce adds a notice to what is recorded at the end of the attempt.
func (t *task) announce(kind string, at time.Time, data any) {
	if t.settings.Notifications.SinkURL == "" {
		return
	}

	encoded, err := json.Marshal(data)
	if err != nil {
		return // of numbers and strings: it cannot be
	}

	n := notice.Notice{
		Type:    kind,
		Source:  notice.Number(t.work.Event.PhoneNumberID),
		Subject: t.work.Event.ID.String(),
		Time:    at,
		Data:    encoded,
	}
	t.final.Emit = append(t.final.Emit, n.Event(strconv.Itoa(t.work.Replays)))
}

// tell sends a notice to the sink.
func (e *Engine) tell(ctx context.Context, t *task) error {
	err := e.Notices.Send(ctx, t.work.Event.ID.String(), t.work.Event.Payload)
	e.note("send notice", err)

	return err
}
