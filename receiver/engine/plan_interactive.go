// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
)

// interactive returns the WhatsApp messages for a reply that the person can tap. What does not fit in one message is sent
// before it: a file above a list, where Meta shows none, and the beginning of a text that is too long.
func interactive(reply answer.Reply) []cloudapi.Content {
	var before []cloudapi.Content

	frame := frameOf(reply)
	beginning, end := splitBody(reply)
	frame.Text = end

	if frame.HeaderMedia != nil && !takesFile(reply, frame) {
		before = append(before, *frame.HeaderMedia)
		frame.HeaderMedia = nil
	}

	for _, text := range beginning {
		before = append(before, cloudapi.TextContent{Text: text})
	}

	return append(before, tappable(reply, frame))
}

// splitBody cuts the text of a reply. A message with choices takes as much text as a text message.
func splitBody(reply answer.Reply) (beginning []string, end string) {
	if reply.Kind != answer.KindButtons && reply.Kind != answer.KindList {
		return cloudapi.SplitBody(reply.Text)
	}

	pieces := cloudapi.SplitText(reply.Text)
	last := len(pieces) - 1

	return pieces[:last], pieces[last]
}

// takesFile reports whether Meta shows a file above the message for a reply.
func takesFile(reply answer.Reply, frame cloudapi.Frame) bool {
	switch reply.Kind {
	case answer.KindButtons:
		return !choices(reply, frame).IsList()
	case answer.KindLink, answer.KindFlow:
		return true
	default:
		return false
	}
}

// requests are the messages by which Meta asks the person for something.
var requests = map[answer.Kind]cloudapi.Request{
	answer.KindLocationRequest: cloudapi.RequestLocation,
	answer.KindContactRequest:  cloudapi.RequestContact,
	answer.KindCallRequest:     cloudapi.RequestCall,
}

func tappable(reply answer.Reply, frame cloudapi.Frame) cloudapi.Content {
	switch reply.Kind {
	case answer.KindList:
		return cloudapi.ListContent{
			Frame:    frame,
			Label:    reply.List.ButtonText,
			Sections: sections(reply.List.Sections),
		}
	case answer.KindLink:
		return cloudapi.LinkContent{
			Frame: frame,
			Label: reply.Link.Label,
			URL:   reply.Link.URL,
		}
	case answer.KindFlow:
		return flow(*reply.Flow, frame)
	case answer.KindAddress:
		return address(*reply.Address, frame)
	case answer.KindProduct:
		return cloudapi.ProductContent{
			Text:    frame.Text,
			Footer:  frame.Footer,
			Product: cloudapi.Product(*reply.Product),
		}
	case answer.KindProducts:
		return products(*reply.Products, frame)
	case answer.KindCatalog:
		return cloudapi.CatalogContent{
			Text:      frame.Text,
			Footer:    frame.Footer,
			Thumbnail: reply.Thumbnail,
		}
	case answer.KindCarousel:
		return carousel(reply.Cards, frame)
	case answer.KindLocationRequest, answer.KindContactRequest, answer.KindCallRequest:
		return cloudapi.RequestContent{For: requests[reply.Kind], Text: frame.Text}
	default:
		return choices(reply, frame)
	}
}

func choices(reply answer.Reply, frame cloudapi.Frame) cloudapi.ButtonsContent {
	return cloudapi.ButtonsContent{Frame: frame, Buttons: buttons(reply.Buttons)}
}

func flow(f answer.Flow, frame cloudapi.Frame) cloudapi.FlowContent {
	return cloudapi.FlowContent{
		Frame:  frame,
		Label:  f.Label,
		ID:     f.ID,
		Name:   f.Name,
		Token:  f.Token,
		Mode:   f.Mode,
		Action: f.Action,
		Screen: f.Screen,
		Data:   f.Data,
	}
}

func address(a answer.Address, frame cloudapi.Frame) cloudapi.AddressContent {
	content := cloudapi.AddressContent{
		Frame:   frame,
		Country: a.Country,
		Values:  a.Values,
		Errors:  a.Errors,
	}
	for _, saved := range a.Saved {
		content.Saved = append(content.Saved, cloudapi.SavedAddress(saved))
	}

	return content
}

func products(p answer.Products, frame cloudapi.Frame) cloudapi.ProductListContent {
	content := cloudapi.ProductListContent{Frame: frame, CatalogID: p.CatalogID}
	for _, section := range p.Sections {
		content.Sections = append(content.Sections, cloudapi.ProductSection(section))
	}

	return content
}

func carousel(cards []answer.Card, frame cloudapi.Frame) cloudapi.CarouselContent {
	content := cloudapi.CarouselContent{Text: frame.Text}
	for _, c := range cards {
		card := cloudapi.Card{
			Text:    c.Text,
			Link:    (*cloudapi.CardLink)(c.Link),
			Buttons: buttons(c.Buttons),
			Product: (*cloudapi.Product)(c.Product),
		}
		if c.Media != nil {
			card.Media = new(mediaContent(*c.Media))
		}

		content.Cards = append(content.Cards, card)
	}

	return content
}

func frameOf(reply answer.Reply) cloudapi.Frame {
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

func mediaContent(m answer.ReplyMedia) cloudapi.MediaContent {
	return cloudapi.MediaContent{
		Type:     m.Type,
		ID:       m.MediaID,
		Link:     m.URL,
		Caption:  m.Caption,
		Filename: m.Filename,
		Voice:    m.Voice,
	}
}

func buttons(options []answer.Option) []cloudapi.ReplyButton {
	buttons := make([]cloudapi.ReplyButton, 0, len(options))
	for _, o := range options {
		buttons = append(buttons, cloudapi.ReplyButton(o))
	}

	return buttons
}

func sections(list []answer.Section) []cloudapi.ListSection {
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
