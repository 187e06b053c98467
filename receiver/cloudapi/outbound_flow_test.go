// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFlows(t *testing.T) {
	flow := func(change func(*FlowContent)) FlowContent {
		content := FlowContent{
			Frame: Frame{Text: "t"},
			Label: "Book",
			ID:    "7",
		}
		change(&content)

		return content
	}
	object := func(parameters string) string {
		return `{"type":"flow","body":{"text":"t"},"action":{"name":"flow","parameters":{"flow_message_version":"3",` + parameters + `}}}`
	}

	checkEncoded(t, "interactive", map[string]encodedContent{
		"by id, the callback is the token": {
			content: flow(func(*FlowContent) {}),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"Book"`),
		},
		"by name, a draft": {
			content: flow(func(c *FlowContent) {
				c.ID = ""
				c.Name = "booking"
				c.Token = "mine"
				c.Mode = "draft"
			}),
			want: object(`"flow_token":"mine","flow_name":"booking","flow_cta":"Book","mode":"draft"`),
		},
		"to a screen with data": {
			content: flow(func(c *FlowContent) { c.Screen = "FIRST"; c.Data = json.RawMessage(`{"a":[1]}`) }),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"Book","flow_action":"navigate","flow_action_payload":{"screen":"FIRST","data":{"a":[1]}}`),
		},
		"with data of its endpoint": {
			content: flow(func(c *FlowContent) { c.Action = "data_exchange" }),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"Book","flow_action":"data_exchange"`),
		},
		"emoji in the label": {
			content: flow(func(c *FlowContent) { c.Label = "📅 Book 👩‍🔬 now 5️⃣ ©" }),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"Book now ©"`),
		},
		"a label of 21 characters": {
			content: flow(func(c *FlowContent) { c.Label = strings.Repeat("é", 21) }),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"` + strings.Repeat("é", 20) + `"`),
			cut:     1,
		},
	})
	checkUnfit(t, map[string]Content{
		"the text above the flow is empty":  flow(func(c *FlowContent) { c.Text = " " }),
		"has 1025 characters":               flow(func(c *FlowContent) { c.Text = strings.Repeat("t", 1025) }),
		"either its id or its name":         flow(func(c *FlowContent) { c.ID = "" }),
		"and not both":                      flow(func(c *FlowContent) { c.Name = secret }),
		"an unknown mode":                   flow(func(c *FlowContent) { c.Mode = secret }),
		"an unknown action":                 flow(func(c *FlowContent) { c.Action = secret }),
		"give neither screen nor data":      flow(func(c *FlowContent) { c.Action = "data_exchange"; c.Screen = secret }),
		"not a JSON object with a property": flow(func(c *FlowContent) { c.Data = json.RawMessage(`{}`) }),
		"data is not a JSON object":         flow(func(c *FlowContent) { c.Data = json.RawMessage(`["` + secret + `"]`) }),
		"the flow has no label":             flow(func(c *FlowContent) { c.Label = "📅" }),
	})
}

func TestRequests(t *testing.T) {
	checkEncoded(t, "interactive", map[string]encodedContent{
		"location": {
			content: RequestContent{For: RequestLocation, Text: "Where?"},
			want:    `{"type":"location_request_message","body":{"text":"Where?"},"action":{"name":"send_location"}}`,
		},
		"contact": {
			content: RequestContent{For: RequestContact, Text: "Who?"},
			want:    `{"type":"request_contact_info","body":{"text":"Who?"},"action":{"name":"request_contact_info"}}`,
		},
		"call": {
			content: RequestContent{For: RequestCall, Text: "May we?"},
			want:    `{"type":"call_permission_request","body":{"text":"May we?"},"action":{"name":"call_permission_request"}}`,
		},
		"call without a text": {
			content: RequestContent{For: RequestCall, Text: " "},
			want:    `{"type":"call_permission_request","action":{"name":"call_permission_request"}}`,
		},
	})
	checkUnfit(t, map[string]Content{
		"the text above the request is empty": RequestContent{For: RequestLocation},
		"has 1025 characters":                 RequestContent{For: RequestCall, Text: strings.Repeat("t", 1025)},
		"asks for nothing known":              RequestContent{For: secret, Text: secret},
	})
}
