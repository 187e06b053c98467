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
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	digits      = 8       // of the number that every message's text is, and its answer's
	maxQuestion = 1 << 16 // bytes
)

// people are senders of messages to the receiver's real binary. The AI and Meta only answer, since they share the machine
// with the receiver. Each message is a number, which the AI repeats, so that every single answer can be counted.
type people struct {
	*rig.Rig
	thinks time.Duration // that the AI takes to answer

	onAnswer   func(message int) // called for each answer that Meta accepts; may be nil
	answers    []atomic.Int32    // by message
	unanswered atomic.Int64      // messages without an answer
	duplicates atomic.Int64      // surplus answers
	answered   chan struct{}     // closed when every message has an answer
}

// newPeople returns the senders of a number of messages to a receiver that does not run yet.
func newPeople(
	binary string,
	settings config.Config,
	secrets map[string]string,
	messages int,
	thinks time.Duration,
) (*people, error) {
	p := &people{
		thinks:   thinks,
		answers:  make([]atomic.Int32, messages),
		answered: make(chan struct{}),
	}
	p.unanswered.Store(int64(messages))

	var err error

	p.Rig, err = rig.New(rig.Options{
		Binary:  binary,
		Config:  settings,
		Secrets: secrets,
		LogLine: func(line string) { fmt.Fprintln(os.Stderr, line) },
	})
	if err != nil {
		return nil, err
	}

	p.WrapBird(func(http.Handler) http.Handler { return http.HandlerFunc(p.replyToQuestion) })
	p.WrapGraph(func(http.Handler) http.Handler { return http.HandlerFunc(p.acceptAnswer) })

	return p, nil
}

// startPeople returns the senders of a number of messages to a receiver that is ready.
func startPeople(
	ctx context.Context,
	binary string,
	settings config.Config,
	secrets map[string]string,
	messages int,
	thinks time.Duration,
) (*people, error) {
	p, err := newPeople(binary, settings, secrets, messages, thinks)
	if err != nil {
		return nil, err
	}

	if err := p.Start(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}

	return p, nil
}

// end stops the receiver in good order and closes everything.
func (p *people) end() error {
	return errors.Join(p.Stop(context.Background()), p.Close())
}

// withBinary builds the receiver's binary for a measurement.
func withBinary[T any](
	measure func(ctx context.Context, binary string) (T, error),
) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		var none T

		dir, err := os.MkdirTemp("", "whatsapp-webhook-bench-")
		if err != nil {
			return none, fmt.Errorf("create folder of the receiver: %w", err)
		}
		defer os.RemoveAll(dir)

		binary, err := child.Build(ctx, dir)
		if err != nil {
			return none, err
		}

		return measure(ctx, binary)
	}
}

// write returns the deliveries of all messages, from a number of conversations, with each of the business numbers in turn.
func (p *people) write(conversations, numbers int) [][]byte {
	return textDeliveries(len(p.answers), conversations, numbers)
}

// textDeliveries returns deliveries of one message each, as people.write does.
func textDeliveries(count, conversations, numbers int) [][]byte {
	requests := make([][]byte, count)

	at := time.Now()
	for i := range requests {
		conversation := i % conversations
		body := standin.TextDelivery(
			strconv.Itoa(106540352242000+conversation%numbers),
			fmt.Sprintf("5730%07d", conversation),
			"Ana",
			standin.Wamid(strconv.Itoa(i)),
			fmt.Sprintf("%0*d", digits, i),
			at,
		)
		requests[i] = signed(folder.AppSecret, body)
	}

	return requests
}

// deliver sends all messages and waits until each has its answer and the receiver has recorded it.
func (p *people) deliver(ctx context.Context, requests [][]byte, connections int) (loadResult, error) {
	before, err := processors()
	if err != nil {
		return loadResult{}, err
	}

	began := time.Now()

	d, err := load(ctx, p.Child.Address(), requests, connections)
	if err != nil {
		return loadResult{}, err
	}

	if err := p.waitAnswered(ctx); err != nil {
		return loadResult{}, err
	}

	d.took = time.Since(began)
	d.spent, err = usageSince(before)

	return d, err
}

// waitAnswered waits until every message has its answer and the receiver has recorded it.
func (p *people) waitAnswered(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()

	select {
	case <-p.answered:
	case <-ctx.Done():
		return fmt.Errorf(
			"%d of %d messages have no answer: %w",
			p.unanswered.Load(),
			len(p.answers),
			ctx.Err(),
		)
	}

	if err := p.Child.WaitProcessed(ctx); err != nil {
		return err
	}

	if n := p.duplicates.Load(); n > 0 {
		return fmt.Errorf("%d answers were sent twice", n)
	}

	return nil
}

// replyToQuestion is the AI.
func (p *people) replyToQuestion(w http.ResponseWriter, r *http.Request) {
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

// acceptAnswer is Meta: it accepts messages and read receipts.
func (p *people) acceptAnswer(w http.ResponseWriter, r *http.Request) {
	message, err := numberAfter(r, `"body":"`)
	switch {
	case errors.Is(err, errNoNumber):
		answer(w, `{"success":true}`)
		return
	case err != nil || message >= len(p.answers):
		http.Error(w, "no answer to any message", http.StatusBadRequest)
		return
	case p.answers[message].Add(1) > 1:
		p.duplicates.Add(1)
	case p.unanswered.Add(-1) == 0:
		close(p.answered)
	}

	if p.onAnswer != nil {
		p.onAnswer(message)
	}

	answer(w, `{"messaging_product":"whatsapp","messages":[{"id":"wamid.`+strconv.Itoa(message)+`"}]}`)
}

var errNoNumber = errors.New("the body has no numbered text")

// numberAfter returns the number of a message that follows mark in the body of a request.
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
