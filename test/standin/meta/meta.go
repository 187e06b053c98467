// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package meta is a stand-in for Meta's deliveries: it delivers the messages of people who write continuously, and the
// statuses of the messages sent to them. It repeats each delivery until it is answered 200, and records which were.
package meta

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// maxPending bounds the sent messages whose statuses are queued.
	maxPending = 10_000
	// posters is how many messages have their statuses delivered concurrently.
	posters = 4
	// minBackoff and maxBackoff are the shortest and the longest wait before a delivery is repeated. Meta's are longer,
	// which would make tests of an outage slow.
	minBackoff = 100 * time.Millisecond
	maxBackoff = time.Second
)

// Callback is the target of deliveries.
type Callback struct {
	URL string `json:"url"`
	// AppSecret signs the deliveries.
	AppSecret string `json:"appSecret"`
}

// Meta sends deliveries. Except for single deliveries through the control API it needs Run to be running.
type Meta struct {
	// Clock times messages, statuses and repetitions. New sets the real clock.
	Clock clockwork.Clock
	// CallbackSet is called with each new target of deliveries, if set.
	CallbackSet func(Callback)

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

// New returns a Meta that delivers the given statuses, in order, for every message passed to its Sink. The client needs
// a timeout.
func New(client *http.Client, callback Callback, statuses ...string) *Meta {
	return &Meta{
		Clock:    clockwork.NewRealClock(),
		client:   client,
		callback: callback,
		statuses: statuses,
		pending:  make(chan standin.SentMessage, maxPending),
		loads:    make(chan *load),
	}
}

// Run sends deliveries until ctx ends.
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

// Sink queues a message to deliver its statuses, without blocking. If 10,000 messages are queued it drops and counts
// them. It is a Graph's StatusSink.
func (m *Meta) Sink(message standin.SentMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()

	if m.callback.URL == "" {
		return
	}

	select {
	case m.pending <- message:
		m.waiting += len(message.Statuses(m.statuses, time.Time{}))
	default:
		m.dropped += len(message.Statuses(m.statuses, time.Time{}))
	}
}

func (m *Meta) postStatuses(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case message := <-m.pending:
			for _, status := range message.Statuses(m.statuses, m.Clock.Now()) {
				if _, acknowledged := m.deliver(ctx, status.Delivery(), func(string, error) {}); !acknowledged {
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

// deliver repeats a delivery until it is answered 200 or ctx ends. It calls refused for every other answer, with the
// status or with NoAnswer and the error.
func (m *Meta) deliver(
	ctx context.Context,
	body []byte,
	refused func(answer string, reason error),
) (attempts int, acknowledged bool) {
	for wait := minBackoff; ; wait = min(2*wait, maxBackoff) {
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

		timer := m.Clock.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.Chan():
		}

		timer.Stop()
	}
}

// Callback returns the current target of deliveries.
func (m *Meta) Callback() Callback {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.callback
}

// SetCallback changes the target of deliveries, including those being repeated.
func (m *Meta) SetCallback(to Callback) {
	m.mu.Lock()
	m.callback = to
	m.mu.Unlock()

	if m.CallbackSet != nil {
		m.CallbackSet(to)
	}
}
