// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bridge-go is a complete Bird bridge without dependencies: replace answer by a call of your AI.
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	maxBody    = 150 << 20 // 100 MiB in base64, and the properties around it
	maxAnswers = 10_000
)

func main() {
	server := &http.Server{
		Addr:              net.JoinHostPort(os.Getenv("HOST"), cmp.Or(os.Getenv("PORT"), "8080")),
		Handler:           &bridge{answers: map[string]*result{}},
		ReadHeaderTimeout: time.Minute,
	}
	log.Fatal(server.ListenAndServe())
}

// request has the properties that this bridge uses, of all methods.
type request struct {
	Method      string
	Text        string
	EventID     string `json:"event_id"`
	ButtonTitle string `json:"button_title"`
	Image       []byte `json:"image_data"`
	Audio       []byte `json:"audio_data"`
}

// result is the answer to an Idempotency-Key. It may be read once done is closed.
type result struct {
	done   chan struct{}
	status int
	body   any
}

// answer returns the status and the body of the answer to a request, whose file has been read.
func answer(r request, file []byte) (int, any) {
	text := strings.TrimSpace(r.Text)

	switch {
	case r.Method == "notify_bird_status_change":
		return http.StatusNoContent, nil
	case r.Method == "process_image_message":
		return reply(fmt.Sprintf("A picture of %d bytes.", len(file)))
	case r.Method == "process_audio_message":
		return reply(fmt.Sprintf("A voice message of %d bytes.", len(file)))
	case r.Method == "process_button_interaction":
		return reply("You chose " + r.ButtonTitle + ".")
	case r.Method != "process_text_message":
		return reply("I cannot read that yet.")
	case text == "agent":
		handoff := map[string]string{"reason": "asked for a person"}
		return http.StatusOK, map[string]any{"response": "A colleague will answer you.", "handoff": handoff}
	case text == "menu":
		return reply(map[string]any{
			"type":    "buttons",
			"text":    "Coffee or tea?",
			"buttons": []string{"Coffee", "Tea"},
		})
	case text == "later" && os.Getenv("MESSAGES_URL") != "":
		go answerLater(r.EventID, "That took a while.")

		return http.StatusAccepted, map[string]bool{"accepted": true}
	default:
		return reply("You wrote: " + text)
	}
}

func reply(response any) (int, any) { return http.StatusOK, map[string]any{"response": response} }

// answerLater posts an answer to the messages API of the receiver.
func answerLater(eventID, response string) {
	body, err := json.Marshal(map[string]string{"in_reply_to": eventID, "response": response})

	for pause := time.Second; err == nil && pause < time.Minute; pause *= 2 { // with the same Idempotency-Key nothing is sent twice
		if err := post(eventID, body); err == nil {
			return
		}

		<-time.After(pause)
	}
}

func post(eventID string, body []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("MESSAGES_URL")+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return err
	}

	r.Header.Set("Authorization", "Bearer "+os.Getenv("MESSAGES_KEY"))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "answer-"+eventID)

	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}

	response.Body.Close()

	if response.StatusCode >= http.StatusInternalServerError || response.StatusCode == http.StatusTooManyRequests {
		return errors.New(response.Status)
	}

	return nil // stored, or refused for good
}

// bridge answers requests, and repeats its answer to a known Idempotency-Key.
type bridge struct {
	mu      sync.Mutex
	answers map[string]*result
	order   []string // of the keys
}

// ServeHTTP implements http.Handler.
func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	want := "AccessKey " + os.Getenv("BRIDGE_KEY") // bird.accessKeySecretRef
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) != 1 {
		write(w, http.StatusUnauthorized, failure("unauthorized"))
		return
	}

	read, file, err := parse(http.MaxBytesReader(w, r.Body, maxBody), r)
	if err != nil {
		write(w, http.StatusBadRequest, failure("bad_request"))
		return
	}

	known, isNew := b.known(r.Header.Get("Idempotency-Key"))
	if isNew {
		known.status, known.body = answer(read, file)
		close(known.done)
	}

	<-known.done
	write(w, known.status, known.body)
}

func failure(code string) any { return map[string]any{"error": map[string]string{"code": code}} }

// parse returns a request and its file, which is in the JSON in base64, or above 4 MiB a part of a form.
func parse(body io.ReadCloser, r *http.Request) (read request, file []byte, err error) {
	r.Body = body

	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		err = json.NewDecoder(body).Decode(&read)
		return read, append(read.Image, read.Audio...), err
	}

	part, _, err := r.FormFile("media")
	if err != nil {
		return read, nil, err
	}
	defer part.Close()

	if err = json.Unmarshal([]byte(r.FormValue("payload")), &read); err == nil {
		file, err = io.ReadAll(part)
	}

	return read, file, err
}

// known returns the answer to a key, and reports whether it is still to be made.
func (b *bridge) known(key string) (known *result, isNew bool) {
	b.mu.Lock()
	defer b.mu.Unlock()

	if earlier := b.answers[key]; earlier != nil {
		return earlier, false
	}

	known = &result{done: make(chan struct{})}
	b.answers[key] = known

	if b.order = append(b.order, key); len(b.order) > maxAnswers {
		delete(b.answers, b.order[0])
		b.order = b.order[1:]
	}

	return known, true
}

func write(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}

	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the receiver has gone: it asks again
}
