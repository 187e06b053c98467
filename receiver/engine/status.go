// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// statusAttempt is one attempt at an event of class Statuses: a status, a status report, a reported error, the pass of a
// conversation, or an answer deadline.
type statusAttempt struct {
	inbound
	status whatsapp.Status // zero for an error
	failed *failedSend     // that the status is about, once it is looked up
	// effects are recorded with the outcome, even if the attempt fails. All are idempotent.
	effects store.Step
	call    gate.Call // the last call of the attempt
	// isExpired reports whether the answer deadline passed without an answer.
	isExpired bool
}

// processStatus is the process function of class Statuses.
func (e *Engine) processStatus(ctx context.Context, h head) (*store.Work, error) {
	a := &statusAttempt{inbound: inbound{head: h}}

	err := e.handleStatus(ctx, a)
	if isLeaseLost(ctx, err) {
		return nil, store.ErrLeaseLost
	}

	step := e.resolveSideEvent(ctx, a.head, a.call, a.effects, err)

	e.separateReport(a, &step)

	if a.work.Event.Kind == store.KindThreadPass {
		e.clearPassProblem(step.Outcome)
	}

	next, err := e.finish(ctx, a.head, step)
	if err == nil && a.work.Event.Kind == store.KindAnswerDeadline {
		e.recordDeadline(a, step.Outcome)
	}

	return next, err
}

// handleStatus handles a failed status or a reported error, for which it uses only the store, or reports a status to the AI.
func (e *Engine) handleStatus(ctx context.Context, a *statusAttempt) error {
	if err := a.checkStarts(); err != nil {
		return err
	}

	if err := a.decode(); err != nil {
		return err
	}

	switch a.work.Event.Kind {
	case store.KindThreadPass:
		return e.passThread(ctx, a)
	case store.KindError:
		return e.handleReportedError(ctx, a)
	case store.KindAnswerDeadline:
		return e.awaitAnswer(ctx, a)
	}

	status, err := whatsapp.ParseStatus(a.item.Raw)
	if err != nil {
		return unreadable("handle status", "the status is not a JSON object")
	}

	a.status = status

	if status.IsFailed() && a.work.Event.Kind == store.KindStatus {
		return e.handleFailedStatus(ctx, a)
	}

	return e.reportStatus(ctx, a)
}

// emitNotice adds a notice to the recorded effects.
func (a *statusAttempt) emitNotice(kind string, data any) {
	a.effects.Emit = append(a.effects.Emit, a.notice(kind, a.work.Event.ReceivedAt, data)...)
}

// reportStatus reports the status to the AI, if the method is enabled.
func (e *Engine) reportStatus(ctx context.Context, a *statusAttempt) error {
	if !e.ai(a.head).Enabled(assistant.NotifyStatus) {
		return nil
	}

	status := a.status
	a.call = gate.Notify(string(assistant.NotifyStatus))
	a.call.Queued = a.queued

	permit, closed := e.gate.Enter(a.call, a.callID())
	if closed != nil {
		return &waiting{closed}
	}
	defer permit.Cancel() // unless the call has ended it

	err := e.ai(a.head).Notify(ctx, assistant.Request{
		Method:  assistant.NotifyStatus,
		Attempt: a.attemptNumber(),
		Replays: a.replays(),
		Body: assistant.StatusNotification{
			Common:          a.origin(status.MessageID, status.Timestamp, status.GroupID, status.Person()),
			Status:          string(status.Status),
			Type:            string(status.Type),
			RecipientID:     optional(status.Recipient),
			RecipientUserID: optional(status.RecipientUser),
			ParticipantID:   string(status.Participant),
			Errors:          status.RawErrors,
			Pricing:         status.Pricing,
			Payment:         status.Payment,
		},
	})
	e.endCall(ctx, permit, err)
	e.recordCall(string(assistant.NotifyStatus), e.problemOf(a.call, err))

	return err
}

// problemOf returns the failure of a report as the status page counts it. The refusal of a single status becomes a permanent
// failure: an administrator does not have to fix it.
func (e *Engine) problemOf(call gate.Call, err error) error {
	if err == nil {
		return nil
	}

	f := *failure.Of(err)
	if f.Class == failure.Configuration && f.Scope == failure.ScopeAIMethod && e.gate.TakesOthers(call) {
		f.Class = failure.Permanent
	}

	return &f
}

// separateReport moves the report of a status to its own lane if the AI refuses only this report, or if the report failed
// twice. So no other report waits for it. There the wait between two attempts grows with its age.
func (e *Engine) separateReport(a *statusAttempt, step *store.Step) {
	outcome := step.Outcome
	isReport := a.call.Target == gate.AI && intake.IsReportLane(a.work.Event.Lane)

	if !isReport || outcome.State != store.Pending || outcome.WaitsFor != "" || outcome.Failure == nil {
		return
	}

	if intake.IsOwnReportLane(a.work.Event.Lane) {
		age := step.Now.Sub(a.work.Event.ReceivedAt)
		outcome.RetryAt = later(outcome.RetryAt, step.Now.Add(age/4))

		return
	}

	isRefusal := outcome.Failure.Class == string(failure.Configuration)
	if isRefusal && !e.gate.TakesOthers(a.call) || !isRefusal && a.work.Attempts == 0 {
		return
	}

	first := intake.FirstReport{
		Event:    a.work.Event.ID,
		Replays:  a.work.Replays,
		Attempts: a.work.Attempts,
	}
	if outcome.Failure.Spent {
		first.Attempts++
	}

	report := a.report()
	report.Lane = intake.OwnReportLane(first)
	step.Emit = append(step.Emit, report)
	step.Outcome = &store.Outcome{State: store.Done, Failure: outcome.Failure}
}
