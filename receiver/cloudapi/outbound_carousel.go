// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"slices"
	"strings"
)

// The limits of CarouselContent. Meta's pages state no number of buttons: a card has no more than a message with buttons.
const (
	minCards     = 2
	maxCards     = 10
	maxCardText  = 160
	maxCardLines = 3
)

// CarouselContent is a text of at most MaxBodyRunes characters with 2 to 10 cards side by side. All cards are of one kind,
// with as many buttons.
//
// Sources: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-media-carousel-messages
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-product-carousel-messages
type CarouselContent struct {
	Text  string
	Cards []Card
}

// Card has a picture above either a link or reply buttons, or is a product, which has nothing else.
type Card struct {
	Media   *MediaContent // an image or a video without a caption
	Text    string        // optional; cut to 160 characters and 3 lines
	Link    *CardLink
	Buttons []ReplyButton
	Product *Product
}

// CardLink is a button that opens a web page.
type CardLink struct {
	Label string
	URL   string // http or https
}

type cardObject struct {
	Index  int               `json:"card_index"`
	Type   string            `json:"type"`
	Header *headerObject     `json:"header,omitempty"`
	Body   *interactiveText  `json:"body,omitempty"`
	Action interactiveAction `json:"action"`
}

func (c CarouselContent) put(message *outbound) (int, error) {
	if err := checkLength("the text above the cards", c.Text, MaxBodyRunes, "send part of it before"); err != nil {
		return 0, err
	}

	if n := len(c.Cards); n < minCards || n > maxCards {
		return 0, invalidMessage("there are %d cards: give %d to %d", n, minCards, maxCards)
	}

	var cut truncator

	object, err := Frame{Text: c.Text}.object(&cut, "carousel")
	if err != nil {
		return 0, err
	}

	for i, card := range c.Cards {
		if !card.isLike(c.Cards[0]) {
			return 0, invalidMessage("card %d differs from card 1: give each a link, or as many buttons, or a product of one catalog", i+1)
		}

		encoded, err := card.encode(i, &cut)
		if err != nil {
			return 0, err
		}

		object.Action.Cards = append(object.Action.Cards, encoded)
	}

	message.setInteractive(object)

	return cut.count, nil
}

// isLike reports whether two cards may be in one carousel.
func (c Card) isLike(other Card) bool {
	if c.Product != nil && other.Product != nil && c.Product.CatalogID != other.Product.CatalogID {
		return false
	}

	return (c.Product == nil) == (other.Product == nil) &&
		(c.Link == nil) == (other.Link == nil) &&
		len(c.Buttons) == len(other.Buttons)
}

func (c Card) encode(index int, cut *truncator) (cardObject, error) {
	if c.Product != nil {
		return c.product(index)
	}

	if c.Media == nil || c.Media.Type == "document" {
		return cardObject{}, invalidMessage("card %d has no picture: give it an image or a video", index+1)
	}

	if (c.Link == nil) == (len(c.Buttons) == 0) || len(c.Buttons) > maxButtons {
		return cardObject{}, invalidMessage("card %d needs either a link or 1 to %d buttons", index+1, maxButtons)
	}

	header, err := c.Media.header()
	if err != nil {
		return cardObject{}, err
	}

	object := cardObject{
		Index:  index,
		Type:   "cta_url", // Meta's name of every card with a picture, whatever its buttons
		Header: header,
	}
	if !isBlank(c.Text) {
		object.Body = &interactiveText{Text: cut.fit(inLines(c.Text, maxCardLines), maxCardText)}
	}

	if c.Link != nil {
		object.Action.Name = "cta_url"
		object.Action.Parameters, err = linkOf("a card", c.Link.Label, c.Link.URL, cut)
	} else {
		object.Action.Buttons, err = quickReplies(c.Buttons, cut)
	}

	return object, err
}

func (c Card) product(index int) (cardObject, error) {
	if c.Media != nil || c.Text != "" || c.Link != nil || len(c.Buttons) > 0 {
		return cardObject{}, invalidMessage("card %d has a file, a text, a link or buttons beside its product: Meta shows only what the catalog has", index+1)
	}

	return cardObject{
		Index:  index,
		Type:   "product",
		Action: interactiveAction{CatalogID: c.Product.CatalogID, RetailerID: c.Product.RetailerID},
	}, c.Product.check("the product of a card")
}

// quickReplies returns the buttons of a card.
func quickReplies(buttons []ReplyButton, cut *truncator) ([]buttonObject, error) {
	objects := make([]buttonObject, len(buttons))

	ids := idSet{}
	for i, button := range buttons {
		if err := ids.add("button", i, button.ID, button.Title, maxButtonID); err != nil {
			return nil, err
		}

		reply := &replyObject{ID: button.ID, Title: cut.fit(button.Title, maxLabel)}
		objects[i] = buttonObject{Type: "quick_reply", QuickReply: reply}
	}

	return objects, nil
}

// inLines joins the lines of text beyond limit to the last one.
func inLines(text string, limit int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) <= limit {
		return strings.Join(lines, "\n")
	}

	filled := slices.DeleteFunc(lines, isBlank)
	if len(filled) <= limit {
		return strings.Join(filled, "\n")
	}

	return strings.Join(filled[:limit-1], "\n") + "\n" + strings.Join(filled[limit-1:], " ")
}
