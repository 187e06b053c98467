// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const orderDelivery = `"messages":[{"from":"` + ana + `","id":"wamid.order","type":"order","order":
	{"catalog_id":"1","text":"Please","product_items":[{"product_retailer_id":"rose","quantity":2,"item_price":7.5,"currency":"USD"}]}}]`

// TestOrders delivers a cart to bridges that have the method for it and to bridges of before it.
func TestOrders(t *testing.T) {
	off := config.Endpoint{Enabled: new(false)}
	on := config.Endpoint{Enabled: new(true)}

	for name, tc := range map[string]struct {
		endpoints map[string]config.Endpoint
		refusal   int // of process_order
		asked     []string
		sent      int
		state     store.State
	}{
		"a bridge with the method": {asked: []string{"process_order"}, sent: 1, state: store.Done},
		"a bridge without it": {
			refusal: http.StatusNotFound,
			asked:   []string{"process_order"},
			state:   store.Skipped,
		},
		"a bridge without it, and with another for all that is unknown": {
			endpoints: map[string]config.Endpoint{"process_other_message": on},
			refusal:   http.StatusNotImplemented,
			asked:     []string{"process_order", "process_other_message"},
			sent:      1,
			state:     store.Done,
		},
		"switched off": {
			endpoints: map[string]config.Endpoint{"process_order": off},
			state:     store.Skipped,
		},
		"switched off in favor of the other": {
			endpoints: map[string]config.Endpoint{"process_order": off, "process_other_message": on},
			asked:     []string{"process_other_message"},
			sent:      1,
			state:     store.Done,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Bird.Endpoints = tc.endpoints })
			h.reply = func(method string, request map[string]any) any {
				if method == "process_order" && tc.refusal != 0 {
					return standin.Answer{Status: tc.refusal}
				}

				return standin.EchoReply(method, request)
			}
			h.start()
			h.deliver(http.StatusOK, messagesDelivery(orderDelivery))
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.text", "hello")) // waits for the order
			h.waitIdle()
			h.waitSent(tc.sent + 1)

			var asked []string

			for _, call := range h.birdRequests() {
				if call.Method != "process_text_message" {
					asked = append(asked, call.Method)
				}
			}

			if diff := cmp.Diff(tc.asked, asked); diff != "" {
				t.Errorf("methods asked (-want +got):\n%s", diff)
			}

			if got := h.record("wamid.order").Event.State; got != tc.state {
				t.Errorf("state = %s, want %s", got, tc.state)
			}
		})
	}
}

func TestOrderIsToldAsMetaSentIt(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, messagesDelivery(orderDelivery))
	h.waitIdle()

	want := map[string]any{
		"catalog_id": "1",
		"text":       "Please",
		"product_items": []any{map[string]any{
			"product_retailer_id": "rose",
			"quantity":            2.0,
			"item_price":          7.5,
			"currency":            "USD",
		}},
	}
	if diff := cmp.Diff(want, h.birdRequests()[0].Payload["order"]); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
