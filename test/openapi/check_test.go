// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
)

const commonProperties = `"conversation_id":null,"schema_version":1,"event_id":"9f86d081884c7d659a2feaa0c55ad015","channel":"whatsapp","phone_number_id":"1",` +
	`"waba_id":"2","display_phone_number":"3","message_id":"wamid.1","timestamp":"1723861244",` +
	`"received_at":"2026-11-23T06:49:00Z","age_seconds":0,"from":null,` +
	`"contact_info":{"wa_id":null,"name":"Ana","user_id":"CO.1","username":null},"context":null,"referral":null,` +
	`"conversation_key":"1:CO.1"`

const media = `"media":{"id":"1","mime_type":"image/jpeg","size":1,"filename":"","transport":"multipart",` +
	`"sha256":"9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015"}`

var bridgeOnce = sync.OnceValues(func() (*Document, error) { return Load(BirdBridge) })

// bridge returns the document of the contract, which is compiled once.
func bridge(t *testing.T) *Document {
	t.Helper()

	document, err := bridgeOnce()
	if err != nil {
		t.Fatal(err)
	}

	return document
}

// exchange sends a request through Observe to a bridge with this response, and returns the violations of each.
func exchange(t *testing.T, r *http.Request, status int, response string) (ofRequest, ofResponse error) {
	t.Helper()

	handler := bridge(t).Observe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}

		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)

		if _, err := io.WriteString(w, response); err != nil {
			t.Error(err)
		}
	}), Report{
		Request:  func(err error) { ofRequest = err },
		Response: func(err error) { ofResponse = err },
	})
	handler.ServeHTTP(httptest.NewRecorder(), r)

	return ofRequest, ofResponse
}

func bridgeRequest(path, contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "AccessKey key")
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Idempotency-Key", "process_text_message:1:wamid.1")
	r.Header.Set("X-Request-Id", "9f86d081884c7d659a2feaa0c55ad015")
	r.Header.Set("X-Attempt", "1")

	return r
}

func form(t *testing.T, payload string, parts ...string) (contentType, body string) {
	t.Helper()

	var buffer bytes.Buffer

	w := multipart.NewWriter(&buffer)
	if err := w.WriteField("payload", payload); err != nil {
		t.Fatal(err)
	}

	for _, part := range parts {
		file, err := w.CreateFormFile(part, "a.jpg")
		if err != nil {
			t.Fatal(err)
		}

		if _, err := io.WriteString(file, "x"); err != nil {
			t.Fatal(err)
		}
	}

	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	return w.FormDataContentType(), buffer.String()
}

func TestRequests(t *testing.T) {
	image := `{"method":"process_image_message",` + commonProperties + "," + media + `,"caption":"","mime_type":"image/jpeg"}`
	formType, formBody := form(t, image, "media")
	secondType, secondBody := form(t, image, "media", "other")

	text := func(more string) *http.Request {
		return bridgeRequest("/v1/messages/text", "application/json", `{"method":"process_text_message",`+commonProperties+more+"}")
	}
	without := func(header string) *http.Request {
		r := text(`,"text":"hi"`)
		r.Header.Del(header)

		return r
	}

	for name, tc := range map[string]struct {
		request *http.Request
		want    string // part of the violation; empty: there is none
	}{
		"text":                {request: text(`,"text":"hi"`)},
		"a form":              {request: bridgeRequest("/v1/messages/image", formType, formBody)},
		"no text":             {text(""), "violates required"},
		"a number as text":    {text(`,"text":1`), "/text violates type"},
		"another method":      {bridgeRequest("/v1/messages/text", "application/json", image), "/method violates const"},
		"another property":    {text(`,"text":"hi","mood":"good"`), "/mood is not in the document"},
		"no key":              {without("Authorization"), "no credential"},
		"no idempotency key":  {without("Idempotency-Key"), "Idempotency-Key is missing"},
		"no attempt":          {without("X-Attempt"), "X-Attempt is missing"},
		"another path":        {bridgeRequest("/v2/messages", "application/json", "{}"), "no such path"},
		"no JSON":             {bridgeRequest("/v1/messages/text", "application/json", "hi"), "not JSON"},
		"another media type":  {bridgeRequest("/v1/messages/text", formType, formBody), "no multipart/form-data"},
		"another part":        {bridgeRequest("/v1/messages/image", secondType, secondBody), "parts payload and media"},
		"media without bytes": {bridgeRequest("/v1/messages/image", "application/json", image), ""},
	} {
		got, _ := exchange(t, tc.request, http.StatusOK, `{"response":"hi"}`)
		if (got == nil) != (tc.want == "") || got != nil && !strings.Contains(got.Error(), tc.want) {
			t.Errorf("%s: violation = %v, want %q", name, got, tc.want)
		}
	}
}

func TestResponses(t *testing.T) {
	for body, want := range map[string]string{
		"":                                    "",
		`{"response":"hi"}`:                   "",
		`{"response":null}`:                   "",
		`{"response":["hi",null]}`:            "",
		`"hi"`:                                "",
		`{"handoff":{"reason":"refund"}}`:     "",
		`{"answer":"hi","conversation_id":7}`: "",
		`[{"output":{"response":"hi"}}]`:      "",
		`[{"recipient_id":"1","text":"?","buttons":[{"title":"Yes","payload":"/yes"}]}]`:     "",
		`{"choices":[{"message":{"content":"hi"}}]}`:                                         "",
		`{"reply":"hi","error":{"code":1}}`:                                                  "violates",
		`{"response":{"type":"buttons","text":"?","buttons":["Yes",{"id":1,"title":"No"}]}}`: "",
		`{}`:                               "violates required",
		`{"answers":1}`:                    "violates required",
		`{"response":{"type":"hologram"}}`: "violates required",
		`{"response":{"type":"image"}}`:    "violates required",
		`{"response":{"type":"location","latitude":91,"longitude":0}}`:   "/response/latitude violates maximum",
		`{"response":{"type":"cta_url","text":"?","url":"example.org"}}`: "/response/url",
	} {
		_, got := exchange(t, bridgeRequest("/v1/messages/text", "application/json", "{}"), http.StatusOK, body)
		if (got == nil) != (want == "") || got != nil && !strings.Contains(got.Error(), want) {
			t.Errorf("%s: violation = %v, want %q", body, got, want)
		}
	}

	if _, got := exchange(t, bridgeRequest("/v1/messages/text", "application/json", "{}"), http.StatusAccepted, `{"accepted":true}`); got != nil {
		t.Errorf("202: violation = %v", got)
	}
}

// TestTheExamplesOfTheContractAreAnswers checks each message that docs/bird-contract.md shows, by the document and by the
// receiver.
func TestTheExamplesOfTheContractAreAnswers(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(Folder("."), "bird-contract.md"))
	if err != nil {
		t.Fatal(err)
	}

	examples := regexp.MustCompile("(?m)^\\| `(\\{\"type\".*?\\})` \\|").FindAllSubmatch(page, -1)
	oneCard := regexp.MustCompile(`"cards":\[(.*)\]`) // the page shows one of at least two

	if len(examples) < 15 {
		t.Fatalf("the page shows %d messages, want more", len(examples))
	}

	for _, example := range examples {
		message := strings.ReplaceAll(string(example[1]), "[…]", "[]")
		message = oneCard.ReplaceAllString(message, `"cards":[$1,$1]`)
		body := `{"response":` + message + `}`

		if _, got := exchange(t, bridgeRequest("/v1/messages/text", "application/json", "{}"), http.StatusOK, body); got != nil {
			t.Errorf("%s: violation = %v", example[1], got)
		}

		if _, err := answer.Parse([]byte(body)); err != nil {
			t.Errorf("%s: the receiver refuses it: %v", example[1], err)
		}
	}
}

func TestNotices(t *testing.T) {
	notices, err := LoadNotices()
	if err != nil {
		t.Fatal(err)
	}

	notice := func(more string) string {
		return `{"specversion":"1.0","id":"9f86d081884c7d659a2feaa0c55ad015","source":"/phone-numbers/1",` +
			`"subject":"9f86d081884c7d659a2feaa0c55ad015","time":"2026-11-23T06:49:00Z","datacontenttype":"application/json",` + more + `}`
	}

	for body, want := range map[string]string{
		notice(`"type":"dev.wawebhook.message.received","data":{"type":"text"}`): "",
		notice(`"type":"dev.wawebhook.account.security","data":{"a":1}`):         "",
		notice(`"type":"dev.wawebhook.message.received","data":{}`):              "/data violates required",
		notice(`"type":"dev.wawebhook.message.received"`):                        "violates required",
		notice(`"type":"dev.wawebhook.message.sung"`):                            "no schema",
		`{"type":"dev.wawebhook.message.received","data":{"type":"text"}}`:       "violates required",
	} {
		got := notices.Check([]byte(body))
		if (got == nil) != (want == "") || got != nil && !strings.Contains(got.Error(), want) {
			t.Errorf("%s: violation = %v, want %q", body, got, want)
		}
	}
}
