// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// retryAfter asks Meta to wait, in seconds, when a delivery could not be stored. It is sent again either way.
const retryAfter = "5"

// deliver answers 200 only when every event of the delivery is durable, since only then may Meta forget it.
func (e *Edge) deliver(w http.ResponseWriter, r *http.Request, settings *config.Snapshot) int {
	began := e.Now()

	body, release, status := e.readBody(w, r, settings)
	if status != 0 {
		return status
	}
	defer release()

	if len(settings.Secrets.AppSecrets) == 0 {
		e.Log.Error("delivery put off: the app secret is missing")
		return unavailable(w, "the app secret is not configured yet")
	}

	if !signed(body, r.Header.Get("X-Hub-Signature-256"), settings.Secrets.AppSecrets) {
		e.Log.Warn("delivery refused: no signature of a configured app secret")
		return refuse(w, http.StatusUnauthorized, "X-Hub-Signature-256 does not match any configured app secret")
	}
	// After the signature, since a stranger must not take the room of others.
	entered := e.Now()
	if !e.waiting.enter(entered) {
		e.Log.Warn("delivery put off: others wait for the store")
		return unavailable(w, "too many deliveries at once")
	}
	defer func() { e.waiting.leave(e.Now(), entered) }()

	ctx, span := e.Tracer.Start(r.Context(), "receive delivery")
	status, err := e.keep(ctx, w, body, settings, began)
	span.End(err)

	return status
}

// keep stores what is in a delivery whose signature is right, and acknowledges it. The error is for the trace.
func (e *Edge) keep(ctx context.Context, w http.ResponseWriter, body []byte, settings *config.Snapshot, began time.Time) (status int, err error) {
	events, err := intake.Events(ctx, body, settings.Config, e.Now().UTC())
	if errors.Is(err, whatsapp.ErrNotJSON) {
		return refuse(w, http.StatusBadRequest, err.Error()), err
	}

	if err != nil {
		e.Log.Error("delivery put off", "error", err)
		return unavailable(w, "the delivery could not be prepared for storage"), err
	}

	ctx, cancel := context.WithTimeout(ctx, settings.Webhook.IngestTimeout)
	defer cancel()

	ctx, span := e.Tracer.Start(ctx, "store events", "events", strconv.Itoa(len(events)))
	fresh, err := e.Inbox.Ingest(ctx, events)
	span.End(err)

	if err != nil {
		e.Log.Error("delivery put off: not stored", "events", len(events), "error", err)
		return unavailable(w, "the delivery could not be stored"), err
	}

	w.WriteHeader(http.StatusOK)
	e.Metrics.Acknowledged(e.Now().Sub(began))
	e.count(events, fresh)

	return http.StatusOK, nil
}

func unavailable(w http.ResponseWriter, text string) int {
	w.Header().Set("Retry-After", retryAfter)
	return refuse(w, http.StatusServiceUnavailable, text)
}

// count records what was new, and wakes the engine when there is work.
func (e *Edge) count(events []store.Event, fresh []bool) {
	var work []store.Class
	for i, event := range events {
		if !fresh[i] {
			e.Metrics.EventRepeated(string(event.Kind))
			continue
		}

		e.Metrics.EventStored(string(event.Kind), string(event.State))

		if event.Kind == store.KindMessage {
			e.Metrics.MessageReceived(event.Type, event.ReceivedAt)
		}

		if event.Kind == store.KindStatus {
			e.Metrics.StatusReceived(event.Type)
		}

		if event.State == store.Pending && !slices.Contains(work, event.Class) {
			work = append(work, event.Class)
		}

		if event.Status != nil && event.Status.ReplyTo != (store.ID{}) {
			work = append(work, store.Conversations) // a send in doubt may have been proved
		}
	}

	if len(work) > 0 {
		e.Wake(work...)
	}
}
