// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

const (
	bridgeKey   = "bridge-key"
	messagesKey = "messages-key"
	eventID     = "9f86d081884c7d659a2feaa0c55ad015"
)

// bridges returns the example bridges by name.
func bridges(t *testing.T) map[string]program {
	return map[string]program{
		"python": {
			folder:  "bridge-python",
			command: []string{"python3", "bridge.py"},
			install: aptGet + "python3",
		},
		"node": {
			folder:  "bridge-node",
			command: []string{"node", "bridge.mjs"},
			install: aptGet + "nodejs",
		},
		"go": {folder: "bridge-go", command: []string{buildGo(t, "bridge-go")}},
	}
}

func TestBridgesFollowTheContract(t *testing.T) {
	for name, bridge := range bridges(t) {
		t.Run(name, func(t *testing.T) {
			messages := newMessagesAPI(t)
			c := &caller{
				t: t,
				url: bridge.start(t,
					"BRIDGE_KEY="+bridgeKey,
					"MESSAGES_URL="+messages.url,
					"MESSAGES_KEY="+messagesKey,
				),
				client: checkedClient(t, openapi.BirdBridge),
			}

			c.checkAnswers()
			c.checkFiles()
			c.checkKeys()

			status, body := c.text("later", "later")
			if status != http.StatusAccepted || body != `{"accepted":true}` {
				t.Errorf("later: answered %d %s", status, body)
			}

			select {
			case got := <-messages.posted:
				want := `{"in_reply_to":"` + eventID + `","response":"That took a while."}`
				if diff := cmp.Diff(want, compact(t, got)); diff != "" {
					t.Errorf("posted (-want +got):\n%s", diff)
				}
			case <-t.Context().Done():
				t.Error("the later answer was not posted")
			}
		})
	}
}

// caller calls a bridge as the receiver does.
type caller struct {
	t      *testing.T
	url    string
	client *http.Client
}

// checkAnswers checks the answers to messages without a file.
func (c *caller) checkAnswers() {
	for _, tc := range []struct {
		path, method, properties string
		status                   int
		want                     string
	}{
		{
			path:       "/v1/messages/text",
			method:     "process_text_message",
			properties: `"text":"hola"`,
			status:     http.StatusOK,
			want:       `{"response":"You wrote: hola"}`,
		},
		{
			path:       "/v1/messages/text",
			method:     "process_text_message",
			properties: `"text":"menu"`,
			status:     http.StatusOK,
			want:       `{"response":{"buttons":["Coffee","Tea"],"text":"Coffee or tea?","type":"buttons"}}`,
		},
		{
			path:       "/v1/messages/text",
			method:     "process_text_message",
			properties: `"text":"agent"`,
			status:     http.StatusOK,
			want:       `{"handoff":{"reason":"asked for a person"},"response":"A colleague will answer you."}`,
		},
		{
			path:       "/v1/interactions/button",
			method:     "process_button_interaction",
			properties: `"button_id":"Tea","button_title":"Tea","source":"interactive"`,
			status:     http.StatusOK,
			want:       `{"response":"You chose Tea."}`,
		},
		{
			path:       "/v1/messages/location",
			method:     "process_location_message",
			properties: `"location":{"latitude":1,"longitude":2,"name":"","address":""}`,
			status:     http.StatusOK,
			want:       `{"response":"I cannot read that yet."}`,
		},
		{
			path:       "/v1/statuses",
			method:     "notify_bird_status_change",
			properties: `"status":"read","recipient_id":null,"recipient_user_id":null,"errors":null,"pricing":null`,
			status:     http.StatusNoContent,
		},
	} {
		status, body := c.call(tc.path, "key of "+tc.properties, "application/json", payload(tc.method, tc.properties))
		if status != tc.status || body != tc.want {
			c.t.Errorf("%s with %s: answered %d %s, want %d %s", tc.method, tc.properties, status, body, tc.status, tc.want)
		}
	}
}

// checkFiles checks that a bridge reads a file in base64 and in a form.
func (c *caller) checkFiles() {
	file := strings.Repeat("\x00\r\n--\xff", 100)
	about := func(kind, transport string) string {
		return fmt.Sprintf(`"mime_type":%q,"media":{"id":"1","mime_type":%q,"sha256":%q,"size":600,"filename":"","transport":%q}`,
			kind, kind, strings.Repeat("0", 64), transport)
	}

	encoded, err := json.Marshal([]byte(file))
	if err != nil {
		c.t.Fatal(err)
	}

	picture := payload("process_image_message", `"caption":"",`+about("image/jpeg", "base64")+`,"image_data":`+string(encoded))
	voice := payload("process_audio_message", `"voice":true,`+about("audio/ogg", "multipart"))

	contentType, form := c.form(voice, file)

	for _, tc := range []struct{ path, contentType, body, want string }{
		{"/v1/messages/image", "application/json", picture, `{"response":"A picture of 600 bytes."}`},
		{"/v1/messages/audio", contentType, form, `{"response":"A voice message of 600 bytes."}`},
	} {
		status, body := c.call(tc.path, "key of "+tc.path, tc.contentType, tc.body)
		if status != http.StatusOK || body != tc.want {
			c.t.Errorf("%s: answered %d %s, want %s", tc.path, status, body, tc.want)
		}
	}
}

// checkKeys checks that a bridge repeats the answer to a known Idempotency-Key, and refuses another access key.
func (c *caller) checkKeys() {
	_, first := c.text("repeated", "one")
	_, again := c.text("repeated", "two")

	if first != again {
		c.t.Errorf("a repetition is answered %s, want %s", again, first)
	}

	good := *c
	c.client = &http.Client{Transport: withKey{c.client.Transport, "AccessKey another"}}

	if status, _ := c.text("another", "hola"); status != http.StatusUnauthorized {
		c.t.Errorf("another access key is answered %d, want 401", status)
	}

	*c = good
}

func (c *caller) text(key, text string) (status int, body string) {
	return c.call("/v1/messages/text", key, "application/json", payload("process_text_message", fmt.Sprintf(`"text":%q`, text)))
}

func (c *caller) call(path, key, contentType, body string) (status int, answer string) {
	c.t.Helper()

	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}

	r.Header.Set("Authorization", "AccessKey "+bridgeKey)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Idempotency-Key", key[:min(len(key), 255)])
	r.Header.Set("X-Request-Id", eventID)
	r.Header.Set("X-Attempt", "1")

	response, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()

	raw, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}

	if len(raw) == 0 {
		return response.StatusCode, ""
	}

	return response.StatusCode, compact(c.t, raw)
}

func (c *caller) form(payload, file string) (contentType, body string) {
	var buffer bytes.Buffer

	form := multipart.NewWriter(&buffer)
	if err := form.WriteField("payload", payload); err != nil {
		c.t.Fatal(err)
	}

	part, err := form.CreateFormFile("media", "voice.ogg")
	if err == nil {
		_, err = io.WriteString(part, file)
	}

	if err == nil {
		err = form.Close()
	}

	if err != nil {
		c.t.Fatal(err)
	}

	return form.FormDataContentType(), buffer.String()
}

// payload returns a request of the contract.
func payload(method, properties string) string {
	return `{"method":"` + method + `","schema_version":1,"event_id":"` + eventID + `","channel":"whatsapp",` +
		`"phone_number_id":"106540352242922","waba_id":"102290129340398","display_phone_number":"15550783881",` +
		`"message_id":"wamid.1","timestamp":"1723861244","received_at":"2026-11-23T06:49:00Z","age_seconds":0,` +
		`"from":"573001234567","contact_info":{"wa_id":"573001234567","name":"Ana","user_id":null,"username":null},` +
		`"context":null,"referral":null,"conversation_id":null,"conversation_key":"106540352242922:573001234567",` +
		properties + `}`
}

// compact returns JSON without spaces, with its keys in order.
func compact(t *testing.T, raw []byte) string {
	t.Helper()

	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}

	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}

	return string(encoded)
}

// withKey replaces the access key.
type withKey struct {
	next http.RoundTripper
	key  string
}

// RoundTrip implements http.RoundTripper.
func (w withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", w.key)

	return w.next.RoundTrip(r)
}

// checkedClient returns a client that fails the test when a request or a response violates a document.
func checkedClient(t *testing.T, document string) *http.Client {
	t.Helper()

	loaded, err := openapi.Load(document)
	if err != nil {
		t.Fatal(err)
	}

	client := newClient(t)
	client.Transport = loaded.Transport(client.Transport, openapi.Report{
		Request:  func(err error) { t.Error(err) },
		Response: func(err error) { t.Error(err) },
	})

	return client
}

// messagesAPI stands in for the messages API of a receiver.
type messagesAPI struct {
	url    string
	posted chan []byte
}

func newMessagesAPI(t *testing.T) messagesAPI {
	t.Helper()

	document, err := openapi.Load(openapi.ReceiverAPI)
	if err != nil {
		t.Fatal(err)
	}

	api := messagesAPI{posted: make(chan []byte, 10)}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.Header.Get("Authorization"), "Bearer "+messagesKey; got != want {
			t.Errorf("Authorization is %q, want %q", got, want)
		}

		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}

		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `{"id":%q,"state":"stored"}`, eventID)

		api.posted <- body
	})
	server := httptest.NewServer(document.Observe(handler, openapi.Report{
		Request:  func(err error) { t.Error(err) },
		Response: func(err error) { t.Error(err) },
	}))

	t.Cleanup(server.Close)

	api.url = server.URL

	return api
}
