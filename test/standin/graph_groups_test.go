// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"testing"
)

// TestMessagesToGroups lets only those types through that Meta takes in groups, and only ids of groups.
func TestMessagesToGroups(t *testing.T) {
	const group = "Y2FwaV9ncm91cA"

	graph := NewGraph(GraphOptions{})
	url, client := start(t, graph)

	for name, tc := range map[string]struct {
		to, kind, fields string
		code             int // 0 if it is accepted
	}{
		"text":             {to: group, fields: `"type":"text","text":{"body":"hi"}`},
		"image":            {to: group, fields: `"type":"image","image":{"id":"1"}`},
		"sticker":          {to: group, fields: `"type":"sticker","sticker":{"id":"1"}`},
		"template":         {to: group, fields: `"type":"template","template":{"name":"hello","language":{"code":"es"}}`},
		"buttons":          {to: group, fields: `"type":"interactive","interactive":{"body":{"text":"?"},` + buttons(1) + `}`, code: 131051},
		"location":         {to: group, fields: `"type":"location","location":{"latitude":0,"longitude":1}`, code: 131051},
		"contacts":         {to: group, fields: `"type":"contacts","contacts":[{"name":{"formatted_name":"Ana"}}]`, code: 131051},
		"reaction":         {to: group, fields: `"type":"reaction","reaction":{"message_id":"wamid.x","emoji":"x"}`, code: 131051},
		"a phone number":   {to: "573001234567", fields: `"text":{"body":"hi"}`, code: 131041},
		"a user id":        {to: "US.1", fields: `"text":{"body":"hi"}`, code: 131041},
		"named a person":   {to: group, kind: "individual", fields: `"text":{"body":"hi"}`, code: 131009},
		"no type of party": {to: group, kind: "-", fields: `"text":{"body":"hi"}`, code: 131009},
	} {
		t.Run(name, func(t *testing.T) {
			party := `"recipient_type":"group",`

			switch tc.kind {
			case "":
			case "-":
				party = ""
			default:
				party = `"recipient_type":"` + tc.kind + `",`
			}

			body := `{"messaging_product":"whatsapp",` + party + `"to":"` + tc.to + `",` + tc.fields + `}`

			status, answer := do(t, client, request(t, http.MethodPost, url+"/v27.0/1/messages", body, "Authorization", "Bearer t"))
			if (status == http.StatusOK) != (tc.code == 0) || (tc.code != 0 && errorCode(t, answer) != tc.code) {
				t.Errorf("answered %d %s, want code %d", status, answer, tc.code)
			}
		})
	}
}

// TestUserIDsGoInRecipient refuses user ids in the field for phone numbers, as Meta does.
func TestUserIDsGoInRecipient(t *testing.T) {
	graph := NewGraph(GraphOptions{})
	url, client := start(t, graph)

	for to, code := range map[string]int{
		`"to":"+US.1234"`:        131009,
		`"to":"US.1234"`:         131009,
		`"recipient":"+US.1234"`: 131009,
		`"recipient":"57300123"`: 131009,
		`"recipient":"US.1234"`:  0,
		// Meta takes the phone number if a send has both.
		`"to":"573001234567","recipient":"US.1234"`: 0,
	} {
		status, answer := do(t, client, request(t, http.MethodPost, url+"/v27.0/1/messages",
			`{"messaging_product":"whatsapp",`+to+`,"text":{"body":"hi"}}`, "Authorization", "Bearer t"))
		if (status == http.StatusOK) != (code == 0) || (code != 0 && errorCode(t, answer) != code) {
			t.Errorf("%s answered %d %s, want code %d", to, status, answer, code)
		}
	}
}
