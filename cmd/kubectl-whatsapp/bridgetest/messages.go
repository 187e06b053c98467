// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	_ "embed" // the samples
	"encoding/json"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// status returns the report of a status of a message of the business.
func (p *person) status(status string) assistant.Request {
	body := assistant.StatusNotification{
		Common:      p.common(),
		Status:      status,
		RecipientID: new(p.number),
	}

	switch status {
	case "sent", "delivered":
		body.Pricing = json.RawMessage(`{"billable":true,"pricing_model":"PMP","type":"regular","category":"service"}`)
	case "failed":
		body.Errors = json.RawMessage(`[{"code":131026,"title":"Message undeliverable"}]`)
	case "captured":
		body.Type = "payment"
		body.Payment = json.RawMessage(`{"reference_id":"o-1","amount":{"value":800,"offset":100},"currency":"INR"}`)
	}

	return assistant.Request{
		Method:  assistant.NotifyStatus,
		Attempt: 1,
		Body:    body,
	}
}

// message returns a request of a method without media, other than a text or a status.
func (p *person) message(m assistant.Method) assistant.Request {
	common := p.common()
	request := assistant.Request{Method: m, Attempt: 1}

	switch m {
	case assistant.ProcessLocation:
		request.Text = "4.6,-74.08 Office"
		request.Body = assistant.LocationMessage{
			Common:   common,
			Location: assistant.Location{Latitude: 4.6, Longitude: -74.08, Name: "Office"},
		}
	case assistant.ProcessContacts:
		card := json.RawMessage(`{"name":{"formatted_name":"Ben","first_name":"Ben"},"phones":[{"phone":"+1 555-010-0001","type":"CELL"}]}`)
		request.Text = "[contact Ben]"
		request.Body = assistant.ContactsMessage{Common: common, Contacts: []json.RawMessage{card}}
	case assistant.ProcessButton:
		request.Text = "Tea"
		request.Body = assistant.ButtonInteraction{
			Common:      common,
			ButtonID:    "tea",
			ButtonTitle: "Tea",
			Source:      assistant.FromInteractive,
		}
	case assistant.ProcessList:
		request.Text = "Tea"
		request.Body = assistant.ListInteraction{
			Common:          common,
			ListID:          "tea",
			ListTitle:       "Tea",
			ListDescription: "with milk",
		}
	case assistant.ProcessFlow:
		request.Text = "[form]"
		request.Body = assistant.FlowResponse{
			Common:   common,
			FlowName: "flow",
			Response: json.RawMessage(`{"flow_token":"t-1","size":"large"}`),
		}
	case assistant.ProcessOrder:
		request.Text = "[order of 1 product]"
		request.Body = assistant.OrderMessage{
			Common: common,
			Order: json.RawMessage(`{"catalog_id":"1","text":"","product_items":[` +
				`{"product_retailer_id":"coffee","quantity":2,"item_price":4,"currency":"USD"}]}`),
		}
	default:
		request.Text, request.Body = p.changeOrOther(m, common)
	}

	return request
}

// changeOrOther returns the text and the body of a request about a change of a message, or about a message without a method
// of its own.
func (p *person) changeOrOther(m assistant.Method, common assistant.Common) (text string, body assistant.Body) {
	switch m {
	case assistant.ProcessEdit:
		text = "holla"
		body = assistant.EditedMessage{
			Common:     common,
			OriginalID: standin.Wamid(p.seed),
			Type:       "text",
			Text:       "holla",
		}
	case assistant.ProcessRevoke:
		text = "[deleted message]"
		body = assistant.RevokedMessage{Common: common, OriginalID: standin.Wamid(p.seed)}
	case assistant.ProcessUndelivered:
		text = "[a message that WhatsApp could not deliver]"
		body = assistant.UndeliveredMessage{
			Common:  common,
			Type:    "unsupported",
			Errors:  json.RawMessage(`[{"code":131051,"title":"Message type unknown"}]`),
			Message: json.RawMessage(`{"id":"wamid.unsupported","type":"unsupported"}`),
		}
	case assistant.ProcessOther:
		text = "[sticker]"
		body = assistant.OtherMessage{
			Common:  common,
			Type:    "sticker",
			Message: json.RawMessage(`{"id":"wamid.sticker","type":"sticker","sticker":{"id":"1","mime_type":"image/webp"}}`),
		}
	}

	return text, body
}
