// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
)

// fileCalls are the calls that the download or the upload of a file consists of.
type fileCalls struct {
	file    gate.Call    // the transfer
	passes  *gate.Permit // of the transfer; nil if it is tried although its scope is closed
	lookUps *gate.Permit // of the calls to the Graph API
}

// cancel ends the calls whose result is not known.
func (c fileCalls) cancel() {
	c.passes.Cancel()
	c.lookUps.Cancel()
}

// enterFile lets the download or the upload of a file through the gate, or returns the error that makes the event wait.
func (e *Engine) enterFile(a *attempt, file gate.Call) (fileCalls, error) {
	file.Queued = a.queued
	calls := fileCalls{file: file}

	passes, closed := e.gate.Enter(file, a.work.Event.ID)
	if closed != nil && !isFileOverdue(a.head, closed, e.Clock.Now()) {
		return calls, &waiting{closed}
	}

	lookUps, closed := e.gate.Enter(gate.Lookup(a.item.WABAID), a.work.Event.ID)
	if closed != nil {
		passes.Cancel()

		return calls, &waiting{closed}
	}

	calls.passes = passes
	calls.lookUps = lookUps

	return calls, nil
}

// endFile reports to the gate how the download or the upload of a file ended.
//
// A transient failure may be an outage of files. Only file transfers decide whether that outage has ended: calls to the AI and
// sends do not. A file that Meta does not have is not evidence about other files.
//
// The Graph API may have refused the call itself. Its other failures may concern this file, or files only. A success does not
// prove that messages may be sent. A phone number that the token may not use cannot send either.
func (e *Engine) endFile(ctx context.Context, a *attempt, calls fileCalls, err error) {
	if err == nil {
		e.endCall(ctx, calls.passes, nil)

		return
	}

	f := failure.Of(err)

	switch {
	case f.Class == failure.Transient || f.Scope == failure.ScopeFiles:
		a.call = calls.file

		e.endCall(ctx, calls.passes, f)
	case f.Class == failure.Configuration && f.Scope == failure.ScopeNumber:
		a.call = a.sendCall()
		e.gate.Refused(a.call, a.work.Event.ID, f)
	case f.Class == failure.Configuration || f.Class == failure.RateLimited:
		a.call = gate.Lookup(a.item.WABAID)

		e.endCall(ctx, calls.lookUps, f)
	}
}

// isFileOverdue reports whether an event has waited for files for its whole service window. The event is then processed
// although no file can be transferred, so its lane continues.
func isFileOverdue(h head, closed *gate.Closed, now time.Time) bool {
	return closed.Scope.Kind == failure.ScopeFiles && isMessage(h) && now.Sub(h.work.Event.ReceivedAt) >= serviceWindow
}
