// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"strings"
	"testing"
)

// sendEach sends messages, and compares the code of the error that each leads to; 0 stands for none.
func sendEach(t *testing.T, messages map[string]int) {
	t.Helper()

	url, client := start(t, NewGraph(GraphOptions{}))

	for body, want := range messages {
		r := request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/messages", body, "Authorization", "Bearer t")

		status, answer := do(t, client, r)
		if got := errorCode(t, answer); got != want || (status == http.StatusOK) != (want == 0) {
			t.Errorf("%s: %d %s, want code %d", body, status, answer, want)
		}
	}
}

// TestSendHeaderChecks also covers the messages with a link, whose headers are those of buttons.
func TestSendHeaderChecks(t *testing.T) {
	link := func(header, parameters string) string {
		return interactive(`"type":"cta_url","header":` + header + `,"action":{"name":"cta_url","parameters":` + parameters + `}`)
	}

	const (
		open     = `{"display_text":"Open","url":"https://a.example"}`
		document = `{"type":"document","document":{"id":"7","filename":"a.pdf"}}`
	)

	long := strings.Repeat("ñ", 21)

	sendEach(t, map[string]int{
		link(`null`, open):   0,
		link(document, open): 0,
		link(`{"type":"image","image":{"link":"https://a.example/b"}}`, open): 0,
		link(`{"type":"text","text":"Dates"}`, open):                          0,
		link(`{"type":"text"}`, open):                                         131008,
		link(`{"type":"video"}`, open):                                        131008,
		link(`{"type":"video","video":{}}`, open):                             131009,
		link(`{"type":"audio","audio":{"id":"7"}}`, open):                     131009,
		link(`null`, `{"url":"https://a.example"}`):                           131008,
		link(`null`, `{"display_text":"Open"}`):                               131009,
		link(`null`, `{"display_text":"Open","url":"a.example"}`):             131009,
		link(`null`, `{"display_text":"`+long+`","url":"https://a.example"}`): 131009,
		interactive(`"type":"cta_url","action":{"name":"cta_url"}`):           131008,
		interactive(buttons(1) + `,"header":` + document):                     0,
		interactive(rows(1, `"title":"R"`) + `,"header":` + document):         131009,
	})
}

func TestSendFlowChecks(t *testing.T) {
	flow := func(parameters string) string {
		return interactive(`"type":"flow","action":{"name":"flow","parameters":{` + parameters + `}}`)
	}

	const least = `"flow_message_version":"3","flow_id":"7","flow_cta":"Book"`

	sendEach(t, map[string]int{
		flow(least): 0,
		flow(`"flow_message_version":"3","flow_name":"booking","flow_cta":"Book","mode":"draft"`):         0,
		flow(least + `,"flow_action":"navigate","flow_action_payload":{"screen":"FIRST","data":{"a":1}}`): 0,
		flow(least + `,"flow_action":"data_exchange"`):                                                    0,
		flow(least + `,"flow_action":"data_exchange","flow_action_payload":{"screen":"FIRST"}`):           131009,
		flow(least + `,"flow_action":"navigate","flow_action_payload":{"screen":"FIRST","data":{}}`):      131009,
		flow(least + `,"flow_action":"open"`):                                                             131009,
		flow(least + `,"mode":"test"`):                                                                    131009,
		flow(least + `,"flow_name":"booking"`):                                                            131009,
		flow(`"flow_message_version":"2","flow_id":"7","flow_cta":"Book"`):                                131009,
		flow(`"flow_message_version":"3","flow_id":"7"`):                                                  131008,
		flow(`"flow_message_version":"3","flow_id":"7","flow_cta":"` + strings.Repeat("ñ", 21) + `"`):     131009,
		flow(`"flow_message_version":"3","flow_cta":"Book"`):                                              131009,
		interactive(`"type":"flow","action":{"name":"flow"}`):                                             131008,
	})
}

func TestSendRequestChecks(t *testing.T) {
	bodyless := func(kind, action string) string {
		return message(`"type":"interactive","interactive":{"type":"` + kind + `","action":{"name":"` + action + `"}}`)
	}
	request := func(kind, action, more string) string {
		return interactive(`"type":"` + kind + `","action":{"name":"` + action + `"}` + more)
	}

	sendEach(t, map[string]int{
		request("location_request_message", "send_location", ""):                                     0,
		request("location_request_message", "location", ""):                                          131009,
		request("location_request_message", "send_location", `,"footer":{"text":"f"}`):               131009,
		request("location_request_message", "send_location", `,"header":{"type":"text","text":"h"}`): 131009,
		bodyless("location_request_message", "send_location"):                                        131008,
		request("request_contact_info", "request_contact_info", ""):                                  0,
		bodyless("request_contact_info", "request_contact_info"):                                     131008,
		request("call_permission_request", "call_permission_request", ""):                            0,
		bodyless("call_permission_request", "call_permission_request"):                               0,
		request("call_permission_request", "call_permission_request", `,"footer":{"text":"f"}`):      131009,
		request("catalog_message", "catalog_message", `,"footer":{"text":"f"}`):                      0,
	})
}

func TestSendAddressChecks(t *testing.T) {
	address := func(to, parameters string) string {
		body := interactive(`"type":"address_message","action":{"name":"address_message","parameters":{` + parameters + `}}`)
		return strings.Replace(body, `"to":"+573001234567"`, to, 1)
	}

	const (
		india     = `"to":"+919876543210"`
		singapore = `"recipient":"SG.13491208655302741918"`
	)

	sendEach(t, map[string]int{
		address(india, `"country":"IN","values":{"city":"Mumbai","in_pin_code":"400063"}`):                    0,
		address(singapore, `"country":"SG","saved_addresses":[{"id":"1","value":{"sg_post_code":"018956"}}]`): 0,
		address(india, `"country":"IN","validation_errors":{"in_pin_code":"there is no such code"}`):          0,
		address(india, `"country":"SG"`):                                    131009,
		address(`"to":"+573001234567"`, `"country":"IN"`):                   131009,
		address(india, `"country":"CO"`):                                    131009,
		address(india, `"values":{}`):                                       131009,
		address(india, `"country":"IN","values":{"in_pin_code":"4000631"}`): 131009,
		address(india, `"country":"IN","values":{"unit_number":"7"}`):       131009,
		address(india, `"country":"IN","saved_addresses":[{"value":{}}]`):   131008,
	})
}

func TestSendProductChecks(t *testing.T) {
	product := func(fields string) string {
		return message(`"type":"interactive","interactive":{"type":"product",` + fields + `}`)
	}
	list := func(sections string) string {
		return interactive(`"type":"product_list","header":{"type":"text","text":"Plants"},"action":{"catalog_id":"1","sections":[` + sections + `]}`)
	}
	section := func(title string, items int) string {
		item := `{"product_retailer_id":"a"}`
		return `{"title":"` + title + `","product_items":[` + strings.TrimSuffix(strings.Repeat(item+",", items), ",") + `]}`
	}

	const action = `"action":{"catalog_id":"1","product_retailer_id":"a"}`

	sendEach(t, map[string]int{
		product(action):                                          0,
		product(action + `,"body":{"text":"t"}`):                 0,
		product(action + `,"header":{"type":"text","text":"h"}`): 131009,
		product(`"action":{"catalog_id":"1"}`):                   131008,
		list(section("", 30)):                                    0,
		list(section("A", 15) + "," + section("B", 15)):          0,
		list(section("A", 15) + "," + section("B", 16)):          131009,
		list(section("A", 1) + "," + section("", 1)):             131008,
		list(section("A", 0)):                                    131008,
		list(""):                                                 131009,
		strings.Replace(list(section("A", 1)), `"header":{"type":"text","text":"Plants"},`, "", 1): 131008,
	})
}

func TestSendCarouselChecks(t *testing.T) {
	const (
		picture = `"header":{"type":"image","image":{"link":"https://a.example/b.jpg"}}`
		link    = `"action":{"name":"cta_url","parameters":{"display_text":"Open","url":"https://a.example"}}`
		reply   = `"action":{"buttons":[{"type":"quick_reply","quick_reply":{"id":"a","title":"A"}}]}`
		product = `"action":{"catalog_id":"1","product_retailer_id":"a"}`
	)

	card := func(index, kind, fields string) string {
		return `{"card_index":` + index + `,"type":"` + kind + `",` + fields + `}`
	}
	cards := func(cards ...string) string {
		return interactive(`"type":"carousel","action":{"cards":[` + strings.Join(cards, ",") + `]}`)
	}
	both := func(kind, fields string) string { return cards(card("0", kind, fields), card("1", kind, fields)) }
	body := func(text string) string { return `"body":{"text":"` + text + `"},` }

	sendEach(t, map[string]int{
		both("cta_url", picture+","+link):                                                            0,
		both("cta_url", picture+","+reply):                                                           0,
		both("cta_url", picture+","+body(strings.Repeat("ñ", 160))+link):                             0,
		both("cta_url", picture+","+body(strings.Repeat("ñ", 161))+link):                             131009,
		both("cta_url", picture+","+body(`a\nb\nc\nd`)+link):                                         131009,
		both("product", product):                                                                     0,
		both("product", picture+","+product):                                                         131009,
		both("cta_url", link):                                                                        131008,
		both("cta_url", strings.Replace(picture, `"type":"image"`, `"type":"document"`, 1)+","+link): 131009,
		cards(card("0", "cta_url", picture+","+link)):                                                131009,
		cards(card("0", "cta_url", picture+","+link), card("0", "cta_url", picture+","+link)):        131009,
		cards(card("0", "cta_url", picture+","+link), card("1", "cta_url", picture+","+reply)):       131009,
		cards(card("0", "cta_url", picture+","+link), card("1", "product", product)):                 131009,
		both("cta_url", picture):                                                                     131008,
	})
}
