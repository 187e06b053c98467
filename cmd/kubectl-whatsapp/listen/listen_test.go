// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/bridgetest"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/questions"
	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachMethodIsDecoded(t *testing.T) {
	for _, m := range bridgetest.Methods() {
		isQuestion := strings.HasPrefix(string(m), "process_")
		if _, known := bodies[m]; known != isQuestion {
			t.Errorf("%s is decoded: %t, want %t", m, known, isQuestion)
		}
	}
}

// stream serves questions as a receiver, the n-th call with the n-th of lists.
func stream(t *testing.T, lists ...[]questions.Line) *httptest.Server {
	t.Helper()

	var calls int

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := lists[min(calls, len(lists)-1)]
		calls++

		for _, line := range lines {
			if err := json.NewEncoder(w).Encode(line); err != nil {
				t.Error(err)
			}
		}

		if calls >= len(lists) {
			_ = http.NewResponseController(w).Flush()

			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)

	return server
}

func question(t *testing.T, request assistant.Request) questions.Line {
	t.Helper()

	shown, err := questions.Show(assistant.Asked{
		Request: request,
		Answer:  answer.Answer{Replies: []answer.Reply{{Kind: answer.KindButtons}}},
	}, false, func(string) string { return "id" })
	if err != nil {
		t.Fatal(err)
	}

	return questions.Line{Kind: questions.KindQuestion, Question: shown}
}

func TestQuestionsAreCopied(t *testing.T) {
	document, err := openapi.Load(openapi.BirdBridge)
	if err != nil {
		t.Fatal(err)
	}

	common := assistant.Common{
		SchemaVersion:   1,
		EventID:         "9f86d081884c7d659a2feaa0c55ad015",
		Channel:         "whatsapp",
		PhoneNumberID:   "42",
		MessageID:       "wamid.1",
		Timestamp:       "1795430400",
		ReceivedAt:      time.Unix(1795430400, 0),
		From:            new("573001234567"),
		ConversationKey: "42:573001234567",
	}
	text := question(t, assistant.Request{
		Method:  assistant.ProcessText,
		Attempt: 2,
		Body:    assistant.TextMessage{Common: common, Text: "hola"},
	})
	photo := question(t, assistant.Request{
		Method:  assistant.ProcessImage,
		Attempt: 1,
		Body:    assistant.ImageMessage{Common: common, MimeType: "image/jpeg"},
		Media:   &assistant.Media{MimeType: "image/jpeg", Size: 1 << 20},
	})

	receiver := stream(t,
		[]questions.Line{{Kind: questions.KindPing}, text},
		[]questions.Line{{Kind: questions.KindLost, Lost: 3}, photo},
	)

	asked := make(chan map[string]any, 10)

	bridge := httptest.NewServer(document.Observe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}

		if _, err := r.Body.Read(make([]byte, 1)); err == nil {
			t.Error("the body goes on")
		}

		asked <- body

		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"response":"a copy"}`)
	}), openapi.Report{
		Request:  func(err error) { t.Error(err) },
		Response: func(err error) { t.Error(err) },
	}))
	defer bridge.Close()

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()

	var (
		results []Result
		lost    int64
		broken  int
	)

	err = Run(t.Context(), Options{
		Bridge: Bridge{URL: bridge.URL, Key: "key"},
		Open: func(ctx context.Context) (*http.Response, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, receiver.URL, http.NoBody)
			if err != nil {
				return nil, err
			}

			return client.Do(r)
		},
		Retry:     func(error) bool { return true },
		Connected: func() {},
		Broken:    func(error, time.Duration) { broken++ },
		Lost:      func(n int64) { lost += n },
		Each: func(r Result) error {
			results = append(results, r)

			if len(results) == 2 {
				return ErrEnded
			}

			return nil
		},
	})
	if !errors.Is(err, ErrEnded) || broken != 1 || lost != 3 {
		t.Errorf("Run() = %v, broken %d times, lost %d, want ErrEnded, 1, 3", err, broken, lost)
	}

	for _, r := range results {
		if diff := cmp.Diff([]answer.Kind{answer.KindText}, r.Bridge.Kinds); diff != "" || r.Bridge.Failure != "" || r.Bridge.Texts[0] != "a copy" {
			t.Errorf("bridge = %+v", r.Bridge)
		}

		if !slices.Equal(r.Question.Answer.Kinds, []answer.Kind{answer.KindButtons}) {
			t.Errorf("live answer = %+v", r.Question.Answer)
		}
	}

	first := <-asked
	if first["text"] != "[4 characters]" || first["from"] != "…4567" {
		t.Errorf("the bridge was asked %v", first)
	}

	second := <-asked
	if data, _ := second["image_data"].(string); data == "" {
		t.Errorf("the bridge got no file: %v", second)
	}
}

func TestARefusalEndsTheCopying(t *testing.T) {
	refused := errors.New("refused")

	err := Run(t.Context(), Options{
		Bridge: Bridge{URL: "http://127.0.0.1:1"},
		Open:   func(context.Context) (*http.Response, error) { return nil, refused },
		Retry:  func(error) bool { return false },
	})
	if !errors.Is(err, refused) {
		t.Errorf("Run() = %v", err)
	}
}

func TestWhatCannotBeAsked(t *testing.T) {
	c := &copier{Options: Options{Bridge: Bridge{Flow: true}}}

	outcome := c.ask(t.Context(), &questions.Question{Method: "process_poll"})
	if !strings.Contains(outcome.Failure, "does not know the method") {
		t.Errorf("outcome = %+v", outcome)
	}
}
