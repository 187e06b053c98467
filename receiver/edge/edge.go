// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package edge is what Meta talks to: it answers the subscription handshake, checks each delivery's signature and
// acknowledges it once every event in it is durable.
package edge

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// maxChallenge bounds the challenge that is handed back; Meta sends a number.
const maxChallenge = 256

// Ingester keeps events durably; a store.Store does.
type Ingester interface {
	Ingest(ctx context.Context, events []store.Event) (fresh []bool, err error)
}

// Parts are what the edge works with. All are required.
type Parts struct {
	Inbox   Ingester
	Wake    func(...store.Class) // called with the classes of new work
	Live    *config.Live
	Metrics *metrics.Metrics
	Tracer  *tracing.Tracer
	Now     func() time.Time
	Log     *slog.Logger
	Version string
}

// Edge is an http.Handler.
type Edge struct {
	Parts
	bodies  *semaphore.Weighted // bytes of large bodies in memory
	waiting admission
	mutual  *mutualTLS // nil when it is not asked for
}

// New returns the handler for everything that is reachable from outside.
func New(parts Parts) *Edge {
	settings := parts.Live.Current()
	parts.Log = slog.New(newSeldom(parts.Log.Handler()))

	e := &Edge{Parts: parts, bodies: semaphore.NewWeighted(settings.Webhook.MaxInFlightBytes)}
	if settings.Webhook.MutualTLS != nil {
		e.mutual = &mutualTLS{
			live: parts.Live,
			now:  parts.Now,
			log:  parts.Log,
		}
	}

	return e
}

// ServeHTTP routes by the configured path, which may change while it runs.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	settings := e.Live.Current()
	// Where chunks end is what a proxy in between can be made to misread, and then the next delivery gets the answer of a
	// request that was smuggled in before it. So nothing comes after chunks. Meta tells the length of what it sends.
	if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
		w.Header().Set("Connection", "close")
	}

	switch {
	case r.URL.Path == "/health" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		e.health(w)
	case r.URL.Path != settings.Webhook.Path:
		http.NotFound(w, r)
	case e.mutual != nil && !e.mutual.admits(r, settings.Webhook.MutualTLS.CommonName):
		e.Log.Warn("request refused: no client certificate of the configured CA and name", "presented", r.TLS != nil && len(r.TLS.PeerCertificates) > 0)
		e.Metrics.Request(refuse(w, http.StatusForbidden, "a client certificate of the configured CA and common name is required"))
	case r.Method == http.MethodGet:
		e.Metrics.Request(e.handshake(w, r, settings))
	case r.Method == http.MethodPost && r.Header.Get("Content-Encoding") != "":
		// The signature is over what was sent, and what is compressed has no bound.
		w.Header().Set("Accept-Encoding", "identity")
		e.Metrics.Request(refuse(w, http.StatusUnsupportedMediaType, "send the delivery as it is, without Content-Encoding"))
	case r.Method == http.MethodPost:
		e.Metrics.Request(e.deliver(w, r, settings))
	default:
		w.Header().Set("Allow", "GET, POST")
		e.Metrics.Request(refuse(w, http.StatusMethodNotAllowed, "use GET for the handshake and POST for deliveries"))
	}
}

// handshake proves to Meta that the endpoint knows the verify token. It carries no signature.
//
// Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
func (e *Edge) handshake(w http.ResponseWriter, r *http.Request, settings *config.Snapshot) int {
	query := r.URL.Query()
	challenge := query.Get("hub.challenge")
	token := settings.Secrets.VerifyToken
	given := sha256.Sum256([]byte(query.Get("hub.verify_token")))
	wanted := sha256.Sum256([]byte(token))

	matches := subtle.ConstantTimeCompare(given[:], wanted[:]) == 1 // of sums, which do not tell the token's length either
	if token == "" || !matches || query.Get("hub.mode") != "subscribe" || challenge == "" || len(challenge) > maxChallenge {
		e.Log.Warn("handshake refused", "token_configured", token != "", "token_matches", matches)
		return refuse(w, http.StatusForbidden, "hub.mode must be subscribe and hub.verify_token the configured verify token")
	}

	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(challenge)) //nolint:gosec // as plain text, not to be sniffed, and only to who knows the token

	e.Log.Info("handshake answered")

	return http.StatusOK
}

// health says that the process serves; whether it is ready is the admin port's to say.
func (e *Edge) health(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Status    string    `json:"status"`
		Timestamp time.Time `json:"timestamp"`
		Service   string    `json:"service"`
		Version   string    `json:"version"`
	}{"healthy", e.Now().UTC(), "whatsapp-webhook", e.Version})
}

// refuse answers with a reason in plain text, and returns the status for the metrics.
func refuse(w http.ResponseWriter, status int, text string) int {
	http.Error(w, text, status)
	return status
}
