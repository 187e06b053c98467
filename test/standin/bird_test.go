// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestBirdAnswersEveryMethod(t *testing.T) {
	bird := NewBird(BirdOptions{AccessKeys: []string{"key"}})

	url, client := start(t, bird)
	for path, method := range birdMethods {
		r := request(t, http.MethodPost, url+path, `{"method":"`+method+`","message_id":"wamid.1"}`, "Authorization", "AccessKey key")
		status, body := do(t, client, r)

		want := http.StatusOK
		if method == "notify_bird_status_change" {
			want = http.StatusNoContent
		}

		if status != want || (want == http.StatusOK) != (body != "") {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}

		if asked := bird.Asked(); asked[len(asked)-1].Method != method {
			t.Errorf("%s was recorded as %s, want %s", path, asked[len(asked)-1].Method, method)
		}
	}
}

func TestBirdRejectsRequests(t *testing.T) {
	bird := NewBird(BirdOptions{AccessKeys: []string{"key"}})
	url, client := start(t, bird)

	key := []string{"Authorization", "AccessKey key"}
	for _, tc := range []struct {
		name   string
		method string
		path   string
		body   string
		header []string
		status int
		text   string
	}{
		{name: "AccessKey", header: key, status: 200, text: "You said: hi"},
		{name: "Bearer", header: []string{"Authorization", "Bearer key"}, status: 200},
		{name: "X-API-Key", header: []string{"X-API-Key", "key"}, status: 200},
		{name: "wrong key", header: []string{"Authorization", "AccessKey other"}, status: 401, text: "E01001"},
		{name: "Basic", header: []string{"Authorization", "Basic key"}, status: 401},
		{name: "no key", status: 401},
		{name: "unknown path", path: "/v1/other", header: key, status: 404, text: "E01002"},
		{name: "GET", method: http.MethodGet, header: key, status: 405},
		{name: "invalid JSON", body: "{", header: key, status: 400, text: "not a JSON object"},
		{
			name:   "null",
			body:   "null",
			header: append([]string{"Content-Type", "application/json"}, key...),
			status: 400,
			text:   "null",
		},
		{name: "no content type", body: "x", header: key, status: 400, text: "Content-Type"},
		{
			name:   "another content type",
			body:   "x",
			header: append([]string{"Content-Type", "text/plain"}, key...),
			status: 400,
			text:   "text/plain",
		},
		{
			name:   "medium not in base64",
			body:   `{"image_data":"data:image/png;base64,AAAA"}`,
			header: key,
			status: 400,
			text:   "image_data",
		},
		{name: "medium not a string", body: `{"image_data":5}`, header: key, status: 400, text: "image_data"},
		{
			name:   "multipart without a boundary",
			body:   "x",
			header: append([]string{"Content-Type", "multipart/form-data"}, key...),
			status: 400,
		},
		{name: "too large", body: `{"text":"` + strings.Repeat("a", maxBirdBody) + `"}`, header: key, status: 413},
	} {
		t.Run(tc.name, func(t *testing.T) {
			method := http.MethodPost
			path := "/v1/messages/text"
			body := `{"method":"process_text_message","text":"hi"}`

			if tc.method != "" {
				method = tc.method
			}

			if tc.path != "" {
				path = tc.path
			}

			if tc.body != "" {
				body = tc.body
			}

			status, answer := do(t, client, request(t, method, url+path, body, tc.header...))
			if status != tc.status || !strings.Contains(answer, tc.text) {
				t.Errorf("%d %s, want %d with %q", status, answer, tc.status, tc.text)
			}
		})
	}
}

// multipartBody builds parts in the order of the names; the part media contains the medium.
func multipartBody(t *testing.T, media []byte, names ...string) (body, contentType string) {
	t.Helper()

	var buffer bytes.Buffer

	form := multipart.NewWriter(&buffer)
	for _, name := range names {
		content := []byte(`{"method":"process_image_message","message_id":"wamid.1"}`)
		if name == "media" {
			content = media
		}

		part, err := form.CreateFormFile(name, name)
		if err == nil {
			_, err = part.Write(content)
		}

		if err != nil {
			t.Fatal(err)
		}
	}

	if err := form.Close(); err != nil {
		t.Fatal(err)
	}

	return buffer.String(), form.FormDataContentType()
}

func TestBirdMedia(t *testing.T) {
	medium := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	sum := sha256.Sum256(medium)
	inline := `{"method":"process_image_message","message_id":"wamid.1","image_data":"` + base64.StdEncoding.EncodeToString(medium) + `"}`
	payloadFirst, typeFirst := multipartBody(t, medium, "payload", "media")
	mediaFirst, typeSecond := multipartBody(t, medium, "media", "payload")
	noPayload, typeThird := multipartBody(t, medium, "media")

	unknownPart, typeFourth := multipartBody(t, medium, "payload", "extra")
	for _, tc := range []struct {
		name, body, contentType string
		status                  int
	}{
		{name: "inline", body: inline, contentType: "application/json", status: 200},
		{name: "payload first", body: payloadFirst, contentType: typeFirst, status: 200},
		{name: "media first", body: mediaFirst, contentType: typeSecond, status: 200},
		{name: "no payload", body: noPayload, contentType: typeThird, status: 400},
		{name: "unknown part", body: unknownPart, contentType: typeFourth, status: 400},
		{name: "cut short", body: payloadFirst[:len(payloadFirst)/2], contentType: typeFirst, status: 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bird := NewBird(BirdOptions{})
			url, client := start(t, bird)

			status, answer := do(t, client, request(t, http.MethodPost, url+"/v1/messages/image", tc.body,
				"X-API-Key", "k", "Content-Type", tc.contentType, "X-Attempt", "2", "Idempotency-Key", "k1"))
			if status != tc.status {
				t.Fatalf("%d %s, want %d", status, answer, tc.status)
			}

			if status != http.StatusOK {
				if len(bird.Asked()) != 0 {
					t.Error("a rejected call was recorded as a request to the AI")
				}

				return
			}

			want := []BirdCall{{
				Method:         "process_image_message",
				Path:           "/v1/messages/image",
				IdempotencyKey: "k1",
				Attempt:        2,
				Payload:        map[string]any{"method": "process_image_message", "message_id": "wamid.1"},
				MediaBytes:     int64(len(medium)),
				MediaSHA256:    hex.EncodeToString(sum[:]),
			}}

			asked := bird.Asked()
			if tc.name == "inline" {
				delete(asked[0].Payload, "image_data")
			}

			if diff := cmp.Diff(want, asked, cmpopts.IgnoreUnexported(BirdCall{})); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBirdIdempotency(t *testing.T) {
	var replies atomic.Int64

	entered := make(chan struct{}, 1)
	leave := make(chan struct{})
	bird := NewBird(BirdOptions{Reply: func(_ string, request map[string]any) any {
		if request["text"] == "slow" {
			entered <- struct{}{}

			<-leave
		}

		return map[string]any{"response": strconv.FormatInt(replies.Add(1), 10)}
	}})
	url, client := start(t, bird)

	ask := func(text, key string) *http.Request {
		return request(t, http.MethodPost, url+"/v1/messages/text", `{"method":"process_text_message","text":"`+text+`"}`,
			"X-API-Key", "k", "Idempotency-Key", key)
	}
	for _, call := range []struct{ key, want string }{
		{"a", "1"},
		{"a", "1"},
		{"b", "2"},
		{"", "3"},
		{"", "4"},
		{"a", "1"},
	} {
		if _, answer := do(t, client, ask("hi", call.key)); object(t, answer)["response"] != call.want {
			t.Errorf("key %q: %s, want %s", call.key, answer, call.want)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)

	slow := ask("slow", "c").WithContext(ctx)
	go func() {
		response, err := client.Do(slow)
		if err == nil {
			err = response.Body.Close()
		}

		result <- err
	}()

	<-entered

	status, answer := do(t, client, ask("slow", "c"))
	if status != http.StatusConflict || !strings.Contains(answer, "E01004") {
		t.Errorf("a key in progress: %d %s, want 409 E01004", status, answer)
	}

	cancel()

	if <-result == nil {
		t.Error("the call was answered before its reply")
	}

	close(leave)

	if err := bird.Recorder.WaitTotal(t.Context(), 8); err != nil {
		t.Fatal(err)
	}

	if _, answer := do(t, client, ask("slow", "c")); object(t, answer)["response"] != "5" {
		t.Errorf("after the client disconnected: %s, want the reply of its call", answer)
	}

	if got := bird.AskedLog.Total(); got != 5 {
		t.Errorf("%d requests to the AI, want 5", got)
	}
}

func TestAnswerMemoryIsBounded(t *testing.T) {
	var memory answerMemory
	for i := range maxAnswers + 10 {
		key := strconv.Itoa(i)
		memory.begin(key)
		memory.finish(key, encodedAnswer{200, []byte("x")})
	}

	if len(memory.answered) != maxAnswers || len(memory.order) != maxAnswers || memory.bytes != maxAnswers {
		t.Errorf("%d answers, %d bytes", len(memory.answered), memory.bytes)
	}

	if _, state := memory.begin("0"); state != keyNew {
		t.Error("the oldest answer is still stored")
	}

	memory.release("0")

	if _, state := memory.begin("0"); state != keyNew {
		t.Error("a released key is still in progress")
	}
}

func TestBirdReplies(t *testing.T) {
	for _, tc := range []struct {
		name   string
		reply  any
		status int
		body   string
	}{
		{name: "nil", status: 204},
		{name: "string", reply: "hi", status: 200, body: `"hi"`},
		{
			name:   "accepted",
			reply:  Answer{Status: 202, Body: map[string]bool{"accepted": true}},
			status: 202,
			body:   `{"accepted":true}`,
		},
		{name: "empty", reply: Answer{Status: 200}, status: 200},
		{name: "raw", reply: json.RawMessage(`{"response":null}`), status: 200, body: `{"response":null}`},
		{name: "no status", reply: Answer{Body: 1}, status: 200, body: `1`},
		{
			name:   "not encodable as JSON",
			reply:  make(chan int),
			status: 500,
			body:   `{"error":{"code":"E01000","message":"the reply is not JSON"}}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url, client := start(t, NewBird(BirdOptions{Reply: func(string, map[string]any) any { return tc.reply }}))

			status, body := do(t, client, request(t, http.MethodPost, url+"/v1/messages/text", `{"method":"process_text_message"}`, "X-API-Key", "k"))
			if status != tc.status || body != tc.body {
				t.Errorf("%d %q, want %d %q", status, body, tc.status, tc.body)
			}
		})
	}
}

// TestTransportRetriesCutRequest verifies the doc comment of CutPoint: Go's transport retries a request with an
// Idempotency-Key.
func TestTransportRetriesCutRequest(t *testing.T) {
	bird := NewBird(BirdOptions{})
	url, client := start(t, bird)

	ask := func(key string) (*http.Response, error) {
		return client.Do(request(t, http.MethodPost, url+"/v1/messages/text", `{"method":"process_text_message","text":"hi"}`,
			"X-API-Key", "k", "Idempotency-Key", key))
	}
	for _, key := range []string{"a", "b"} {
		if key == "b" {
			bird.Faults.Add(Fault{Cut: CutAfter, Times: 1})
		}

		response, err := ask(key)
		if err != nil {
			t.Fatal(err)
		}

		var answer bytes.Buffer

		_, _ = answer.ReadFrom(response.Body)
		_ = response.Body.Close()
	}

	if calls, asked := bird.Recorder.Total(), bird.AskedLog.Total(); calls != 3 || asked != 2 {
		t.Errorf("%d calls and %d requests to the AI, want 3 and 2", calls, asked)
	}
}

func FuzzBirdRequest(f *testing.F) {
	f.Add("application/json", []byte(`{"method":"process_image_message","image_data":"AAAA"}`))
	f.Add("multipart/form-data; boundary=b",
		[]byte("--b\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{}\r\n--b--\r\n"))
	f.Add("multipart/form-data", []byte("x"))

	bird := NewBird(BirdOptions{Keep: 1})
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		answer := httptest.NewRecorder()
		bird.ServeHTTP(answer, request(t, http.MethodPost, "http://standin/v1/messages/image", string(body),
			"X-API-Key", "k", "Content-Type", contentType))

		if answer.Code != http.StatusOK && answer.Code != http.StatusBadRequest {
			t.Errorf("status %d", answer.Code)
		}
	})
}
