// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package devpage

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// bridge is an AI with set answers: by the text of a message, and otherwise a description of what it was asked.
type bridge struct {
	url     string
	answers map[string]any

	mu        sync.Mutex
	questions []question
}

// question is what the bridge was asked.
type question struct {
	Method   string
	Text     string
	Caption  string
	MIMEType string `json:"mime_type"`
	Media    []byte
}

func newBridge(t *testing.T, answers map[string]any) *bridge {
	t.Helper()

	b := &bridge{answers: answers}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)

	b.url = server.URL

	return b
}

// ServeHTTP answers a question by the Bird contract.
func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "image/svg+xml")
		fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"><rect width="600" height="400" fill="teal"/></svg>`)

		return
	}

	var asked map[string]any
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	q := questionOf(asked)
	if q.Method == "notify_bird_status_change" || q.Method == "process_other_message" {
		w.WriteHeader(http.StatusNoContent) // statuses and reactions need no answer
		return
	}

	b.mu.Lock()
	b.questions = append(b.questions, q)
	b.mu.Unlock()

	answer, ok := b.answers[cmp.Or(q.Text, q.Caption)]
	if !ok {
		answer = "You sent: " + strings.Join(strings.Fields(q.Method+" "+q.Text+" "+q.Caption+" "+q.MIMEType), " ")
	}

	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"response": answer})
}

func questionOf(asked map[string]any) question {
	text := func(name string) string {
		value, _ := asked[name].(string)
		return value
	}
	q := question{
		Method:   text("method"),
		Text:     text("text"),
		Caption:  text("caption"),
		MIMEType: text("mime_type"),
	}

	for _, kind := range []string{"image", "audio", "video", "document"} {
		if data := text(kind + "_data"); data != "" {
			q.Media, _ = base64.StdEncoding.DecodeString(data) // a text other than base64 differs from the file
		}
	}

	for _, name := range []string{"button_title", "list_title"} {
		if title := text(name); title != "" {
			q.Text = title
		}
	}

	return q
}

// last returns the newest question of a method.
func (b *bridge) last(method string) question {
	b.mu.Lock()
	defer b.mu.Unlock()

	for _, q := range slices.Backward(b.questions) {
		if q.Method == method {
			return q
		}
	}

	return question{}
}
