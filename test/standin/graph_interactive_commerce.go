// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"slices"
	"strings"
)

func checkProduct(action *interactiveAction) *problem {
	return first(
		length("Action catalog_id", action.CatalogID, true, 256),
		length("Action product_retailer_id", action.RetailerID, true, 256),
	)
}

func checkProductList(action *interactiveAction) *problem {
	if p := length("Action catalog_id", action.CatalogID, true, 256); p != nil {
		return p
	}

	if n := len(action.Sections); n < 1 || n > 10 {
		return refused(131009, "Invalid sections count. Min: 1, Max: 10, got: %d", n)
	}

	products := 0
	for _, section := range action.Sections {
		if p := length("Section title", section.Title, len(action.Sections) > 1, 24); p != nil {
			return p
		}

		if len(section.Products) == 0 {
			return refused(131008, "Section product_items is required")
		}

		for _, product := range section.Products {
			if p := length("product_retailer_id", product.RetailerID, true, 256); p != nil {
				return p
			}
		}

		products += len(section.Products)
	}

	if products > 30 {
		return refused(131009, "Total product count exceed max allowed count. Min: 1, Max: 30, got: %d", products)
	}

	return nil
}

type carouselCard struct {
	Index  *int `json:"card_index"`
	Type   string
	Header *interactiveHeader
	Body   *struct{ Text string }
	Action *interactiveAction
}

// form returns what has to be the same for all cards of a carousel: the type, and the number of buttons or the catalog.
func (c carouselCard) form() [3]any {
	return [3]any{c.Type, len(c.Action.Buttons), c.Action.CatalogID}
}

func checkCarousel(action *interactiveAction) *problem {
	if n := len(action.Cards); n < 2 || n > 10 {
		return refused(131009, "Invalid cards count. Min: 2, Max: 10, got: %d", n)
	}

	seen := map[int]bool{}
	for _, card := range action.Cards {
		if card.Index == nil || *card.Index < 0 || *card.Index > 9 || seen[*card.Index] {
			return refused(131009, "Card index is missing, duplicated or not in 0 to 9")
		}

		seen[*card.Index] = true

		if p := card.check(); p != nil {
			return p
		}

		if card.form() != action.Cards[0].form() {
			return refused(131009, "Cards must have the same type and number of buttons, and the same catalog_id")
		}
	}

	return nil
}

func (c carouselCard) check() *problem {
	if c.Action == nil {
		return refused(131008, "Card action is required")
	}

	switch c.Type {
	case "product":
		if c.Header != nil || c.Body != nil {
			return refused(131009, "A product card has neither header nor body")
		}

		return checkProduct(c.Action)
	case "cta_url":
		return first(c.checkMedia(), c.checkBody(), c.checkButtons())
	default:
		return refused(131009, "Card type %q is not known", c.Type)
	}
}

func (c carouselCard) checkMedia() *problem {
	if c.Header == nil {
		return refused(131008, "Card header is required")
	}

	return checkHeader(
		interactiveObject{Type: "carousel", Header: c.Header},
		interactiveKind{headers: []string{"image", "video"}},
	)
}

func (c carouselCard) checkBody() *problem {
	if c.Body == nil {
		return nil
	}

	if strings.Count(c.Body.Text, "\n") > 2 {
		return refused(131009, "Card body text has more than 2 line breaks")
	}

	return length("Card body text", c.Body.Text, true, 160)
}

func (c carouselCard) checkButtons() *problem {
	if len(c.Action.Buttons) == 0 {
		return checkLink(c.Action)
	}

	if c.Action.Parameters != nil {
		return refused(131009, "A card has either a URL button or quick-reply buttons")
	}

	var ids []string

	for _, button := range c.Action.Buttons {
		if button.Type != "quick_reply" || slices.Contains(ids, button.QuickReply.ID) {
			return refused(131009, "Card button is not of type quick_reply, or its id is duplicated")
		}

		ids = append(ids, button.QuickReply.ID)

		p := first(
			length("Card button id", button.QuickReply.ID, true, 256),
			length("Card button title", button.QuickReply.Title, true, 20),
		)
		if p != nil {
			return p
		}
	}

	return nil
}
