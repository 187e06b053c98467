// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// redeliveries are the waits before Meta delivers again what was not answered 200. Meta goes on for 7 days.
var redeliveries = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}

// delivery is a delivery of one message of a person.
type delivery struct {
	person  Person
	message string // the id of a message in the chat; empty for an edit, a deletion or a reaction
	eventID string
	what    string
	body    []byte
}

// first delivers a message for the first time, with the faults that are on.
func (m *meta) first(d delivery) {
	faults := m.server.faults

	if faults.takeOnce(FaultBadSignature) {
		m.fault(FaultBadSignature, d, "Delivered with a signature that is not Meta's",
			"The receiver answers 401 and stores nothing. Meta's own delivery follows.")
		m.post(d.body, "forged", d.trace("forged, "))
		faults.turnOff(FaultBadSignature, "The next delivery is signed by Meta again.")
	}

	if faults.takeOnce(FaultDuplicate) {
		m.fault(FaultDuplicate, d, "Delivered three times at once",
			"The receiver answers 200 each time. It stores the message once, asks once and answers once.")

		var copies sync.WaitGroup
		for range 2 {
			copies.Go(func() { m.post(d.body, m.server.secrets.appSecret, d.trace("a copy, ")) })
		}

		defer func() {
			copies.Wait()
			faults.turnOff(FaultDuplicate, "Messages are delivered once again.")
		}()
	}

	m.newest.Store(&d.eventID)

	if m.attempt(d) {
		return
	}

	m.server.tasks.Go(func() { m.redeliver(d) })
}

// trace returns the trace of a delivery, except for its result.
func (d delivery) trace(how string) Trace {
	return Trace{
		EventID: d.eventID,
		Person:  d.person.ID,
		Kind:    TraceDelivery,
		Title:   fmt.Sprintf("Delivered to the receiver: %s%s", how, d.what),
	}
}

// attempt delivers a message, and shows that it was sent if the receiver has taken it.
func (m *meta) attempt(d delivery) (taken bool) {
	m.server.rig.Graph.Observe(d.body)

	if m.post(d.body, m.server.secrets.appSecret, d.trace("")) != http.StatusOK {
		return false
	}

	m.server.chat.setStatus(d.message, StatusSent, nil)
	m.stored(d)

	return true
}

// stored says what the receiver has stored of a delivery.
func (m *meta) stored(d delivery) {
	id, err := store.ParseID(d.eventID)
	if err != nil {
		return
	}

	record, err := m.server.rig.Local.Store().Get(m.server.ctx, id)
	if err != nil {
		return // the receiver ends
	}

	t := Trace{
		EventID: d.eventID,
		Person:  d.person.ID,
		Kind:    TraceEvent,
		Title:   fmt.Sprintf("Stored as an event of type %s", record.Event.Type),
	}

	if state := record.Event.State; state != store.Pending && state != store.Done {
		t.Title += ", " + string(state)
	}

	m.server.journal.add(t)
}

// redeliver repeats a delivery that was not answered 200.
func (m *meta) redeliver(d delivery) {
	for _, wait := range redeliveries {
		if !m.sleep(wait) || m.attempt(d) {
			return
		}
	}

	m.server.chat.setStatus(d.message, StatusFailed, &Failure{Text: "the receiver does not take the delivery"})
}

// sleep waits in real time. It reports false if the server ends.
func (m *meta) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
		return true
	case <-m.server.ctx.Done():
		return false
	}
}

// post posts a delivery, records it and returns the status of the answer, or 0.
func (m *meta) post(body []byte, secret string, t Trace) int {
	began := time.Now()
	status, answer, err := standin.Deliver(m.server.ctx, m.client, m.server.rig.Local.WebhookURL(), secret, body)

	if errors.Is(err, context.Canceled) {
		return 0
	}

	request := &captured{}
	_, _ = request.Write(body)

	response := &captured{}
	_, _ = response.Write(answer)

	t.TookMS = time.Since(began).Milliseconds()
	t.Exchange = &Exchange{
		Method:   http.MethodPost,
		URL:      m.server.rig.Local.WebhookURL(),
		Status:   status,
		Request:  request.show("application/json"),
		Response: response.show("text/plain"),
	}

	switch status {
	case http.StatusOK:
		t.Level = LevelOK
		t.Title += " → 200"
	case 0:
		t.Level = LevelError
		t.Title += " → no answer"
	default:
		t.Level = LevelWarning
		t.Code = strconv.Itoa(status)
		t.Title += " → " + t.Code
	}

	m.server.journal.add(t)

	return status
}
