// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	digits      = 8       // of the number that every message's text is, and its answer's
	maxQuestion = 1 << 16 // bytes
)

// people write to the receiver's real binary, between an AI and a Meta that do nothing but answer: they share the machine
// with what is measured. Each message is a number, which the AI repeats, so that every single answer is accounted for.
type people struct {
	receiver  *child.Receiver
	dir       string
	ai, graph *httptest.Server
	thinks    time.Duration // that the AI takes to answer

	told    func(message int) // called for each answer that Meta takes; may be nil
	answers []atomic.Int32    // by message
	left    atomic.Int64      // messages without an answer
	twice   atomic.Int64      // answers too many
	all     chan struct{}     // closed when no message is left without an answer
}

// newPeople have the given number of messages to write.
func newPeople(messages int, thinks time.Duration) *people {
	p := &people{
		thinks:  thinks,
		answers: make([]atomic.Int32, messages),
		all:     make(chan struct{}),
	}
	p.left.Store(int64(messages))
	p.ai = httptest.NewServer(http.HandlerFunc(p.think))
	p.graph = httptest.NewServer(http.HandlerFunc(p.take))

	return p
}

// withBinary gives the receiver's binary to what measures it.
func withBinary[T any](measure func(ctx context.Context, binary string) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		var none T

		dir, err := os.MkdirTemp("", "whatsapp-webhook-bench-")
		if err != nil {
			return none, fmt.Errorf("make a folder for the receiver: %w", err)
		}
		defer os.RemoveAll(dir)

		binary, err := child.Build(ctx, dir)
		if err != nil {
			return none, err
		}

		return measure(ctx, binary)
	}
}

// meet are people who write to a receiver of their own.
func meet(ctx context.Context, binary string, settings config.Config, secrets map[string]string, messages int, thinks time.Duration) (*people, error) {
	p := newPeople(messages, thinks)
	if err := p.start(ctx, binary, settings, secrets); err != nil {
		return nil, errors.Join(err, p.part())
	}

	return p, nil
}

// start starts the binary with the given settings, which lack only the addresses of both stand-ins, and returns once it is
// ready.
func (p *people) start(ctx context.Context, binary string, settings config.Config, secrets map[string]string) (err error) {
	if p.dir, err = os.MkdirTemp("", "whatsapp-webhook-bench-"); err != nil {
		return fmt.Errorf("make a folder for the receiver: %w", err)
	}

	settings.CloudAPI.BaseURL = p.graph.URL
	settings.Bird.BaseURL = p.ai.URL

	receiver, err := child.New(child.Options{
		Binary:  binary,
		Dir:     p.dir,
		Config:  settings,
		Secrets: secrets,
		Log:     func(line string) { fmt.Fprintln(os.Stderr, line) },
	})
	if err != nil {
		return err
	}

	if err := receiver.Start(ctx); err != nil {
		return err
	}

	p.receiver = receiver

	return p.untilReady(ctx)
}

// untilReady waits until the receiver would take a delivery.
func (p *people) untilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.receiver.AdminURL()+"/readyz", http.NoBody)
		if err != nil {
			return err
		}

		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("wait until the receiver is ready: %w", err)
		}

		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}

		if err := sleep(ctx, 2*time.Millisecond); err != nil {
			return fmt.Errorf("the receiver does not get ready: %w", err)
		}
	}
}

// part ends everything.
func (p *people) part() error {
	var err error
	if p.receiver != nil {
		err = p.receiver.Stop(context.Background())
	}

	p.ai.Close()
	p.graph.Close()

	return errors.Join(err, os.RemoveAll(p.dir))
}

// write makes the deliveries, of one message each, from the given number of conversations in turn with each of the
// business numbers.
func (p *people) write(conversations, numbers int) [][]byte {
	requests := make([][]byte, len(p.answers))

	at := time.Now()
	for i := range requests {
		conversation := i % conversations
		body := standin.TextDelivery(strconv.Itoa(106540352242000+conversation%numbers), fmt.Sprintf("5730%07d", conversation), "Ana",
			standin.Wamid(strconv.Itoa(i)), fmt.Sprintf("%0*d", digits, i), at)
		requests[i] = signed(folder.AppSecret, body)
	}

	return requests
}

// deliver sends all messages, and waits until each has its answer and the receiver has recorded that.
func (p *people) deliver(ctx context.Context, requests [][]byte, connections int) (loaded, error) {
	before, err := processors()
	if err != nil {
		return loaded{}, err
	}

	began := time.Now()

	d, err := load(ctx, p.address(), requests, connections)
	if err != nil {
		return loaded{}, err
	}

	if err := p.settle(ctx); err != nil {
		return loaded{}, err
	}

	d.took = time.Since(began)
	d.spent, err = usageSince(before)

	return d, err
}

// settle waits until every message has its answer, and the receiver has recorded that.
func (p *people) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()

	select {
	case <-p.all:
	case <-ctx.Done():
		return fmt.Errorf("%d of %d messages have no answer: %w", p.left.Load(), len(p.answers), ctx.Err())
	}

	for {
		status, err := p.receiver.Status(ctx)
		if err != nil {
			return err
		}

		if status.Backlog != nil && status.Pending == 0 {
			if n := p.twice.Load(); n > 0 {
				return fmt.Errorf("%d answers were sent again", n)
			}

			return nil
		}

		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// address is where the receiver takes deliveries, host:port.
func (p *people) address() string {
	return strings.TrimSuffix(strings.TrimPrefix(p.receiver.WebhookURL(), "http://"), webhookRoute)
}

// think is the AI.
func (p *people) think(w http.ResponseWriter, r *http.Request) {
	question, err := numberAfter(r, `"text":"`)
	if errors.Is(err, errNoNumber) { // a status
		answer(w, `{"success":true}`)
		return
	}

	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	if p.thinks > 0 && sleep(r.Context(), p.thinks) != nil {
		return
	}

	answer(w, `{"response":"`+fmt.Sprintf("%0*d", digits, question)+`"}`)
}

// take is Meta: it takes messages and read receipts.
func (p *people) take(w http.ResponseWriter, r *http.Request) {
	message, err := numberAfter(r, `"body":"`)
	switch {
	case errors.Is(err, errNoNumber):
		answer(w, `{"success":true}`)
		return
	case err != nil || message >= len(p.answers):
		http.Error(w, "no answer to any message", http.StatusBadRequest)
		return
	case p.answers[message].Add(1) > 1:
		p.twice.Add(1)
	case p.left.Add(-1) == 0:
		close(p.all)
	}

	if p.told != nil {
		p.told(message)
	}

	answer(w, `{"messaging_product":"whatsapp","messages":[{"id":"wamid.`+strconv.Itoa(message)+`"}]}`)
}

var errNoNumber = errors.New("the body has no numbered text")

// numberAfter reads the number of a message out of a request's body.
func numberAfter(r *http.Request, mark string) (int, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxQuestion))
	if err != nil {
		return 0, err
	}

	_, rest, found := bytes.Cut(body, []byte(mark))
	if !found || len(rest) < digits {
		return 0, errNoNumber
	}

	return strconv.Atoi(string(rest[:digits]))
}

func answer(w http.ResponseWriter, body string) {
	w.Header()["Content-Type"] = []string{"application/json"}
	_, _ = io.WriteString(w, body)
}
