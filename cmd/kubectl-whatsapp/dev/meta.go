// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// displayNumber is the business number as phones show it.
	displayNumber = "+1 555 078 3881"
	// maxDeliveries bounds the deliveries that wait, and maxReports the messages whose statuses are not all delivered.
	maxDeliveries = 200
	maxReports    = 200
	// deliveryTimeout is how long the receiver has for an answer.
	deliveryTimeout = 15 * time.Second
	// swapTimeout is how long a delivery waits for the next one, to come after it.
	swapTimeout = 5 * time.Second
)

var errBusy = errors.New("too many messages wait for their delivery: try again in a moment")

// Ticks are the times from a message of the business to its statuses.
type Ticks struct{ Sent, Delivered, Read time.Duration }

// DefaultTicks are slow enough to be seen.
var DefaultTicks = Ticks{
	Sent:      200 * time.Millisecond,
	Delivered: 700 * time.Millisecond,
	Read:      1500 * time.Millisecond,
}

// meta delivers what people write, and the statuses of what the business sends.
type meta struct {
	server  *Server
	client  *http.Client
	queue   chan delivery
	reports chan struct{} // a place for each message whose statuses are being delivered
	newest  atomic.Pointer[string]

	mu     sync.Mutex
	events map[string]string // the person of an event
	order  []string
}

func newMeta(s *Server) *meta {
	return &meta{
		server:  s,
		client:  &http.Client{Timeout: deliveryTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
		queue:   make(chan delivery, maxDeliveries),
		reports: make(chan struct{}, maxReports),
		events:  map[string]string{},
	}
}

func (m *meta) close() { m.client.CloseIdleConnections() }

// remember notes whose event it is, for the traces.
func (m *meta) remember(eventID, person string) {
	const maxRemembered = 2000

	m.mu.Lock()
	defer m.mu.Unlock()

	if _, known := m.events[eventID]; !known {
		m.order = append(m.order, eventID)
	}

	m.events[eventID] = person

	if len(m.order) > maxRemembered {
		delete(m.events, m.order[0])
		m.order = m.order[1:]
	}
}

// personOf returns the person of an event, or nothing.
func (m *meta) personOf(eventID string) string {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.events[eventID]
}

// newestEvent returns the id of the event that was delivered last.
func (m *meta) newestEvent() string {
	if newest := m.newest.Load(); newest != nil {
		return *newest
	}

	return ""
}

// deliver queues a message of a person.
func (m *meta) deliver(p standin.PersonMessage, d delivery) error {
	p.PhoneNumberID = phoneNumberID
	p.WaID = d.person.Number
	p.Name = d.person.Name
	p.At = m.server.clock.Now()
	d.body = p.Delivery()
	d.eventID = eventOf(p.ID)

	m.remember(d.eventID, d.person.ID)

	select {
	case m.queue <- d:
		return nil
	default:
		return errBusy
	}
}

// eventOf returns the id of the receiver's event for a message.
func eventOf(message string) string {
	return store.NewID(store.KindMessage, phoneNumberID, message).String()
}

// run delivers the messages of people, in order.
func (m *meta) run() {
	var held *delivery // by the fault out-of-order, until another one or timeout

	timeout := time.NewTimer(swapTimeout)
	defer timeout.Stop()

	for {
		select {
		case <-m.server.ctx.Done():
			return
		case <-timeout.C:
			if held != nil {
				m.first(*held)

				held = nil
			}
		case d := <-m.queue:
			if held == nil && m.server.faults.isOn(FaultOutOfOrder) {
				m.fault(FaultOutOfOrder, d, "This message is held back: the next one is delivered first",
					"Meta promises no order. The receiver processes messages as they arrive, and the timestamps go to the AI.")

				held = &d

				timeout.Reset(swapTimeout)

				continue
			}

			m.first(d)

			if held != nil {
				m.first(*held)

				held = nil
			}
		}
	}
}

func (m *meta) fault(name string, d delivery, title, detail string) {
	m.server.journal.add(Trace{
		EventID: d.eventID,
		Person:  d.person.ID,
		Kind:    TraceFault,
		Level:   LevelWarning,
		Title:   title,
		Detail:  detail,
		Code:    name,
	})
}
