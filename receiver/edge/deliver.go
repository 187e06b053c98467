// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// retryAfter is the number of seconds after which Meta should redeliver. Meta redelivers with or without it.
const retryAfter = "5"

// deliver answers 200 only when every event of the delivery is durable: Meta discards a delivery after 200.
func (e *Edge) deliver(w http.ResponseWriter, r *http.Request, settings *config.Snapshot) int {
	began := e.Clock.Now()

	body, releaseBody, status := e.readBody(w, r, settings)
	if status != 0 {
		return status
	}
	defer releaseBody()

	if len(settings.Secrets.AppSecrets) == 0 {
		e.Log.Error("delivery answered 503: no app secret is configured")
		return unavailable(w, "the app secret is not configured yet")
	}

	if !e.signatures.match(body, r.Header.Get("X-Hub-Signature-256"), settings.Secrets.AppSecrets) {
		e.Log.Warn("delivery refused: the signature matches no configured app secret")
		return refuse(w, http.StatusUnauthorized, SignatureRefused)
	}

	// Admission comes after the signature check, so that unsigned requests cannot take capacity from Meta's deliveries.
	acquired := e.Clock.Now()
	if !e.admission.acquire(acquired) {
		e.Log.Warn("delivery answered 503: load shedding, too many deliveries wait for the store")
		return unavailable(w, "too many deliveries at once")
	}
	defer func() { e.admission.release(e.Clock.Now(), acquired) }()

	ctx, span := e.Tracer.Start(r.Context(), "receive delivery")
	status, err := e.ingest(ctx, w, body, settings, began)
	span.End(err)

	return status
}

// ingest stores the events of a delivery whose signature is right, and acknowledges it. The error is for the trace.
func (e *Edge) ingest(
	ctx context.Context,
	w http.ResponseWriter,
	body []byte,
	settings *config.Snapshot,
	began time.Time,
) (status int, err error) {
	events, err := intake.Events(ctx, body, settings.Config, e.Clock.Now().UTC())
	if errors.Is(err, intake.ErrNotJSON) {
		return refuse(w, http.StatusBadRequest, err.Error()), err
	}

	if err != nil {
		e.Log.Log(ctx, logevent.RequestLevel(err), "delivery answered 503: parsing failed", "error", err)
		return unavailable(w, "the delivery could not be prepared for storage"), err
	}

	ctx, cancel := context.WithTimeout(ctx, settings.Webhook.IngestTimeout)
	defer cancel()

	ctx, span := e.Tracer.Start(ctx, "store events", "events", strconv.Itoa(len(events)))
	fresh, err := e.Inbox.Ingest(ctx, events)
	span.End(err)

	if errors.Is(err, store.ErrDiskFull) {
		e.Log.Error("delivery answered 503: the disk of the store is nearly full", "error", err)
		return unavailable(w, "the disk of the store is nearly full"), err
	}

	if err != nil {
		e.Log.Log(ctx, logevent.RequestLevel(err), "delivery answered 503: storing its events failed", "events", len(events), "error", err)
		return unavailable(w, "the delivery could not be stored"), err
	}

	w.WriteHeader(http.StatusOK)
	e.Metrics.Acknowledged(e.Clock.Now().Sub(began))
	e.recordAll(events, fresh)

	return http.StatusOK, nil
}

func unavailable(w http.ResponseWriter, text string) int {
	w.Header().Set("Retry-After", retryAfter)
	return refuse(w, http.StatusServiceUnavailable, text)
}

// recordAll counts the events.
func (e *Edge) recordAll(events []store.Event, fresh []bool) {
	for i, event := range events {
		if fresh[i] {
			e.record(event)
		} else {
			e.Metrics.EventRepeated(string(event.Kind))
		}
	}
}

func (e *Edge) record(event store.Event) {
	e.Metrics.EventStored(string(event.Kind), string(event.State))

	if event.State != store.Quarantined {
		e.standby.record(event)
	}

	switch event.Kind {
	case store.KindMessage:
		e.Metrics.MessageReceived(event.Type, event.ReceivedAt)
	case store.KindStatus:
		e.Metrics.StatusReceived(event.Type)

		if price, message, ok := intake.PriceOf(event); ok && e.pricedMessages.add(message) {
			e.Metrics.MessagePriced(price.Category, price.Type, price.Billable)
		}
	}
}
