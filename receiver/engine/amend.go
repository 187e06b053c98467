// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// amendment returns a function that makes the body with which to repeat a refused send, or nil if there is none. It removes
// from the body what Meta refused, so that each amendment is made at most once.
func (e *Engine) amendment(a *attempt, body []byte, refusal *failure.Error) func(context.Context) ([]byte, error) {
	switch {
	case cloudapi.MayRefuseContext(refusal) && cloudapi.HasContext(body):
		return func(context.Context) ([]byte, error) { return cloudapi.WithoutContext(body) }
	case isFetchFailure(refusal) && cloudapi.HasLink(body):
		return func(ctx context.Context) ([]byte, error) { return e.uploadLinks(ctx, a, body) }
	}

	return nil
}

// isFetchFailure reports whether Meta could not download, or not use, a file that a message links to.
func isFetchFailure(f *failure.Error) bool {
	return f.Code == cloudapi.CodeMediaUpload || f.Code == cloudapi.CodeMediaDownload
}

// sendAmended sends a refused part again with an amended body. Meta has certainly not accepted the first send, so the person
// does not get the message twice. After a crash the first body is sent again: Meta refuses it again, and it is amended
// again. sendAmended returns the body that was sent, or none if it was not sent.
func (e *Engine) sendAmended(
	ctx context.Context,
	a *attempt,
	reply *store.Reply,
	amend func(context.Context) ([]byte, error),
	refusal error,
) (body []byte, id string, err error) {
	e.endAttemptCall(ctx, a, refusal)

	a.pendingStep.Unsent = &reply.Part // if it has to wait

	if body, err = amend(ctx); err != nil {
		return nil, "", err
	}

	if err := e.enterSend(ctx, a); err != nil {
		return nil, "", err
	}

	// From now on a status of the send may come.
	step := store.Step{
		Now:     e.Clock.Now(),
		Sending: &reply.Part,
		ByDesk:  a.isByDesk(),
	}
	if _, err := e.record(ctx, a.head, step); err != nil {
		return nil, "", err
	}

	a.pendingStep.Unsent = nil

	id, err = e.post(ctx, a, reply, body)

	return body, id, err
}
