// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
)

// interactive returns the WhatsApp messages for a reply with something to tap. A file above a list is a message of its own,
// since Meta shows none there.
func interactive(reply bird.Reply) []cloudapi.Content {
	frame := frameOf(reply)

	var before []cloudapi.Content

	if choices := (cloudapi.ButtonsContent{Frame: frame, Buttons: buttons(reply.Buttons)}); frame.HeaderMedia != nil &&
		(reply.Kind == bird.KindList || reply.Kind == bird.KindButtons && choices.IsList()) {
		before = append(before, *frame.HeaderMedia)
		frame.HeaderMedia = nil
	}

	return append(before, tappable(reply, frame))
}

func tappable(reply bird.Reply, frame cloudapi.Frame) cloudapi.Content {
	switch reply.Kind {
	case bird.KindList:
		return cloudapi.ListContent{
			Frame:    frame,
			Label:    reply.List.ButtonText,
			Sections: sections(reply.List.Sections),
		}
	case bird.KindLink:
		return cloudapi.LinkContent{
			Frame: frame,
			Label: reply.Link.Label,
			URL:   reply.Link.URL,
		}
	default:
		return cloudapi.ButtonsContent{Frame: frame, Buttons: buttons(reply.Buttons)}
	}
}

func frameOf(reply bird.Reply) cloudapi.Frame {
	frame := cloudapi.Frame{
		Header: reply.Header,
		Text:   reply.Text,
		Footer: reply.Footer,
	}
	if reply.HeaderMedia != nil {
		frame.HeaderMedia = new(mediaContent(*reply.HeaderMedia))
	}

	return frame
}

func mediaContent(m bird.ReplyMedia) cloudapi.MediaContent {
	return cloudapi.MediaContent{
		Type:     m.Type,
		ID:       m.MediaID,
		Link:     m.URL,
		Caption:  m.Caption,
		Filename: m.Filename,
	}
}

func buttons(options []bird.Option) []cloudapi.ReplyButton {
	buttons := make([]cloudapi.ReplyButton, 0, len(options))
	for _, o := range options {
		buttons = append(buttons, cloudapi.ReplyButton(o))
	}

	return buttons
}

func sections(list []bird.Section) []cloudapi.ListSection {
	sections := make([]cloudapi.ListSection, 0, len(list))
	for _, s := range list {
		section := cloudapi.ListSection{Title: s.Title}
		for _, row := range s.Rows {
			section.Rows = append(section.Rows, cloudapi.ListRow(row))
		}

		sections = append(sections, section)
	}

	return sections
}
