// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"strings"
	"testing"
)

func TestProducts(t *testing.T) {
	rose := Product{CatalogID: "1", RetailerID: "rose"}
	list := func(change func(*ProductListContent)) ProductListContent {
		content := ProductListContent{
			Frame:     Frame{Text: "t", Header: "H"},
			CatalogID: "1",
			Sections:  []ProductSection{{RetailerIDs: []string{"rose", "fern"}}},
		}
		change(&content)

		return content
	}
	sections := func(n, products int) []ProductSection {
		all := make([]ProductSection, n)
		for i := range all {
			all[i] = ProductSection{Title: "S", RetailerIDs: make([]string, products)}
			for j := range all[i].RetailerIDs {
				all[i].RetailerIDs[j] = "a"
			}
		}

		return all
	}

	checkEncoded(t, "interactive", map[string]encodedContent{
		"a product": {
			content: ProductContent{
				Text:    "t",
				Footer:  "F",
				Product: rose,
			},
			want: `{"type":"product","body":{"text":"t"},"footer":{"text":"F"},"action":{"catalog_id":"1","product_retailer_id":"rose"}}`,
		},
		"a product alone": {
			content: ProductContent{Product: rose},
			want:    `{"type":"product","action":{"catalog_id":"1","product_retailer_id":"rose"}}`,
		},
		"a list of products": {
			content: list(func(c *ProductListContent) {
				c.Sections = append(c.Sections, ProductSection{}, ProductSection{Title: strings.Repeat("s", 25), RetailerIDs: []string{"oak"}})
				c.Sections[0].Title = "Small"
			}),
			want: `{"type":"product_list","header":{"type":"text","text":"H"},"body":{"text":"t"},"action":{"sections":[{"title":"Small","product_items":[{"product_retailer_id":"rose"},{"product_retailer_id":"fern"}]},{"title":"` + strings.Repeat("s", 24) + `","product_items":[{"product_retailer_id":"oak"}]}],"catalog_id":"1"}}`,
			cut:  1,
		},
		"a catalog": {
			content: CatalogContent{Text: "t", Footer: "F"},
			want:    `{"type":"catalog_message","body":{"text":"t"},"footer":{"text":"F"},"action":{"name":"catalog_message"}}`,
		},
		"a catalog with a picture": {
			content: CatalogContent{Text: "t", Thumbnail: "rose"},
			want:    `{"type":"catalog_message","body":{"text":"t"},"action":{"name":"catalog_message","parameters":{"thumbnail_product_retailer_id":"rose"}}}`,
		},
	})
	checkUnfit(t, map[string]Content{
		"the product needs the id of its catalog": ProductContent{Product: Product{RetailerID: secret}},
		"the text below the product":              ProductContent{Text: strings.Repeat("t", 1025), Product: rose},
		"the text above the products is empty":    list(func(c *ProductListContent) { c.Text = "" }),
		"the list of products has no header":      list(func(c *ProductListContent) { c.Header = "" }),
		"has a file in its header":                list(func(c *ProductListContent) { c.HeaderMedia = &MediaContent{Type: "image", ID: secret} }),
		"needs the id of its catalog":             list(func(c *ProductListContent) { c.CatalogID = "" }),
		"the list has 0 products":                 list(func(c *ProductListContent) { c.Sections = nil }),
		"the list has 31 products":                list(func(c *ProductListContent) { c.Sections = sections(1, 31) }),
		"has 11 sections":                         list(func(c *ProductListContent) { c.Sections = sections(11, 1) }),
		"product 2 of the list has no id":         list(func(c *ProductListContent) { c.Sections[0].RetailerIDs[1] = "" }),
		"section 2 of the list of products has no title": list(func(c *ProductListContent) {
			c.Sections = sections(2, 1)
			c.Sections[1].Title = ""
		}),
		"the text above the catalog is empty": CatalogContent{},
	})
}

func TestCarousels(t *testing.T) {
	image := &MediaContent{Type: "image", Link: "https://a.example/b.jpg"}
	open := &CardLink{Label: "Open", URL: "https://a.example"}
	carousel := func(cards ...Card) CarouselContent { return CarouselContent{Text: "t", Cards: cards} }
	object := func(cards string) string {
		return `{"type":"carousel","body":{"text":"t"},"action":{"cards":[` + cards + `]}}`
	}
	header := `"header":{"type":"image","image":{"link":"https://a.example/b.jpg"}}`

	checkEncoded(t, "interactive", map[string]encodedContent{
		"links": {
			content: carousel(
				Card{
					Media: image,
					Text:  " *A*\n\nfine\n\nplant\nfor you ",
					Link:  open,
				},
				Card{
					Media: &MediaContent{Type: "video", ID: "7"},
					Text:  strings.Repeat("t", 161),
					Link:  open,
				},
			),
			want: object(`{"card_index":0,"type":"cta_url",` + header + `,"body":{"text":"*A*\nfine\nplant for you"},"action":{"name":"cta_url","parameters":{"display_text":"Open","url":"https://a.example"}}},` +
				`{"card_index":1,"type":"cta_url","header":{"type":"video","video":{"id":"7"}},"body":{"text":"` + strings.Repeat("t", 160) + `"},"action":{"name":"cta_url","parameters":{"display_text":"Open","url":"https://a.example"}}}`),
			cut: 1,
		},
		"buttons": {
			content: carousel(Card{Media: image, Buttons: buttons("A")}, Card{Media: image, Buttons: buttons("B")}),
			want: object(`{"card_index":0,"type":"cta_url",` + header + `,"action":{"buttons":[{"type":"quick_reply","quick_reply":{"id":"a","title":"A"}}]}},` +
				`{"card_index":1,"type":"cta_url",` + header + `,"action":{"buttons":[{"type":"quick_reply","quick_reply":{"id":"a","title":"B"}}]}}`),
		},
		"products": {
			content: carousel(Card{Product: &Product{CatalogID: "1", RetailerID: "a"}}, Card{Product: &Product{CatalogID: "1", RetailerID: "b"}}),
			want: object(`{"card_index":0,"type":"product","action":{"catalog_id":"1","product_retailer_id":"a"}},` +
				`{"card_index":1,"type":"product","action":{"catalog_id":"1","product_retailer_id":"b"}}`),
		},
	})

	card := Card{
		Media: image,
		Text:  secret,
		Link:  open,
	}
	twice := func(change func(*Card)) CarouselContent {
		changed := card
		change(&changed)

		return carousel(changed, changed)
	}
	product := func(catalog, id string) Card { return Card{Product: &Product{CatalogID: catalog, RetailerID: id}} }

	checkUnfit(t, map[string]Content{
		"the text above the cards is empty":                               CarouselContent{Cards: []Card{card, card}},
		"there are 1 cards: give 2 to 10":                                 carousel(card),
		"there are 11 cards":                                              carousel(make([]Card, 11)...),
		"card 2 differs from card 1":                                      carousel(card, Card{Media: image, Buttons: buttons("A")}),
		"or a product of one catalog":                                     carousel(product("1", "a"), product("2", "a")),
		"the product of a card needs":                                     carousel(product("1", ""), product("1", "b")),
		"card 1 has no picture":                                           twice(func(c *Card) { c.Media = nil }),
		"card 1 has no picture: give it an image":                         twice(func(c *Card) { c.Media = &MediaContent{Type: "document", ID: secret} }),
		"card 1 needs either a link or 1 to 3":                            twice(func(c *Card) { c.Link = nil }),
		"card 1 needs either a link":                                      twice(func(c *Card) { c.Buttons = buttons("A") }),
		"a card has no absolute http or https URL":                        twice(func(c *Card) { c.Link = &CardLink{Label: "A", URL: secret} }),
		"a card has no label":                                             twice(func(c *Card) { c.Link = &CardLink{URL: "https://a.example"} }),
		"card 1 has a file, a text, a link or buttons beside its product": twice(func(c *Card) { c.Product = &Product{CatalogID: "1", RetailerID: "a"} }),
		"buttons 1 and 2 have the same id": twice(func(c *Card) {
			c.Link = nil
			c.Buttons = []ReplyButton{{ID: "a", Title: "A"}, {ID: "a", Title: "B"}}
		}),
	})
}
