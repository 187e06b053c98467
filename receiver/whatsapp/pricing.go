// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"bytes"
	"encoding/json"
	"strings"
)

// The types of pricing.
const (
	PricingRegular        = "regular"
	PricingFreeService    = "free_customer_service"
	PricingFreeEntryPoint = "free_entry_point"
)

// Price says how Meta bills a message.
type Price struct {
	Category string // such as service, utility or marketing
	Type     string // such as regular; empty in the older shape
	Billable string // "true", "false", or "unknown" if Meta does not say
}

// Price returns the price of a delivered message. Meta bills a message that is delivered, and sends its pricing with the
// status sent and with one of delivered and read, since a person who reads at once causes no delivered. A message to a
// group is billed for each participant. ok is false for all other statuses.
//
// Sources: https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing and
// https://developers.facebook.com/documentation/business-messaging/whatsapp/groups/pricing
func (s Status) Price() (_ Price, ok bool) {
	if s.Type != "" || (s.Status != "delivered" && s.Status != "read") {
		return Price{}, false
	}

	var pricing struct {
		Category Text            `json:"category"`
		Type     Text            `json:"type"`
		Billable json.RawMessage `json:"billable"`
	}
	if readObject(s.Pricing, &pricing) != nil || pricing.Category == "" {
		return Price{}, false
	}

	price := Price{
		Category: strings.ReplaceAll(strings.ToLower(string(pricing.Category)), "-", "_"),
		Type:     strings.ToLower(string(pricing.Type)),
		Billable: "unknown",
	}

	switch billable := string(bytes.Trim(pricing.Billable, `"`)); {
	case billable == "true" || billable == "false":
		price.Billable = billable
	case price.Type == PricingRegular: // Meta means to drop billable
		price.Billable = "true"
	case price.Type == PricingFreeService || price.Type == PricingFreeEntryPoint:
		price.Billable = "false"
	}

	return price, true
}
