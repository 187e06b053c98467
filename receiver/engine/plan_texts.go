// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/markdown"
)

// formatted returns the AI's replies with WhatsApp's format in their texts and captions. WhatsApp shows no formats in
// titles, headers and footers. What a person wrote at the console has it already.
func (a *attempt) formatted(replies []answer.Reply) []answer.Reply {
	if a.settings.Processing.Format != config.FormatMarkdown || a.outbound.Fallback || a.outbound.Verbatim {
		return replies
	}

	formatted := slices.Clone(replies)
	for i := range formatted {
		reply := &formatted[i]
		reply.Text = toWhatsApp(reply.Text)

		if reply.Media != nil {
			media := *reply.Media
			media.Caption = toWhatsApp(media.Caption)
			reply.Media = &media
		}

		reply.Cards = slices.Clone(reply.Cards)
		for j := range reply.Cards {
			reply.Cards[j].Text = toWhatsApp(reply.Cards[j].Text)
		}
	}

	return formatted
}

// toWhatsApp converts a text. A text of marks only stays as it is, since WhatsApp takes no empty text.
func toWhatsApp(text string) string {
	converted := markdown.ToWhatsApp(text)
	if strings.TrimSpace(converted) == "" {
		return text
	}

	return converted
}

// texts returns the messages for a text.
func texts(text string, previewURL bool) []cloudapi.Content {
	var contents []cloudapi.Content
	for _, piece := range cloudapi.SplitText(text) {
		contents = append(contents, cloudapi.TextContent{Text: piece, PreviewURL: previewURL})
	}

	return contents
}

// captioned returns the messages for a file. A text that is too long for a caption is sent as a message.
func captioned(media cloudapi.MediaContent) []cloudapi.Content {
	caption, rest := cloudapi.SplitCaption(media.Caption)
	if rest == "" {
		return []cloudapi.Content{media}
	}

	media.Caption = caption

	return append([]cloudapi.Content{media}, texts(rest, false)...)
}

// joinTexts joins texts that follow one another, as far as they fit in one message, since Meta bills each message. Texts
// with and without a preview of their links stay apart, so that a bridge can keep them apart.
func joinTexts(contents []cloudapi.Content) []cloudapi.Content {
	const separator = "\n\n"

	joined := make([]cloudapi.Content, 0, len(contents))
	for _, content := range contents {
		if len(joined) > 0 {
			last := &joined[len(joined)-1]
			before, isAfterText := (*last).(cloudapi.TextContent)
			text, isText := content.(cloudapi.TextContent)

			together := cloudapi.TextContent{
				Text:       before.Text + separator + text.Text,
				PreviewURL: text.PreviewURL,
			}
			if isAfterText && isText && before.PreviewURL == text.PreviewURL && together.Fits() {
				*last = together
				continue
			}
		}

		joined = append(joined, content)
	}

	return joined
}

// limit returns the messages of an answer up to the configured number. The text of a handoff, which is the last, is among them.
func (e *Engine) limit(a *attempt, contents []cloudapi.Content) []cloudapi.Content {
	most := a.settings.Processing.MaxMessagesPerAnswer
	if len(contents) <= most {
		return contents
	}

	e.Metrics.AnswerCut(len(contents) - most)
	e.Log.Warn("the answer has too many messages and was cut: shorten it, or raise processing.maxMessagesPerAnswer",
		logevent.EventID, a.work.Event.ID, "messages", len(contents), "limit", most)

	if a.handoffText { // the person has to know that people will write
		return append(contents[:most-1:most-1], contents[len(contents)-1])
	}

	return contents[:most]
}
