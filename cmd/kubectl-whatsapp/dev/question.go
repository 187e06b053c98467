// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// about says which event a question is about, and what it asks.
type about struct {
	eventID string
	what    string
	// status is the message that a status is about, if one is reported to the AI.
	status string
}

// questionAbout reads what a question is about: the body in the contract's form, or the Idempotency-Key of one with a file
// beside it. A question to a model has neither.
func questionAbout(r *http.Request, body *captured) about {
	var question struct {
		Method  string `json:"method"`
		EventID string `json:"event_id"`
		Message string `json:"message_id"`
		Model   string `json:"model"`
	}

	_ = json.Unmarshal(body.Bytes(), &question) // a multipart form is not JSON: the fields stay empty

	a := about{eventID: question.EventID, what: question.Method}
	if question.Method == config.NotifyStatus {
		a.status = question.Message
	}

	if method, rest, ok := strings.Cut(r.Header.Get("Idempotency-Key"), ":"); ok && a.eventID == "" {
		number, message, _ := strings.Cut(rest, ":")
		if before, replay, isReplay := strings.Cut(message, ":r"); isReplay && replay != "" {
			message = before
		}

		a.what = method
		a.eventID = store.NewID(store.KindMessage, number, message).String()
	}

	if a.what == "" {
		a.what = path.Base(r.URL.Path)
		if question.Model != "" {
			a.what = question.Model
		}
	}

	return a
}
