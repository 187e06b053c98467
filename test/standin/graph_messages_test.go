// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const testNumber = "106540352242922"

// message returns a request body with the given fields and the common ones.
func message(fields string) string {
	return `{"messaging_product":"whatsapp","recipient_type":"individual","to":"+573001234567",` + fields + `}`
}

func interactive(fields string) string {
	return message(`"type":"interactive","interactive":{"body":{"text":"Choose"},` + fields + `}`)
}

func buttons(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = `{"type":"reply","reply":{"id":"` + string(rune('a'+i)) + `","title":"Yes"}}`
	}

	return `"type":"button","action":{"buttons":[` + strings.Join(list, ",") + `]}`
}

func rows(n int, row string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = `{"id":"` + string(rune('a'+i)) + `",` + row + `}`
	}

	return `"type":"list","action":{"button":"Open","sections":[{"rows":[` + strings.Join(list, ",") + `]}]}`
}

func TestSendMessageChecks(t *testing.T) {
	long := func(n int) string { return strings.Repeat("ñ", n) }
	graph := NewGraph(GraphOptions{AccessTokens: []string{"token"}, PhoneNumberIDs: []string{testNumber}})

	url, client := start(t, graph)
	for _, tc := range []struct {
		name   string
		body   string
		path   string
		token  string
		status int
		code   int
	}{
		{name: "text", body: message(`"type":"text","text":{"body":"` + long(4096) + `"}`)},
		{name: "type defaults to text", body: message(`"text":{"body":"hi"}`)},
		{name: "business-scoped id", body: `{"messaging_product":"whatsapp","recipient":"US.13491208655302741918","type":"text","text":{"body":"hi"}}`},
		{name: "group", body: `{"messaging_product":"whatsapp","recipient_type":"group","to":"Y2FwaV9","type":"text","text":{"body":"hi"}}`},
		{name: "image by id", body: message(`"type":"image","image":{"id":"1"}`)},
		{name: "location", body: message(`"type":"location","location":{"latitude":0,"longitude":1.5}`)},
		{name: "contacts", body: message(`"type":"contacts","contacts":[{"name":{"formatted_name":"Ana"}}]`)},
		{name: "reaction removed", body: message(`"type":"reaction","reaction":{"message_id":"wamid.x","emoji":""}`)},
		{name: "template", body: message(`"type":"template","template":{"name":"hello","language":{"code":"es"}}`)},
		{name: "three buttons", body: interactive(buttons(3))},
		{name: "ten rows", body: interactive(rows(10, `"title":"Row","description":"`+long(72)+`"`))},
		{name: "flow", body: interactive(`"type":"flow","action":{"name":"flow","parameters":{"flow_message_version":"3","flow_id":"7","flow_cta":"Book"}}`)},
		{name: "read", body: `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.x"}`},
		{name: "typing", body: `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.x","typing_indicator":{"type":"text"}}`},

		{name: "audio with a caption", body: message(`"type":"audio","audio":{"id":"1","caption":"A"}`), status: 400, code: 100},
		{name: "image with a file name", body: message(`"type":"image","image":{"id":"1","filename":"a.png"}`), status: 400, code: 100},
		{name: "no link", body: message(`"type":"image","image":{"link":"a.png"}`), status: 400, code: 100},
		{name: "wrong token", token: "other", body: message(`"text":{"body":"hi"}`), status: 401, code: 190},
		{
			name:   "no version",
			path:   "/" + testNumber + "/messages",
			body:   message(`"text":{"body":"hi"}`),
			status: 400,
			code:   2500,
		},
		{
			name:   "bad version",
			path:   "/26/" + testNumber + "/messages",
			body:   message(`"text":{"body":"hi"}`),
			status: 400,
			code:   2500,
		},
		{
			name:   "unknown number",
			path:   "/v27.0/1/messages",
			body:   message(`"text":{"body":"hi"}`),
			status: 400,
			code:   100,
		},
		{name: "invalid JSON", body: `{`, status: 400, code: 100},
		{name: "an array", body: `[]`, status: 400, code: 100},
		{name: "empty", body: ``, status: 400, code: 100},
		{name: "no product", body: `{"to":"+573001234567","text":{"body":"hi"}}`, status: 400, code: 100},
		{name: "no recipient", body: `{"messaging_product":"whatsapp","text":{"body":"hi"}}`, status: 400, code: 100},
		{
			name:   "bad phone number",
			body:   `{"messaging_product":"whatsapp","to":"ana","text":{"body":"hi"}}`,
			status: 400,
			code:   131009,
		},
		{
			name:   "bad business-scoped id",
			body:   `{"messaging_product":"whatsapp","recipient":"573001234567","text":{"body":"hi"}}`,
			status: 400,
			code:   131009,
		},
		{name: "unknown type", body: message(`"type":"poll","poll":{}`), status: 400, code: 100},
		{name: "no object", body: message(`"type":"image"`), status: 400, code: 100},
		{name: "null object", body: message(`"type":"text","text":null`), status: 400, code: 100},
		{name: "object of the wrong JSON type", body: message(`"type":"image","image":["x"]`), status: 400, code: 100},
		{name: "empty text", body: message(`"text":{"body":""}`), status: 400, code: 100},
		{name: "long text", body: message(`"text":{"body":"` + long(4097) + `"}`), status: 400, code: 100},
		{
			name:   "long callback data",
			body:   message(`"text":{"body":"x"},"biz_opaque_callback_data":"` + long(513) + `"`),
			status: 400,
			code:   100,
		},
		{name: "image without id and link", body: message(`"type":"image","image":{}`), status: 400, code: 131009},
		{
			name:   "long caption",
			body:   message(`"type":"image","image":{"id":"1","caption":"` + long(1025) + `"}`),
			status: 400,
			code:   131009,
		},
		{
			name:   "location without longitude",
			body:   message(`"type":"location","location":{"latitude":1}`),
			status: 400,
			code:   131008,
		},
		{name: "four buttons", body: interactive(buttons(4)), status: 400, code: 131009},
		{name: "no buttons", body: interactive(buttons(0)), status: 400, code: 131009},
		{
			name:   "the same button twice",
			body:   interactive(strings.Replace(buttons(2), `"b"`, `"a"`, 1)),
			status: 400,
			code:   131009,
		},
		{
			name:   "long button title",
			body:   interactive(strings.Replace(buttons(1), "Yes", long(21), 1)),
			status: 400,
			code:   131009,
		},
		{
			name:   "long footer",
			body:   interactive(buttons(1) + `,"footer":{"text":"` + long(61) + `"}`),
			status: 400,
			code:   131009,
		},
		{name: "eleven rows", body: interactive(rows(11, `"title":"Row"`)), status: 400, code: 131009},
		{name: "long row title", body: interactive(rows(1, `"title":"`+long(25)+`"`)), status: 400, code: 131009},
		{
			name:   "long row description",
			body:   interactive(rows(1, `"title":"R","description":"`+long(73)+`"`)),
			status: 400,
			code:   131009,
		},
		{
			name:   "list with an image header",
			body:   interactive(rows(1, `"title":"R"`) + `,"header":{"type":"image"}`),
			status: 400,
			code:   131009,
		},
		{name: "no action", body: interactive(`"type":"button"`), status: 400, code: 131008},
		{name: "unknown interactive", body: interactive(`"type":"carousel","action":{}`), status: 400, code: 131009},
		{
			name:   "no body",
			body:   message(`"type":"interactive","interactive":{` + buttons(1) + `}`),
			status: 400,
			code:   131008,
		},
		{
			name:   "unknown status",
			body:   `{"messaging_product":"whatsapp","status":"seen","message_id":"wamid.x"}`,
			status: 400,
			code:   100,
		},
		{name: "read of nothing", body: `{"messaging_product":"whatsapp","status":"read"}`, status: 400, code: 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := "/v27.0/" + testNumber + "/messages"
			token := "token"

			if tc.path != "" {
				path = tc.path
			}

			if tc.token != "" {
				token = tc.token
			}

			want := tc.status
			if want == 0 {
				want = http.StatusOK
			}

			before := graph.SentLog.Total()

			r := request(t, http.MethodPost, url+path, tc.body, "Authorization", "Bearer "+token)
			status, body := do(t, client, r)

			if status != want || errorCode(t, body) != tc.code {
				t.Errorf("%d %s, want %d and code %d", status, body, want, tc.code)
			}

			if sent := graph.SentLog.Total() > before; sent != (want == 200 && !strings.Contains(body, "success")) {
				t.Errorf("sent: %t after %s", sent, body)
			}
		})
	}
}

func TestSendMessageAnswersAndRecords(t *testing.T) {
	var sink []SentMessage

	graph := NewGraph(GraphOptions{StatusSink: func(m SentMessage) { sink = append(sink, m) }})
	url, client := start(t, graph)
	body := message(`"type":"text","text":{"body":"hi"},"context":{"message_id":"wamid.in"},` +
		`"biz_opaque_callback_data":"e1"`)
	post := func(body string) map[string]any {
		r := request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/messages", body, "Authorization", "Bearer t")

		status, answer := do(t, client, r)
		if status != http.StatusOK {
			t.Fatalf("status %d: %s", status, answer)
		}

		return object(t, answer)
	}
	first := post(body)
	second := post(`{"messaging_product":"whatsapp","recipient":"US.1","text":{"body":"ho"}}`)

	sent := graph.Sent()
	if len(sent) != 2 || sent[0].ID == sent[1].ID {
		t.Fatalf("sent %+v", sent)
	}

	wantFirst := map[string]any{
		"messaging_product": "whatsapp",
		"contacts":          []any{map[string]any{"input": "+573001234567", "wa_id": "573001234567"}},
		"messages":          []any{map[string]any{"id": sent[0].ID}},
	}
	if diff := cmp.Diff(wantFirst, first); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]any{map[string]any{"input": "US.1", "user_id": "US.1"}}, second["contacts"]); diff != "" {
		t.Errorf("contacts of a business-scoped id (-want +got):\n%s", diff)
	}

	want := SentMessage{
		PhoneNumberID: testNumber,
		To:            "+573001234567",
		Type:          "text",
		Text:          "hi",
		Callback:      "e1",
		ContextID:     "wamid.in",
		Raw:           json.RawMessage(body),
	}
	if diff := cmp.Diff(want, sent[0], cmpopts.IgnoreFields(SentMessage{}, "ID")); diff != "" {
		t.Errorf("sent message (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff(sent, sink); diff != "" {
		t.Errorf("messages at the sink (-want +got):\n%s", diff)
	}

	record, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sent[0].ID, "wamid."))
	if err != nil || !strings.Contains(string(record), "573001234567") {
		t.Errorf("wamid %q: %v", sent[0].ID, err)
	}
}

func TestAmbiguousSend(t *testing.T) {
	graph := NewGraph(GraphOptions{})
	url, client := start(t, graph)
	graph.Faults.Add(Fault{
		Method:     http.MethodPost,
		PathPrefix: "/" + testNumber + "/messages",
		Cut:        CutAfter,
		Times:      1,
	})

	response, err := client.Do(request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/messages",
		message(`"text":{"body":"hi"},"biz_opaque_callback_data":"e1"`), "Authorization", "Bearer t"))
	if err == nil {
		_ = response.Body.Close()
		t.Fatalf("answered %d", response.StatusCode)
	}

	if sent := graph.Sent(); len(sent) != 1 || sent[0].Callback != "e1" {
		t.Errorf("sent %+v, want one message", sent)
	}
}

func FuzzSendMessage(f *testing.F) {
	for _, seed := range []string{
		message(`"text":{"body":"hi"}`),
		interactive(buttons(3)),
		interactive(rows(2, `"title":"R"`)),
		`{`,
		`null`,
		`[]`,
		`{"messaging_product":"whatsapp","status":"read","message_id":"x"}`,
		message(`"type":"contacts","contacts":[null]`),
	} {
		f.Add([]byte(seed))
	}

	graph := NewGraph(GraphOptions{Keep: 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		answer := httptest.NewRecorder()
		r := request(t, http.MethodPost, "http://standin/v27.0/1/messages", string(body), "Authorization", "Bearer t")
		graph.ServeHTTP(answer, r)

		if !json.Valid(answer.Body.Bytes()) {
			t.Errorf("answer %q is not JSON", answer.Body)
		}
	})
}
