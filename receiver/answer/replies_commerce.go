// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"errors"
)

// product decodes a product of a catalog.
type product struct {
	CatalogID  identifier `json:"catalog_id"`
	RetailerID identifier `json:"product_retailer_id"`
}

func (p product) check() (*Product, error) {
	if p.CatalogID == "" || p.RetailerID == "" {
		return nil, errors.New("a product without catalog_id or product_retailer_id")
	}

	return &Product{CatalogID: string(p.CatalogID), RetailerID: string(p.RetailerID)}, nil
}

func readProduct(a *parser, raw json.RawMessage) error {
	var m struct {
		product
		Text   text `json:"text"`
		Footer text `json:"footer"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	product, err := m.check()
	if err != nil {
		return err
	}

	a.Replies = append(a.Replies, Reply{
		Kind:    KindProduct,
		Text:    string(m.Text),
		Footer:  string(m.Footer),
		Product: product,
	})

	return nil
}

func readProducts(a *parser, raw json.RawMessage) error {
	var m struct {
		frame
		CatalogID identifier `json:"catalog_id"`
		Sections  list[struct {
			Title text              `json:"title"`
			Items list[productItem] `json:"product_items"`
		}] `json:"sections"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	reply, err := m.reply(KindProducts)
	if err != nil {
		return err
	}

	reply.Products = &Products{CatalogID: string(m.CatalogID)}
	for _, s := range m.Sections {
		section := ProductSection{Title: string(s.Title)}
		for _, item := range s.Items {
			section.RetailerIDs = append(section.RetailerIDs, string(item))
		}

		reply.Products.Sections = append(reply.Products.Sections, section)
	}

	a.Replies = append(a.Replies, reply)

	return nil
}

// productItem decodes a product of a list: its id, or an object with product_retailer_id.
type productItem string

// UnmarshalJSON decodes a product of a list.
func (p *productItem) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' {
		return json.Unmarshal(raw, (*identifier)(p))
	}

	var object product
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}

	*p = productItem(object.RetailerID)

	return nil
}

func readCatalog(a *parser, raw json.RawMessage) error {
	var m struct {
		Text      text       `json:"text"`
		Footer    text       `json:"footer"`
		Thumbnail identifier `json:"thumbnail_product_retailer_id"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	a.Replies = append(a.Replies, Reply{
		Kind:      KindCatalog,
		Text:      string(m.Text),
		Footer:    string(m.Footer),
		Thumbnail: string(m.Thumbnail),
	})

	return nil
}

func readCarousel(a *parser, raw json.RawMessage) error {
	var m struct {
		Text  text                  `json:"text"`
		Cards list[json.RawMessage] `json:"cards"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	reply := Reply{Kind: KindCarousel, Text: string(m.Text)}
	for _, raw := range m.Cards {
		if !filled(raw) {
			continue
		}

		card, err := readCard(raw)
		if err != nil {
			return err
		}

		reply.Cards = append(reply.Cards, card)
	}

	a.Replies = append(a.Replies, reply)

	return nil
}

func readCard(raw json.RawMessage) (Card, error) {
	var m struct {
		frame
		product
		ButtonText text    `json:"button_text"`
		URL        text    `json:"url"`
		Buttons    options `json:"buttons"`
	}
	if err := Decode(raw, &m); err != nil {
		return Card{}, err
	}

	var err error

	if m.RetailerID != "" || m.CatalogID != "" {
		var card Card

		card.Product, err = m.check()

		return card, err
	}

	reply, err := m.reply(KindCarousel)
	if err != nil {
		return Card{}, err
	}

	card := Card{
		Media:   reply.HeaderMedia,
		Text:    reply.Text,
		Buttons: m.Buttons,
	}

	if m.URL != "" {
		card.Link, err = linkOf(string(m.ButtonText), string(m.URL))
	}

	return card, err
}
