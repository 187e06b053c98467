// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// handleReportedError pauses the scope of a rate limit, or records the problem of a configuration failure, that Meta reports
// outside of a message or status, and announces it.
func (e *Engine) handleReportedError(ctx context.Context, a *statusAttempt) error {
	code, err := whatsapp.ParseErrorCode(a.item.Raw)
	if err != nil {
		return unreadable("handle reported error", "the error is not a JSON object")
	}

	f := classifyReported(a.head, "reported by Meta", cloudapi.ReportedError{Code: code})

	personal := f.Scope == failure.ScopePair || f.Scope == failure.ScopeRecipient
	if f.Class == failure.RateLimited && !personal {
		call := gate.Report(a.item.WABAID, a.number())
		if err := e.gate.Limited(ctx, call, f, a.work.Event.ReceivedAt); err != nil {
			return err
		}
	}

	e.recordReported(f, a.work.Event.ReceivedAt)

	a.emitNotice(notice.ErrorReported, map[string]any{
		"code":  code,
		"class": f.Class,
		"scope": f.Scope,
	})
	e.Metrics.CallFailed(f)
	e.Log.Error("Meta reported an error",
		logevent.EventID, a.work.Event.ID,
		"code", f.Code,
		"class", f.Class,
		"scope", f.Scope,
		"error", f.Text)

	return nil
}

// announceLostMedia emits a notice about a file that Meta could not deliver, such as a file above 100 MB. It is for a
// message that no method of the AI takes.
func (e *Engine) announceLostMedia(a *attempt) {
	code := a.message.ErrorCode()
	if strconv.Itoa(code) != cloudapi.CodeMediaDownload {
		return
	}

	f := classifyReported(a.head, "receive message", cloudapi.ReportedError{Code: code})

	a.pendingStep.Emit = append(a.pendingStep.Emit, a.notice(notice.ErrorReported, e.Clock.Now(), map[string]any{
		"code":  code,
		"class": f.Class,
		"scope": f.Scope,
	})...)
	e.Metrics.CallFailed(f)
}

// classifyReported classifies an error that Meta reports in a webhook.
func classifyReported(h head, op string, reported cloudapi.ReportedError) *failure.Error {
	return cloudapi.Classify(op, reported, h.settings.Processing.ErrorPolicies)
}
