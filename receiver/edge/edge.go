// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package edge serves Meta's webhook: it answers the subscription handshake, checks the signature of each delivery and
// acknowledges it once every event in it is durable. It sheds load when deliveries arrive faster than the store accepts them.
// Package intake turns deliveries into events.
package edge

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logsample"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/requestbody"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// maxChallenge bounds the challenge that the handshake echoes; Meta sends a number.
const maxChallenge = 256

// The texts with which the edge refuses requests. They distinguish its refusals from those of a proxy in front of it.
const (
	// HandshakeRefused is the text of the 403 for a verification request with another verify token.
	HandshakeRefused = "hub.mode must be subscribe and hub.verify_token the configured verify token"
	// CertificateRefused is the text of the 403 for a request without Meta's client certificate, with mutual TLS.
	CertificateRefused = "a client certificate of the configured CA and common name is required"
	// SignatureRefused is the text of the 401 for a delivery that was signed with another app secret.
	SignatureRefused = "X-Hub-Signature-256 does not match any configured app secret"
	// TooLarge begins the text of the 413 for a delivery above webhook.maxBodyBytes.
	TooLarge = "a delivery has at most "
)

// Ingester stores events durably, and has them processed. The engine implements it.
type Ingester interface {
	// Ingest returns, for each event, whether it is new.
	Ingest(ctx context.Context, events []store.Event) (fresh []bool, err error)
}

// Dependencies are the dependencies of the edge. All are required.
type Dependencies struct {
	Inbox   Ingester
	Live    *config.Live
	Metrics *metrics.Metrics
	Tracer  *tracing.Tracer
	Clock   clockwork.Clock
	Log     *slog.Logger
	Version string
	Media   http.Handler // of the paths below config.MediaPath
}

// Edge is the http.Handler of the webhook port.
type Edge struct {
	Dependencies
	bodies         *requestbody.Budget
	signatures     signatures
	admission      admission
	mutualTLS      *mutualTLS // nil unless configured
	pricedMessages pricedMessages
	standby        standby
}

// New returns the handler of the webhook port.
func New(dependencies Dependencies) *Edge {
	settings := dependencies.Live.Current()
	dependencies.Log = slog.New(logsample.New(dependencies.Log.Handler(), dependencies.Clock))

	e := &Edge{Dependencies: dependencies, bodies: requestbody.NewBudget(settings.Webhook.MaxInFlightBytes)}
	if settings.Webhook.MutualTLS != nil {
		e.mutualTLS = &mutualTLS{
			live:  dependencies.Live,
			clock: dependencies.Clock,
			log:   dependencies.Log,
		}
	}

	return e
}

// ServeHTTP routes by the configured path, which may change at runtime.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	settings := e.Live.Current()

	// Close the connection after a chunked or HTTP/1.0 request: this rules out request smuggling (CL.TE and TE.CL)
	// through a proxy. Meta always sends Content-Length.
	if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
		w.Header().Set("Connection", "close")
	}

	switch {
	case r.URL.Path == settings.Webhook.Path:
		e.Metrics.Request(e.webhook(w, r, settings))
	case r.URL.Path == "/" && (isRead(r) || r.Method == http.MethodOptions):
		// Load balancers check this path by default, HAProxy with OPTIONS. The answer reveals nothing.
		w.WriteHeader(http.StatusOK)
	case r.URL.Path == settings.Webhook.HealthPath && isRead(r):
		e.health(w)
	case strings.HasPrefix(r.URL.Path, config.MediaPath):
		e.Media.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// webhook answers a request to the webhook's path, and returns the status.
func (e *Edge) webhook(w http.ResponseWriter, r *http.Request, settings *config.Snapshot) int {
	if e.mutualTLS != nil && !e.mutualTLS.admits(r, settings.Webhook.MutualTLS.CommonName) {
		presented := r.TLS != nil && len(r.TLS.PeerCertificates) > 0
		e.Log.Warn("request refused: no client certificate of the configured CA and common name", "presented", presented)

		return refuse(w, http.StatusForbidden, CertificateRefused)
	}

	switch {
	case r.Method == http.MethodGet:
		return e.handshake(w, r, settings)
	case r.Method == http.MethodPost && isEncoded(r.Header):
		// The signature covers the bytes as sent, and compressed data has no bound.
		w.Header().Set("Accept-Encoding", "identity")
		return refuse(w, http.StatusUnsupportedMediaType, "send the delivery as it is, without Content-Encoding")
	case r.Method == http.MethodPost:
		return e.deliver(w, r, settings)
	default:
		w.Header().Set("Allow", "GET, POST")
		return refuse(w, http.StatusMethodNotAllowed, "use GET for the handshake and POST for deliveries")
	}
}

// isEncoded reports whether a body has a content coding other than identity, which is none.
//
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
func isEncoded(header http.Header) bool {
	for _, codings := range header.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(codings, ",") {
			coding = strings.TrimSpace(coding)
			if coding != "" && !strings.EqualFold(coding, "identity") {
				return true
			}
		}
	}

	return false
}

// handshake proves to Meta that the endpoint knows the verify token. The request carries no signature.
//
// Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
func (e *Edge) handshake(w http.ResponseWriter, r *http.Request, settings *config.Snapshot) int {
	query := r.URL.Query()
	challenge := query.Get("hub.challenge")
	token := settings.Secrets.VerifyToken

	// Comparing digests hides the length of the token as well.
	given := sha256.Sum256([]byte(query.Get("hub.verify_token")))
	wanted := sha256.Sum256([]byte(token))
	matches := token != "" && subtle.ConstantTimeCompare(given[:], wanted[:]) == 1

	if !matches || query.Get("hub.mode") != "subscribe" || challenge == "" || len(challenge) > maxChallenge {
		e.Log.Warn("handshake refused", "token_configured", token != "", "token_matches", matches)
		return refuse(w, http.StatusForbidden, HandshakeRefused)
	}

	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(challenge)) //nolint:gosec // plain text with nosniff, and only for callers that know the token

	e.Log.Info("handshake answered")

	return http.StatusOK
}

// health reports that the process serves. Readiness is on the admin port.
func (e *Edge) health(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Status    string    `json:"status"`
		Timestamp time.Time `json:"timestamp"`
		Service   string    `json:"service"`
		Version   string    `json:"version"`
	}{"healthy", e.Clock.Now().UTC(), "whatsapp-webhook", e.Version})
}

// refuse answers with a reason in plain text, and returns the status for the metrics.
func refuse(w http.ResponseWriter, status int, text string) int {
	http.Error(w, text, status)
	return status
}
