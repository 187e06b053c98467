// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// aiOf returns a flow at a server. The path is appended to the server's URL.
func aiOf(t *testing.T, handler http.Handler, path string, adjust func(*config.Bird)) assistant.AI {
	t.Helper()

	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)

	settings := config.Config{Bird: config.Bird{Protocol: config.ProtocolFlow, BaseURL: server.URL + path}}
	if adjust != nil {
		adjust(&settings.Bird)
	}

	secrets := config.Secrets{BirdAccessKey: "key", FlowSigningKey: "signing"}
	drivers := map[config.Protocol]assistant.Driver{config.ProtocolFlow: Driver{}}
	client := assistant.NewClient(drivers, nil, 1, clockwork.NewRealClock())
	t.Cleanup(client.Close)

	return client.Of(config.Fixed(settings.WithDefaults(), secrets).Current())
}

var common = assistant.Common{
	SchemaVersion: 1,
	PhoneNumberID: "42",
	MessageID:     "wamid.1",
	Channel:       "whatsapp",
}

func textRequest(text string) assistant.Request {
	return assistant.Request{
		Method: assistant.ProcessText,
		Text:   text,
		Body:   assistant.TextMessage{Common: common, Text: text},
	}
}

// content is a file in memory.
type content []byte

func (c content) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c)), nil }

func photo(size int, link string) assistant.Request {
	file := bytes.Repeat([]byte{7}, size)
	sum := sha256.Sum256(file)

	return assistant.Request{
		Method: assistant.ProcessImage,
		Text:   "[photo]",
		Body:   assistant.ImageMessage{Common: common, MimeType: "image/jpeg"},
		Media: &assistant.Media{
			ID:       "900",
			MimeType: "image/jpeg",
			SHA256:   hex.EncodeToString(sum[:]),
			Size:     int64(size),
			Content:  content(file),
			Link:     link,
		},
	}
}

func TestTheURLIsCalledAsItIs(t *testing.T) {
	for _, path := range []string{
		"",
		"/",
		"/webhooks/5f0c/f81d",
		"/webhooks/5f0c/f81d/",
		"/a//b/../c",
		"/a%2Fb?sig=a%2Bb&api-version=1&sp=%2Ftriggers",
		"/?",
	} {
		var called string

		ai := aiOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = r.RequestURI

			w.Write([]byte(`{"reply":"hi"}`))
		}), path, nil)

		if _, err := ai.Ask(t.Context(), textRequest("hola")); err != nil {
			t.Fatal(err)
		}

		if want := "/" + strings.TrimPrefix(path, "/"); called != want {
			t.Errorf("%q: called %q", path, called)
		}
	}
}

func TestTheFlowGetsCredentials(t *testing.T) {
	for name, tc := range map[string]struct {
		scheme config.AuthScheme
		signed string
		want   http.Header
	}{
		"Bearer":    {config.AuthBearer, "", http.Header{"Authorization": {"Bearer key"}}},
		"AccessKey": {config.AuthAccessKey, "", http.Header{"Authorization": {"AccessKey key"}}},
		"APIKey":    {config.AuthAPIKey, "", http.Header{"X-Api-Key": {"key"}}},
		"none":      {config.AuthNone, "", http.Header{}},
		"signature": {config.AuthNone, "X-Signature", http.Header{"X-Signature": {standin.Sign("signing", []byte("BODY"))}}},
		"both": {config.AuthBearer, "x-hub", http.Header{
			"Authorization": {"Bearer key"},
			"X-Hub":         {standin.Sign("signing", []byte("BODY"))},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var got http.Header

			ai := aiOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}

				got = http.Header{}
				for _, name := range []string{"Authorization", "X-Api-Key", "X-Signature", "X-Hub"} {
					if values := r.Header.Values(name); len(values) > 0 {
						got[name] = values
					}
				}

				for _, name := range []string{"X-Signature", "X-Hub"} {
					if r.Header.Get(name) == standin.Sign("signing", body) {
						got.Set(name, standin.Sign("signing", []byte("BODY")))
					}
				}

				w.Write([]byte(`"hi"`))
			}), "", func(b *config.Bird) {
				b.AuthScheme = tc.scheme
				b.Flow.SignatureHeader = tc.signed
			})

			for _, request := range []assistant.Request{textRequest("hola <b>"), photo(10_000, "")} {
				if _, err := ai.Ask(t.Context(), request); err != nil {
					t.Fatal(err)
				}

				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("credentials (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestTextIsNeverEmpty(t *testing.T) {
	for name, tc := range map[string]struct {
		request assistant.Request
		want    string
	}{
		"text":              {textRequest("hola"), "hola"},
		"photo":             {photo(10, ""), "[photo]"},
		"caption":           {assistant.Request{Method: assistant.ProcessImage, Text: "[photo] look", Body: assistant.ImageMessage{Caption: "look"}}, "look"},
		"caption of a PDF":  {assistant.Request{Method: assistant.ProcessDocument, Text: "[document a.pdf] look", Body: assistant.DocumentMessage{Caption: "look"}}, "look"},
		"caption, of video": {assistant.Request{Method: assistant.ProcessVideo, Text: "[video] look", Body: assistant.VideoMessage{Caption: "look"}}, "look"},
		"list":              {assistant.Request{Method: assistant.ProcessList, Text: "Two (of three)", Body: assistant.ListInteraction{ListTitle: "Two"}}, "Two"},
		"list, no title":    {assistant.Request{Method: assistant.ProcessList, Text: "id-2", Body: assistant.ListInteraction{ListID: "id-2"}}, "id-2"},
		"place":             {assistant.Request{Method: assistant.ProcessLocation, Text: "4.6,-74 Office", Body: assistant.LocationMessage{}}, "4.6,-74 Office"},
		"status":            {assistant.Request{Method: assistant.NotifyStatus, Body: assistant.StatusNotification{Status: "read"}}, "[status read]"},
	} {
		t.Run(name, func(t *testing.T) {
			flow := standin.NewFlow(standin.FlowOptions{Path: "/"})
			defer flow.Close()

			ai := aiOf(t, flow, "/", nil)

			var err error
			if tc.request.Method == assistant.NotifyStatus {
				err = ai.Notify(t.Context(), tc.request)
			} else {
				_, err = ai.Ask(t.Context(), tc.request)
			}

			if err != nil {
				t.Fatal(err)
			}

			call := flow.Asked()[0]
			if call.Payload["text"] != tc.want || call.Method != string(tc.request.Method) {
				t.Errorf("asked %s with the text %v, want %q", call.Method, call.Payload["text"], tc.want)
			}
		})
	}
}

func TestMediaFitTheBody(t *testing.T) {
	const link = "https://hook.example/media/token"

	for name, tc := range map[string]struct {
		size      int
		link      string
		transport config.MediaTransport
		limit     int64
		want      string
	}{
		"small":                     {size: 1000, want: "base64"},
		"largest":                   {size: 141_000, want: "base64"},
		"above the limit":           {size: 142_500, want: "omitted"},
		"above, with a link":        {size: 142_500, link: link, want: "url"},
		"far above":                 {size: 5 << 20, want: "omitted"},
		"another limit":             {size: 1000, limit: 1500, want: "omitted"},
		"small, by link":            {size: 10, link: link, transport: config.TransportURL, want: "url"},
		"by link, and there's none": {size: 10, transport: config.TransportURL, want: "base64"},
		"small, with a link":        {size: 10, link: link, want: "base64"},
	} {
		t.Run(name, func(t *testing.T) {
			var (
				body   map[string]any
				length int64
			)

			ai := aiOf(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				length = r.ContentLength
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					t.Error(err)
				}
			}), "", func(b *config.Bird) {
				b.Media.Transport = tc.transport
				b.Flow.MaxBodyBytes = tc.limit
			})
			if _, err := ai.Ask(t.Context(), photo(tc.size, tc.link)); err != nil {
				t.Fatal(err)
			}

			media, _ := body["media"].(map[string]any)

			url, hasURL := media["url"]
			if media["transport"] != tc.want || hasURL != (tc.want == "url") || hasURL && url != link {
				t.Errorf("media = %v, want %s", media, tc.want)
			}

			if _, hasBytes := body["image_data"]; hasBytes != (tc.want == "base64") {
				t.Errorf("has image_data: %t", hasBytes)
			}

			if length > standin.MaxFlowBody {
				t.Errorf("%d bytes were sent", length)
			}
		})
	}
}

func TestTooLargeRequestsAreSentOnceWithoutBytes(t *testing.T) {
	for name, tc := range map[string]struct {
		request assistant.Request
		limit   int64
		calls   int
		fails   bool
	}{
		"a photo":       {photo(10_000, ""), 5_000, 2, false},
		"a photo twice": {photo(10_000, ""), 100, 2, true},
		"a text":        {textRequest("hola"), 100, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			var signatures []bool

			ai := aiOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}

				signatures = append(signatures, r.Header.Get("X-Signature") == standin.Sign("signing", body))

				if int64(len(body)) > tc.limit {
					w.WriteHeader(http.StatusRequestEntityTooLarge)
					return
				}

				w.Write([]byte(`{"reply":"hi"}`))
			}), "", func(b *config.Bird) { b.Flow.SignatureHeader = "X-Signature" })

			_, err := ai.Ask(t.Context(), tc.request)
			if (err != nil) != tc.fails || err != nil && failure.Of(err).Class != failure.Permanent {
				t.Errorf("Ask() = %v, want an error: %t", err, tc.fails)
			}

			if diff := cmp.Diff([]bool{true, true}[:tc.calls], signatures); diff != "" {
				t.Errorf("calls with the right signature (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLongRequestsAreCut(t *testing.T) {
	long := func(n int) json.RawMessage { return json.RawMessage(`{"a":"` + strings.Repeat("x", n) + `"}`) }

	for name, tc := range map[string]struct {
		request   assistant.Request
		limit     int64
		truncated []string
		text      string // its beginning
	}{
		"nothing":            {textRequest(strings.Repeat("hola ", 10_000)), 190_000, nil, "hola hola"},
		"the text":           {textRequest(strings.Repeat("hola ", 10_000)), 20_000, []string{"text"}, "hola hola"},
		"emoji":              {textRequest(strings.Repeat("👍🏽", 10_000)), 20_000, []string{"text"}, "👍🏽"},
		"escaped":            {textRequest(strings.Repeat("<&>\"\n", 10_000)), 20_000, []string{"text"}, "<&>"},
		"the smallest limit": {textRequest(strings.Repeat("hola ", 1000)), 1 << 10, []string{"text"}, "hola"},
		"an unknown message": {
			assistant.Request{Method: assistant.ProcessUndelivered, Text: "[a photo]", Body: assistant.UndeliveredMessage{
				Common:  common,
				Errors:  json.RawMessage(`[{"code":131051}]`),
				Message: long(200_000),
			}}, 190_000, []string{"message"}, "[a photo]",
		},
		"an order": {
			assistant.Request{Method: assistant.ProcessOrder, Text: "[order]", Body: assistant.OrderMessage{
				Common: assistant.Common{Referral: long(150_000), Context: long(150_000)},
				Order:  long(180_000),
			}}, 190_000, []string{"order", "referral"}, "[order]",
		},
		"all": {
			assistant.Request{Method: assistant.ProcessOrder, Text: strings.Repeat("order ", 10_000), Body: assistant.OrderMessage{
				Common: assistant.Common{Referral: long(150_000)},
				Order:  long(180_000),
			}}, 20_000, []string{"order", "referral", "text"}, "order",
		},
	} {
		t.Run(name, func(t *testing.T) {
			flow := standin.NewFlow(standin.FlowOptions{Path: "/"})
			defer flow.Close()

			ai := aiOf(t, flow, "/", func(b *config.Bird) { b.Flow.MaxBodyBytes = tc.limit })
			if _, err := ai.Ask(t.Context(), tc.request); err != nil {
				t.Fatal(err)
			}

			payload := flow.Asked()[0].Payload

			var truncated []string

			if names, _ := payload["truncated"].([]any); names != nil {
				for _, name := range names {
					truncated = append(truncated, name.(string))
				}
			}

			if diff := cmp.Diff(tc.truncated, truncated); diff != "" {
				t.Errorf("truncated (-want +got):\n%s", diff)
			}

			if text, _ := payload["text"].(string); !strings.HasPrefix(text, tc.text) {
				t.Errorf("text = %.40q", text)
			}

			encoded, err := json.Marshal(payload)
			if err != nil || int64(len(encoded)) > tc.limit {
				t.Errorf("sent %d bytes, want up to %d", len(encoded), tc.limit)
			}

			if slices.Contains(tc.truncated, "text") && int64(len(encoded)) < tc.limit/2 {
				t.Errorf("sent %d bytes, which is too little for %d", len(encoded), tc.limit)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for status, want := range map[int]failure.Class{
		400: failure.Permanent,
		401: failure.Configuration,
		403: failure.Configuration,
		404: failure.Configuration,
		405: failure.Configuration,
		408: failure.Transient,
		410: failure.Configuration,
		413: failure.Permanent,
		429: failure.RateLimited,
		500: failure.Transient,
		501: failure.Configuration,
		503: failure.Transient,
	} {
		for _, method := range []assistant.Method{assistant.ProcessText, assistant.ProcessOrder, assistant.ProcessUndelivered} {
			ai := aiOf(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }), "", nil)

			_, err := ai.Ask(t.Context(), assistant.Request{Method: method, Text: "hola", Body: assistant.OrderMessage{Common: common}})

			f := failure.Of(err)
			if f.Class != want || f.Code == assistant.CodeNoMethod || f.Op != string(method) {
				t.Errorf("%d: failure of %s = %+v, want class %s", status, method, f, want)
			}

			scope := failure.ScopeAIMethod // it may be of this message
			if status == http.StatusUnauthorized {
				scope = failure.ScopeAI
			}

			if f.Class == failure.Configuration && f.Scope != scope {
				t.Errorf("%d: scope = %s, want %s", status, f.Scope, scope)
			}
		}
	}
}

func TestMissingSecretsCloseTheFlow(t *testing.T) {
	for name, tc := range map[string]struct {
		bird config.Bird
		role string
	}{
		"key":         {config.Bird{}, config.RoleBirdAccessKey},
		"signing key": {config.Bird{AuthScheme: config.AuthNone, Flow: config.Flow{SignatureHeader: "X-Signature"}}, config.RoleFlowSigningKey},
	} {
		t.Run(name, func(t *testing.T) {
			tc.bird.Protocol = config.ProtocolFlow
			tc.bird.BaseURL = "http://127.0.0.1:1"

			settings := config.Fixed(config.Config{Bird: tc.bird}.WithDefaults(), config.Secrets{})
			client := assistant.NewClient(map[config.Protocol]assistant.Driver{config.ProtocolFlow: Driver{}}, nil, 1, clockwork.NewRealClock())

			defer client.Close()

			_, err := client.Of(settings.Current()).Ask(t.Context(), textRequest("hola"))
			if f := failure.Of(err); f.Class != failure.Configuration || !strings.Contains(f.Text, tc.role) {
				t.Errorf("failure = %+v, want one that names %s", f, tc.role)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		contentType, body string
		setting           config.EmptyAnswer
		want              answer.Answer
	}{
		"response":               {"application/json", `{"response":"hola"}`, "", answer.Answer{Replies: []answer.Reply{{Kind: answer.KindText, Text: "hola"}}}},
		"reply":                  {"application/json", `{"reply":"hola"}`, "", answer.Answer{Replies: []answer.Reply{{Kind: answer.KindText, Text: "hola"}}}},
		"string":                 {"application/json", `"hola"`, "", answer.Answer{Replies: []answer.Reply{{Kind: answer.KindText, Text: "hola"}}}},
		"plain text":             {"text/plain", `hola`, "", answer.Answer{Replies: []answer.Reply{{Kind: answer.KindText, Text: "hola"}}}},
		"empty":                  {"", ``, "", answer.Answer{Empty: true}},
		"a word of the platform": {"application/json", `{"run":"1"}`, "", answer.Answer{Empty: true}},
		"null":                   {"application/json", `{"response":null}`, "", answer.Answer{}},
		"empty object, no reply": {"", ``, config.EmptyNoReply, answer.Answer{Empty: true}},
	} {
		t.Run(name, func(t *testing.T) {
			ai := aiOf(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.contentType)
				w.Write([]byte(tc.body))
			}), "", func(b *config.Bird) { b.EmptyAnswer = tc.setting })

			got, err := ai.Ask(t.Context(), textRequest("hola"))
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("Ask() = %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestEnabledMethods(t *testing.T) {
	for _, statuses := range []bool{false, true} {
		ai := aiOf(t, http.NotFoundHandler(), "", func(b *config.Bird) { b.Flow.Statuses = statuses })

		for method, want := range map[assistant.Method]bool{
			assistant.ProcessText:        true,
			assistant.ProcessAudio:       true,
			assistant.ProcessOrder:       true,
			assistant.ProcessUndelivered: true,
			assistant.ProcessOther:       false,
			assistant.ProcessEdit:        false,
			assistant.ProcessRevoke:      false,
			assistant.NotifyStatus:       statuses,
			assistant.TranscribeAudio:    false,
		} {
			if got := ai.Enabled(method); got != want {
				t.Errorf("statuses %t: Enabled(%s) = %t", statuses, method, got)
			}
		}
	}
}
