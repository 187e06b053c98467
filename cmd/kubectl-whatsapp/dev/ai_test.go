// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestEveryKindOfAIIsAsked(t *testing.T) {
	const key = "the-key"

	bird := standin.NewBird(standin.BirdOptions{AccessKeys: []string{key}})
	flow := standin.NewFlow(standin.FlowOptions{Keys: []string{key}})
	model := standin.NewOpenAI(standin.OpenAIOptions{Keys: []string{key}})

	for name, c := range map[string]struct {
		handler interface {
			http.Handler
			Close()
		}
		path    string
		options AIOptions
	}{
		KindBridge: {bird, "", AIOptions{Key: key}},
		KindFlow:   {flow, flow.Path(), AIOptions{Key: key}},
		KindOpenAI: {model, model.BasePath(), AIOptions{Key: key, Model: standin.OpenAIModel}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			t.Cleanup(server.Close)
			t.Cleanup(c.handler.Close)

			o := c.options
			o.Kind = name
			o.URL = server.URL + c.path

			f := start(t, Options{AI: o})
			sent := f.text("hello")

			question := f.trace(TraceQuestion, "→ 200")
			if question.EventID != sent.EventID || !strings.HasPrefix(question.Exchange.URL, server.URL) {
				t.Errorf("the question is %+v", question)
			}

			if strings.Contains(jsonOf(t, f.state()), key) {
				t.Error("the page gets the key")
			}

			if answer := f.answer(); !strings.Contains(answer.Text, "hello") {
				t.Errorf("answered %q", answer.Text)
			}
		})
	}
}

func TestAIThatIsStartedLater(t *testing.T) {
	address := port.Address(t)

	f := start(t, Options{AI: AIOptions{Kind: KindBridge, URL: "http://" + address}})
	for f.state().AI.Problem == "" {
		wait(f, StreamAI, func(AI) bool { return true })
	}

	if problem := f.state().AI.Problem; !strings.Contains(problem, "nothing answers at "+address) {
		t.Errorf("the problem is %q", problem)
	}

	f.text("hello")
	f.trace(TraceQuestion, "→ 502")

	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}

	bird := standin.NewBird(standin.BirdOptions{})
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: bird}}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(bird.Close)

	wait(f, StreamAI, func(a AI) bool { return a.Problem == "" })

	if answer := f.answer(); answer.Text != "You said: hello" {
		t.Errorf("answered %q", answer.Text)
	}
}

func TestAIAnswersLater(t *testing.T) {
	var f *fixture

	bird := standin.NewBird(standin.BirdOptions{Messages: func() standin.MessagesAPI {
		address, key := f.server.MessagesURL()

		return standin.MessagesAPI{
			URL:    address,
			Key:    key,
			Client: f.client,
		}
	}})
	server := httptest.NewServer(bird)
	t.Cleanup(server.Close)
	t.Cleanup(bird.Close)

	f = start(t, Options{AI: AIOptions{Kind: KindBridge, URL: server.URL}})
	sent := f.text("later please")

	posted := f.trace(TraceLater, "POST → 202")
	if posted.EventID != sent.EventID {
		t.Errorf("the message belongs to %q", posted.EventID)
	}

	if answer := f.answer(); answer.Text != "You said: later please" || answer.EventID != sent.EventID {
		t.Errorf("answered %+v", answer)
	}

	message := map[string]string{"conversation_key": lane(f.state().People[0]), "response": "hi"}
	if status := f.call(http.MethodPost, "/v1/messages", message, nil); status != http.StatusUnauthorized {
		t.Errorf("a message without a key was answered %d", status)
	}
}

func TestInvalidAIs(t *testing.T) {
	for want, o := range map[string]AIOptions{
		"is not a URL":  {Kind: KindBridge, URL: "localhost:8000"},
		"needs --model": {Kind: KindOpenAI, URL: "http://localhost:11434/v1"},
	} {
		if _, err := Open(t.Context(), Options{AI: o}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}
