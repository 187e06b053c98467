// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/messagesapi"
)

const (
	// maxBody bounds the body of a request to send a text, in bytes. The pages of the console take 16,000 characters, and JSON
	// has up to 6 bytes for each. WhatsApp's texts have 4,096 characters at most, and longer ones become several messages.
	maxBody = 128 << 10
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

	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		http.Error(w, fmt.Sprintf("the text is too long: the body is larger than %d bytes", maxBody), http.StatusRequestEntityTooLarge)
		return
	}

	if err != nil || strings.TrimSpace(body.Text) == "" {
		http.Error(w, "the body is not a JSON object with a text", http.StatusBadRequest)
		return
	}

	stored, isRepeated, err := a.SendText(r.Context(), name, body.Text, cmp.Or(r.Header.Get(idempotencyKey), rand.Text()))
	if refused, ok := errors.AsType[*messagesapi.RefusedError](err); ok {
		http.Error(w, refused.Message, refused.Status)
		return
	}

	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	status := http.StatusAccepted
	if isRepeated {
		status = http.StatusOK
	}

	answer(w, status, stored)
}
