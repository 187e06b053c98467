// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const typeTemplate = "template"

// isFallbackTemplate reports whether a part is the fallback template. The AI's own templates and the fallback text are not.
func isFallbackTemplate(reply *store.Reply) bool { return reply.Fallback && reply.Type == typeTemplate }

// hasFallbackTemplate reports whether the fallback template is among the parts of an answer.
func hasFallbackTemplate(replies []store.Reply) bool {
	return slices.ContainsFunc(replies, func(r store.Reply) bool { return isFallbackTemplate(&r) })
}

// mayReplace reports whether the fallback template may be sent instead of a part whose send failed with err. An answer has
// one at most.
func (a *attempt) mayReplace(reply *store.Reply, err error) bool {
	return err != nil && failure.Of(err).Class == failure.TemplateRequired &&
		a.settings.Processing.FallbackTemplate.Name != "" &&
		reply.Type != typeTemplate && !hasFallbackTemplate(a.work.Replies)
}

// sendTemplate sends the fallback template instead of reply and the parts after it. The step that starts the send records the
// replacement, so later attempts send neither again, and readers of the answer see the template.
func (e *Engine) sendTemplate(ctx context.Context, a *attempt, reply *store.Reply) error {
	template, err := a.fallbackTemplate(reply)
	if err != nil {
		return err
	}

	if !isFallbackTemplate(reply) { // else the person may have written since
		a.pendingStep.TemplateRequired = new(true)
	}

	if a.inFlight != nil { // Meta has refused the part
		template.State = store.Planned
		a.pendingStep.Unsent = a.inFlight // if the template has to wait
	}

	err = e.sendReply(ctx, a, template)
	if errors.Is(err, store.ErrAlreadySent) {
		return &postponed{until: e.Clock.Now(), reason: "a status confirmed an earlier send of the part"}
	}

	return err
}

// fallbackTemplate returns the fallback template in the place of a part, as it is configured now: an earlier attempt may
// have failed because of its name. If none is configured any more, the one of the earlier attempt is sent.
func (a *attempt) fallbackTemplate(reply *store.Reply) (*store.Reply, error) {
	template := *reply
	template.Fallback = true

	fallback := a.settings.Processing.FallbackTemplate
	if fallback.Name == "" {
		return &template, nil
	}

	encoded, err := cloudapi.Encode(
		cloudapi.Reply{
			To:       cloudapi.RecipientOf(a.message),
			Callback: a.callback(&template),
		},
		cloudapi.TemplateContent{Name: fallback.Name, Language: fallback.Language},
	)
	if err != nil {
		return nil, err
	}

	template.Type = encoded.Type
	template.Body = encoded.Body

	return &template, nil
}
