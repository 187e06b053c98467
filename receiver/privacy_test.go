// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestNothingPersonalLeaks sends every sample delivery and every kind of fault through a receiver with debug logging, and
// searches all of its output for phone numbers, names, words, message ids and secrets.
func TestNothingPersonalLeaks(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		c.CloudAPI.PhoneNumberIDs = nil
		c.Bird.Endpoints = map[string]config.Endpoint{"process_other_message": {Enabled: new(true)}}
		c.Processing.HandoffDuration = time.Millisecond
		c.Processing.Retry.MaxRetries = new(1)
	})
	log := &logBuffer{}

	h.log = log
	h.malformed = true

	for _, f := range []standin.Fault{
		{PathPrefix: "/v1/messages", Status: http.StatusServiceUnavailable, Times: 3},
		{
			PathPrefix: "/v1/messages",
			Status:     http.StatusBadRequest,
			Body:       `{"error":{"message":"cannot say SECRETWORD to 573001234567"}}`,
			Times:      3,
		},
		{PathPrefix: "/v1/messages", Status: http.StatusUnauthorized, Times: 3},
		{PathPrefix: "/v1/messages", Cut: standin.CutMidBody, Times: 3},
		{PathPrefix: "/v1/messages", Status: http.StatusOK, Body: `{"SECRETWORD":"573001234567"}`, Times: 3},
		{PathPrefix: "/v1/statuses", Status: http.StatusInternalServerError, Body: "573001234567", Times: 5},
	} {
		h.Bird.Faults.Add(f)
	}

	for _, code := range []int{190, 131056, 131026, 131047, 131000} {
		f := standin.GraphError(code, "SECRETWORD for 573001234567", 0)
		f.Times = 2
		h.Graph.Faults.Add(f)
	}

	h.Graph.Faults.Add(standin.Fault{Cut: standin.CutAfter, Times: 3})
	h.sink.front.Faults.Add(standin.Fault{
		Status: http.StatusBadGateway,
		Body:   "573001234567",
		Times:  3,
	})
	h.start()

	files, err := filepath.Glob("whatsapp/testdata/deliveries/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no deliveries: %v", err)
	}

	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		h.deliver(http.StatusOK, h.hostMedia(body))
	}

	for i := range 30 {
		h.deliver(http.StatusOK, textDelivery(ana, standin.Wamid(fmt.Sprint(i)), "SECRETWORD number "+fmt.Sprint(i)))
	}

	status, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), "wrong-secret", textDelivery(ana, "wamid.forged", "SECRETWORD"))
	if err != nil || status != http.StatusUnauthorized {
		t.Fatalf("forged delivery answered %d, %v", status, err)
	}

	h.waitIdle()
	h.checkNothingPersonal(log)
}

// TestNothingPersonalLeaksWithAModel does the same with a model as the AI, whose errors repeat what people wrote.
func TestNothingPersonalLeaksWithAModel(t *testing.T) {
	h := newModelHarness(t, func(c *config.Config) {
		c.CloudAPI.PhoneNumberIDs = nil
		c.Processing.HandoffDuration = time.Millisecond
		c.Processing.Retry.MaxRetries = new(1)
		c.OpenAI.InstructionsFile = filepath.Join(t.TempDir(), "prompt.md")
	})
	log := &logBuffer{}
	h.log = log

	if err := os.WriteFile(h.Config.OpenAI.InstructionsFile, []byte("SECRETWORD"), 0o600); err != nil {
		t.Fatal(err)
	}

	for _, refusal := range []standin.OpenAIError{
		{Status: http.StatusBadRequest, Message: "cannot say SECRETWORD to 573001234567", Code: "SECRETWORD to Luis"},
		{Status: http.StatusNotFound, Message: "no model SECRETWORD"},
		{Status: http.StatusTooManyRequests, Message: "SECRETWORD", Type: "573001234567"},
		{Status: http.StatusServiceUnavailable, Message: "SECRETWORD"},
		{Status: http.StatusBadRequest, Message: "SECRETWORD", Code: "content_filter"},
	} {
		f := refusal.Fault()
		f.Times = 3
		h.OpenAI.Faults.Add(f)
	}

	for _, body := range []string{
		`{"choices":[{"message":{"refusal":"SECRETWORD"}}]}`,
		`{"choices":[{"message":{"tool_calls":[{"function":{"name":"SECRETWORD","arguments":"573001234567"}}]}}]}`,
		`{"error":{"code":"SECRETWORD 573001234567"}}`,
		"SECRETWORD",
	} {
		h.OpenAI.Faults.Add(standin.Fault{Status: http.StatusOK, Body: body, Times: 2})
	}

	h.start()

	files, err := filepath.Glob("whatsapp/testdata/deliveries/message.*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no deliveries: %v", err)
	}

	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		h.deliver(http.StatusOK, h.hostMedia(body))
	}

	for i := range 30 {
		h.deliver(http.StatusOK, textDelivery(person(i), standin.Wamid(fmt.Sprint(i)), "SECRETWORD number "+fmt.Sprint(i)))
	}

	h.waitIdle()
	h.checkNothingPersonal(log)
}

// checkNothingPersonal searches what the receiver shows for phone numbers, names, words, message ids and secrets.
func (h *harness) checkNothingPersonal(log *logBuffer) {
	t := h.t
	t.Helper()

	_, metrics := h.adminPage("/metrics")
	_, figures := h.adminPage("/status")

	var failures strings.Builder

	records, err := h.Local.Store().List(t.Context(), store.Filter{}, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}

	for _, record := range records {
		fmt.Fprintln(&failures, record.Failures)
	}

	var headers strings.Builder
	for _, call := range h.sink.front.Recorder.Calls() {
		fmt.Fprintln(&headers, call.Method, call.Path, call.Query, call.Header)
	}

	if log.String() == "" || failures.Len() == 0 || headers.Len() == 0 {
		t.Fatal("there is no output to search")
	}

	shown := h.shownWithoutReveal()

	personal := rig.Personal()
	for what, shown := range map[string]string{
		"log":            log.String(),
		"metrics":        metrics,
		"status":         figures,
		"failures":       failures.String(),
		"notice headers": headers.String(),
		"console":        shown,
	} {
		if found := personal.FindAllString(shown, 5); found != nil {
			t.Errorf("%s shows %q", what, found)

			for line := range strings.Lines(shown) {
				if personal.MatchString(line) {
					t.Logf("  %s", line)
					break
				}
			}
		}
	}
}

// shownWithoutReveal returns everything that the console API shows without being asked to reveal persons.
func (h *harness) shownWithoutReveal() string {
	h.t.Helper()

	var (
		all strings.Builder
		ids []string
	)

	get := func(path string) string {
		var body string

		h.console(http.StatusOK, http.MethodGet, path, &body)
		all.WriteString(body)

		return body
	}

	for path := "/v1/events?limit=100"; path != ""; {
		var page consoleapi.EventPage
		if err := json.Unmarshal([]byte(get(path)), &page); err != nil {
			h.t.Fatal(err)
		}

		for _, event := range page.Events {
			ids = append(ids, event.ID)
		}

		path = ""
		if page.Next != 0 {
			path = fmt.Sprint("/v1/events?limit=100&before=", page.Next)
		}
	}

	for _, id := range ids {
		get("/v1/events/" + id)
	}

	get("/v1/dead-letters?state=all")
	get("/v1/dead-letters/causes?state=all")
	get("/v1/jobs")

	var page consoleapi.ConversationPage
	if err := json.Unmarshal([]byte(get("/v1/conversations?limit=500")), &page); err != nil {
		h.t.Fatal(err)
	}

	for _, conversation := range page.Conversations {
		get("/v1/conversations/" + conversation.ID)
		get("/v1/conversations/" + conversation.ID + "/messages?limit=500")
	}

	if len(ids) == 0 || len(page.Conversations) == 0 {
		h.t.Fatal("the console shows no events or no conversations")
	}

	return all.String()
}
