// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command relay makes the HTTP calls of a turn, and does nothing else. It checks the signature of each delivery and answers
// 200. For a message it sends a read receipt with typing indicator, asks the AI, and sends the answer. It reports a status to
// the AI. It stores nothing, repeats nothing and keeps no order, so its processor time is the cost of HTTP and JSON alone. It
// ends when its calls have ended, on SIGTERM.
//
// The environment has the port, the app secret and the addresses of the AI and the Graph API.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/bench/peers/webhook"
)

const (
	callTimeout = time.Minute
	connections = 1024 // idle ones to each host
)

// delivery has the fields of a webhook that the relay uses.
type delivery struct {
	Entry []struct {
		Changes []struct {
			Value struct {
				Metadata struct {
					PhoneNumberID string `json:"phone_number_id"`
				} `json:"metadata"`
				Messages []message `json:"messages"`
				Statuses []any     `json:"statuses"`
			} `json:"value"`
		} `json:"changes"`
	} `json:"entry"`
}

type message struct {
	From string `json:"from"`
	ID   string `json:"id"`
	Text text   `json:"text"`
}

type text struct {
	Body string `json:"body"`
}

type relay struct {
	secret          []byte
	graphURL, aiURL string
	client          *http.Client
	calls           sync.WaitGroup
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()

	transport := &http.Transport{MaxIdleConns: 2 * connections, MaxIdleConnsPerHost: connections}
	r := &relay{
		secret:   []byte(os.Getenv("APP_SECRET")),
		graphURL: os.Getenv("GRAPH_URL"),
		aiURL:    os.Getenv("AI_URL"),
		client:   &http.Client{Timeout: callTimeout, Transport: transport},
	}
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		ReadHeaderTimeout: 5 * time.Second,
		Handler:           r,
	}

	context.AfterFunc(ctx, func() { _ = server.Close() })

	err := server.ListenAndServe()

	r.calls.Wait()

	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}

	return err
}

// ServeHTTP accepts a delivery, and makes its calls after the response.
func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, ok := webhook.Read(w, request, r.secret)
	if !ok {
		return
	}

	var d delivery
	if err := json.Unmarshal(body, &d); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}

	for _, entry := range d.Entry {
		for _, change := range entry.Changes {
			for _, m := range change.Value.Messages {
				r.calls.Go(func() { r.report(r.answer(change.Value.Metadata.PhoneNumberID, m)) })
			}

			for _, status := range change.Value.Statuses {
				r.calls.Go(func() { r.report(r.post(r.aiURL, map[string]any{"status": status}, nil)) })
			}
		}
	}
}

// answer makes the three calls of a message.
func (r *relay) answer(number string, m message) error {
	messages := r.graphURL + "/v25.0/" + number + "/messages"
	receipt := map[string]any{
		"messaging_product": "whatsapp",
		"status":            "read",
		"message_id":        m.ID,
		"typing_indicator":  map[string]string{"type": "text"},
	}

	if err := r.post(messages, receipt, nil); err != nil {
		return err
	}

	var answer struct{ Response string }
	if err := r.post(r.aiURL, map[string]string{"text": m.Text.Body}, &answer); err != nil {
		return err
	}

	reply := map[string]any{
		"messaging_product": "whatsapp",
		"to":                m.From,
		"type":              "text",
		"text":              text{Body: answer.Response},
	}

	return r.post(messages, reply, nil)
}

// post sends a body and decodes the response into result, unless that is nil.
func (r *relay) post(url string, body, result any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode a call: %w", err)
	}

	response, err := r.client.Post(url, "application/json", bytes.NewReader(encoded)) //nolint:noctx // the client has a timeout
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	defer response.Body.Close()

	received, err := io.ReadAll(io.LimitReader(response.Body, webhook.MaxBody))
	if err != nil {
		return fmt.Errorf("read the response: %w", err)
	}

	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the response has the status %d", response.StatusCode)
	}

	if result == nil {
		return nil
	}

	return json.Unmarshal(received, result)
}

func (r *relay) report(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
	}
}
