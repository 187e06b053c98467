// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bridge-go is a complete Bird bridge without dependencies: replace answer by a call of your AI.
package main

import (
	"bytes"
	"cmp"
	"crypto/subtle"
	"encoding/json"
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

// request has the properties that this bridge uses, of all methods.
type request struct {
	Method      string
	Text        string
	EventID     string `json:"event_id"`
	ButtonTitle string `json:"button_title"`
	Image       []byte `json:"image_data"`
	Audio       []byte `json:"audio_data"`
}

type reply map[string]any

// answer returns the answer to a request, whose file has been read; nil for none.
func answer(r request, file []byte) reply {
	switch {
	case r.Method == "notify_bird_status_change":
		return nil
	case r.Method == "process_image_message":
		return reply{"response": fmt.Sprintf("A picture of %d bytes.", len(file))}
	case r.Method == "process_audio_message":
		return reply{"response": fmt.Sprintf("A voice message of %d bytes.", len(file))}
	case r.Method == "process_button_interaction":
		return reply{"response": "You chose " + r.ButtonTitle + "."}
	case r.Method != "process_text_message":
		return reply{"response": "I cannot read that yet."}
	case r.Text == "agent":
		return reply{"response": "A colleague will answer you.", "handoff": reply{"reason": "asked for a person"}}
	case r.Text == "menu":
		return reply{"response": json.RawMessage(`{"type":"buttons","text":"Coffee or tea?","buttons":["Coffee","Tea"]}`)}
	case r.Text == "later" && os.Getenv("MESSAGES_URL") != "":
		go answerLater(r.EventID, "That took a while.")

		return reply{"accepted": true}
	default:
		return reply{"response": "You wrote: " + r.Text}
	}
}

// answerLater posts an answer to the messages API of the receiver. With the same Idempotency-Key nothing is sent twice.
func answerLater(eventID, response string) {
	body, _ := json.Marshal(map[string]string{"in_reply_to": eventID, "response": response}) // strings always encode
	client := http.Client{Timeout: 10 * time.Second}

	for pause := time.Second; pause < time.Minute; pause *= 2 {
		r, err := http.NewRequest(http.MethodPost, os.Getenv("MESSAGES_URL")+"/v1/messages", bytes.NewReader(body)) //nolint:noctx // Timeout
		if err != nil {
			log.Print("MESSAGES_URL is not a URL")
			return
		}

		r.Header.Set("Authorization", "Bearer "+os.Getenv("MESSAGES_KEY"))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "answer-"+eventID)

		if response, err := client.Do(r); err == nil {
			response.Body.Close()

			if response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests {
				return // stored, or refused for good
			}
		}

		<-time.After(pause)
	}
}

// bridge remembers its answers, so that a repetition gets the same.
type bridge struct {
	key     string
	mu      sync.Mutex
	answers map[string]func() reply // by Idempotency-Key
}

// ServeHTTP implements http.Handler.
func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")

	want := "AccessKey " + b.key
	if b.key != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) != 1 {
		refuse(w, http.StatusUnauthorized, "unauthorized")
		return
	}

	read, file, err := parse(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_request")
		return
	}

	given := b.once(r.Header.Get("Idempotency-Key"), func() reply { return answer(read, file) })()

	switch {
	case given == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	case given["accepted"] != nil:
		w.WriteHeader(http.StatusAccepted)
	}

	_ = json.NewEncoder(w).Encode(given) // the receiver has gone: it asks again
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"code":%q}}`, code)
}

// once returns the function that answers a key: it calls answer once, and returns the same to each caller.
func (b *bridge) once(key string, answer func() reply) func() reply {
	b.mu.Lock()
	defer b.mu.Unlock()

	if b.answers[key] == nil {
		if len(b.answers) >= 10_000 {
			clear(b.answers)
		}

		b.answers[key] = sync.OnceValue(answer)
	}

	return b.answers[key]
}

// parse returns a request and its file, which is in the JSON in base64, or above 4 MiB a part of a form.
func parse(r *http.Request) (read request, file []byte, err error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		err = json.NewDecoder(r.Body).Decode(&read)
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

func main() {
	const maxBody = 150 << 20 // 100 MiB in base64, and the properties around it

	b := &bridge{
		key:     os.Getenv("BRIDGE_KEY"), // bird.accessKeySecretRef; without it only this machine may call
		answers: map[string]func() reply{},
	}

	host := os.Getenv("HOST")
	if b.key == "" {
		host = cmp.Or(host, "127.0.0.1")
	}

	port := cmp.Or(os.Getenv("PORT"), "8000")
	server := &http.Server{
		Addr:              net.JoinHostPort(host, port),
		Handler:           http.MaxBytesHandler(b, maxBody),
		ReadHeaderTimeout: time.Minute,
	}

	fmt.Fprintf(os.Stdout, "The bridge listens on port %s, with a key: %t\n", port, b.key != "")
	log.Fatal(server.ListenAndServe())
}
