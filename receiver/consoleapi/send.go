// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
)

const (
	// maxText bounds the body of a request to send a text. WhatsApp's texts have 4,096 characters at most, and longer ones
	// become several messages.
	maxText = 64 << 10
	// idempotencyKey is the header by which a repetition of a request is recognized.
	idempotencyKey = "Idempotency-Key"
)

// sendText sends a text to the person of a conversation as a desk does, by the rules of the messages API: people have the
// conversation from then on.
func (a *api) sendText(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r) {
		return
	}

	name, ok := a.conversationOf(w, r)
	if !ok {
		return
	}

	var body struct {
		Text string `json:"text"`
	}

	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxText)).Decode(&body)
	if err != nil || strings.TrimSpace(body.Text) == "" {
		http.Error(w, "the body is no JSON object with a text", http.StatusBadRequest)
		return
	}

	message, err := json.Marshal(map[string]string{
		"conversation_key": name,
		"handler":          "human",
		"response":         body.Text,
	})
	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	posted, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "/v1/messages", bytes.NewReader(message))
	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	posted.Header.Set(idempotencyKey, cmp.Or(r.Header.Get(idempotencyKey), rand.Text()))

	answered := &bufferedAnswer{header: http.Header{}}
	a.Messages.ServeHTTP(answered, posted)

	if answered.status/100 == 2 {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(answered.status)
		_, _ = w.Write(answered.body.Bytes())

		return
	}

	var refused struct {
		Message string `json:"message"`
	}

	_ = json.Unmarshal(answered.body.Bytes(), &refused) // the default below says enough

	http.Error(w, cmp.Or(refused.Message, "the message could not be stored"), answered.status)
}

// bufferedAnswer is the answer of a handler in this process.
type bufferedAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *bufferedAnswer) Header() http.Header { return b.header }

func (b *bufferedAnswer) WriteHeader(status int) { b.status = cmp.Or(b.status, status) }

func (b *bufferedAnswer) Write(data []byte) (int, error) {
	b.WriteHeader(http.StatusOK)

	return b.body.Write(data)
}
