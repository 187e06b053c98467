// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package meta plays Meta's side of a webhook for as long as it runs: people who write all the time, and the statuses
// of what is sent to them, each delivered again until it is answered 200. It keeps a record of what was answered so.
package meta

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// maxPending bounds the sent messages whose statuses wait.
	maxPending = 10_000
	// posters is how many messages' statuses are posted at a time.
	posters = 4
	// firstRepeat and lastRepeat are the shortest and the longest wait before a delivery is repeated. Meta's are
	// longer; whoever watches an outage does not want to wait for them.
	firstRepeat = 100 * time.Millisecond
	lastRepeat  = time.Second
)

// Callback is where deliveries go and how they are signed.
type Callback struct {
	URL       string `json:"url"`
	AppSecret string `json:"appSecret"`
}

// Meta delivers. Run must be running for anything but single deliveries.
type Meta struct {
	client   *http.Client
	statuses []string
	pending  chan standin.SentMessage
	loads    chan *load

	mu       sync.Mutex
	callback Callback
	current  *load
	posted   int
	waiting  int
	dropped  int
}

// New makes a Meta that tells each of the statuses, in order, of every message its Sink is told of. The client needs a
// timeout.
func New(client *http.Client, callback Callback, statuses ...string) *Meta {
	return &Meta{
		client:   client,
		callback: callback,
		statuses: statuses,
		pending:  make(chan standin.SentMessage, maxPending),
		loads:    make(chan *load),
	}
}

// Run delivers until ctx ends.
func (m *Meta) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()

	for range posters {
		running.Go(func() { m.postStatuses(ctx) })
	}

	for {
		select {
		case <-ctx.Done():
			return
		case l := <-m.loads:
			for i := range l.Conversations {
				running.Go(func() { m.write(ctx, l, i) })
			}
		}
	}
}

// Sink takes a message for its statuses to be delivered, without blocking; with 10,000 waiting it is dropped and
// counted. It is a Graph's StatusSink.
func (m *Meta) Sink(message standin.SentMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()

	if m.callback.URL == "" {
		return
	}

	select {
	case m.pending <- message:
		m.waiting += len(m.statuses)
	default:
		m.dropped += len(m.statuses)
	}
}

func (m *Meta) postStatuses(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case message := <-m.pending:
			for _, status := range m.statuses {
				recipient := cmp.Or(strings.TrimPrefix(message.To, "+"), message.Recipient)

				body := standin.StatusDelivery(message.PhoneNumberID, message.ID, status, recipient, message.Callback, time.Now())
				if _, acknowledged := m.deliver(ctx, body, func(string, error) {}); !acknowledged {
					return
				}

				m.mu.Lock()
				m.posted++
				m.waiting--
				m.mu.Unlock()
			}
		}
	}
}

// deliver repeats a delivery until it is answered 200, or ctx ends. refused is told of every other answer: its status,
// or NoAnswer and why.
func (m *Meta) deliver(ctx context.Context, body []byte, refused func(answer string, reason error)) (attempts int, acknowledged bool) {
	for wait := firstRepeat; ; wait = min(2*wait, lastRepeat) {
		attempts++
		to := m.Callback()

		status, _, err := standin.Deliver(ctx, m.client, to.URL, to.AppSecret, body)
		switch {
		case ctx.Err() != nil:
			return attempts, false
		case err != nil:
			refused(NoAnswer, err)
		case status == http.StatusOK:
			return attempts, true
		default:
			refused(strconv.Itoa(status), nil)
		}

		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}

		timer.Stop()
	}
}

// Callback returns where deliveries go now.
func (m *Meta) Callback() Callback {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.callback
}

// SetCallback changes where deliveries go, also those that are being repeated.
func (m *Meta) SetCallback(to Callback) {
	m.mu.Lock()
	defer m.mu.Unlock()

	m.callback = to
}
