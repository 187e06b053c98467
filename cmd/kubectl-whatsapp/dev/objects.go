// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"errors"
	"strings"
)

func locationObject(l *Location) (any, error) {
	if l == nil || l.Latitude < -90 || l.Latitude > 90 || l.Longitude < -180 || l.Longitude > 180 {
		return nil, errors.New("location needs a latitude from -90 to 90 and a longitude from -180 to 180")
	}

	return l, nil // the fields have Meta's names
}

func contactObjects(contacts []Contact) (any, error) {
	if len(contacts) < 1 || len(contacts) > 20 {
		return nil, errors.New("contacts must have 1 to 20 cards")
	}

	var cards []map[string]any

	for _, c := range contacts {
		if err := checkText("the name of a contact", c.Name, 1, 100); err != nil {
			return nil, err
		}

		first, _, _ := strings.Cut(c.Name, " ")
		card := map[string]any{"name": map[string]string{"formatted_name": c.Name, "first_name": first}}

		if c.Phone != "" {
			card["phones"] = []map[string]string{{
				"phone": c.Phone,
				"wa_id": onlyDigits(c.Phone),
				"type":  "CELL",
			}}
		}

		if c.Email != "" {
			card["emails"] = []map[string]string{{"email": c.Email, "type": "WORK"}}
		}

		if c.Company != "" {
			card["org"] = map[string]string{"company": c.Company}
		}

		cards = append(cards, card)
	}

	return cards, nil
}

func onlyDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}

		return -1
	}, text)
}

func orderedProducts(products []Product) []Product {
	if len(products) == 0 {
		products = []Product{{ID: "sku-1", Quantity: 2, Price: 30.5}, {ID: "sku-2", Price: 25}}
	}

	complete := make([]Product, len(products))

	for i, p := range products {
		p.Catalog = catalogOr(p.Catalog)
		p.Quantity = max(p.Quantity, 1)

		if p.Currency == "" {
			p.Currency = "COP"
		}

		complete[i] = p
	}

	return complete
}

func catalogOr(id string) string {
	if id == "" {
		return catalogID
	}

	return id
}

func orderObject(text string, products []Product) any {
	var items []map[string]any

	for _, p := range products {
		items = append(items, map[string]any{
			"product_retailer_id": p.ID,
			"quantity":            p.Quantity,
			"item_price":          p.Price,
			"currency":            p.Currency,
		})
	}

	return map[string]any{
		"catalog_id":    products[0].Catalog,
		"text":          text,
		"product_items": items,
	}
}
