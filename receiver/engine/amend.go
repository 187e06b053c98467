// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// amend returns the body with which to repeat a send that Meta refused, or nil if nothing is left to amend. What it amends
// is then no longer part of the body, so that each amendment is made once.
func (e *Engine) amend(_ context.Context, _ *attempt, body []byte, refusal error) ([]byte, error) {
	if failure.Of(refusal).Code == cloudapi.CodeBadContext {
		return cloudapi.WithoutContext(body)
	}

	return nil, nil
}

// startAgain records that a part is sent once more after Meta refused it for certain. After a crash the first body is sent
// again: the refusal repeats, and so does the amendment.
func (e *Engine) startAgain(ctx context.Context, a *attempt, reply *store.Reply, refusal error) error {
	e.leave(ctx, a, refusal)

	a.pendingStep.Unsent = &reply.Part // if it has to wait

	if err := e.enterSend(ctx, a); err != nil {
		return err
	}

	// From now on a status of the send may come.
	if _, err := e.record(ctx, a.head, store.Step{Now: e.Clock.Now(), Sending: &reply.Part}); err != nil {
		return err
	}

	a.pendingStep.Unsent = nil

	return nil
}
