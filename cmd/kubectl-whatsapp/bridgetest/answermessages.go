// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/engine"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// maxMessages is a limit that no answer has, so that all its messages are encoded.
const maxMessages = 1000

// checkMessages records messages that WhatsApp would refuse, cut or not get.
func (t *tester) checkMessages(ctx context.Context, check *Check, r reply) {
	switch given := r.answer; {
	case t.isLater(given):
		check.note(OK, "the bridge answers later", "")
		return
	case given.Empty, len(given.Replies) == 0 && given.Handoff == nil:
		check.note(OK, "no answer: a receiver would send nothing", "")
		return
	}

	if r.answer.BadConversationID {
		check.note(Warning, "the receiver cannot store the conversation_id of the answer", "Answer with a text or a number of at most 256 bytes.")
	}

	messages, ok := t.encode(check, r)
	if !ok {
		return
	}

	var (
		kinds []string
		cut   int
	)

	for _, m := range messages {
		kinds = append(kinds, m.Type)
		cut += m.Cut

		t.checkFiles(ctx, check, m.Body)
	}

	if check.Detail == "" {
		check.note(OK, "a receiver would send: "+strings.Join(kinds, ", "), "")
	}

	if cut > 0 {
		check.note(Warning, fmt.Sprintf("titles, headers, footers or descriptions that are longer than WhatsApp permits, and are cut: %d", cut),
			"Shorten them: a button has 20 characters at most, a row or section 24, a header or footer 60, a description 72.")
	}

	if limit := t.live.Current().Processing.MaxMessagesPerAnswer; len(messages) > limit {
		check.note(Warning, fmt.Sprintf("the answer makes %d messages, of which a receiver sends the first %d", len(messages), limit),
			"Join texts, or raise processing.maxMessagesPerAnswer (at most 10).")
	}
}

// encode returns the messages that WhatsApp would get.
func (t *tester) encode(check *Check, r reply) ([]cloudapi.Encoded, bool) {
	settings := t.live.Current().Config
	settings.Processing.MaxMessagesPerAnswer = maxMessages

	common := r.request.Common()
	question := whatsapp.Message{ID: whatsapp.Text(common.MessageID), GroupID: whatsapp.Text(common.GroupID)}

	if common.From != nil {
		question.From = whatsapp.Text(*common.From)
	}

	if common.ContactInfo.UserID != nil {
		question.FromUserID = whatsapp.Text(*common.ContactInfo.UserID)
	}

	messages, err := engine.EncodeAnswer(config.Fixed(settings, config.Secrets{}).Current(), question, r.answer)
	if err != nil {
		check.note(Failure, "WhatsApp would refuse the answer: "+failure.Of(err).Text,
			"Keep WhatsApp's limits: docs/bird-contract.md, \"The answer\".")
	}

	return messages, err == nil
}

// checkFiles downloads the files that a message links to as the receiver does, and checks what WhatsApp takes.
func (t *tester) checkFiles(ctx context.Context, check *Check, body []byte) {
	_, _ = cloudapi.WithUploads(body, func(linked cloudapi.Linked) (string, error) {
		file, err := t.spool.FetchLink(ctx, linked.Type, linked.URL)
		if err != nil {
			check.note(Failure, "the linked "+linked.Type+" cannot be sent: "+failure.Of(err).Text,
				"Serve the file with 200 at an address that Meta or the receiver reaches, without credentials and within WhatsApp's sizes.")

			return "unused", nil
		}

		if !media.Sends(linked.Type, file.MimeType) {
			check.note(Failure, fmt.Sprintf("the linked %s is %s, which WhatsApp does not send", linked.Type, file.MimeType),
				"Link JPEG or PNG as image, MP4 as video, AAC, AMR, MP3, MP4 or Ogg with Opus as audio, WebP as sticker.")
		}

		_ = file.Remove() // of a folder that is removed too

		return "unused", nil
	})
}
