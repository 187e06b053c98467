// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
)

// announceLostMedia announces a file that Meta could not deliver, such as one above 100 MB, if Bird is not asked about the
// message: the person waits for an answer to it.
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
