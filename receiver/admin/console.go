// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const consoleTimeout = 25 * time.Second // of one request; shorter than the server's time to write the answer

// Console holds the dependencies of the console. All are required.
type Console struct {
	Store store.Store
	Live  *config.Live
	Wake  func(...store.Class) // called with the classes that have new pending events
	Jobs  *Jobs
	Clock clockwork.Clock
	Log   *slog.Logger
}

// NewConsole returns the handler of the loopback port: the events that were not answered, and the conversations that
// people have. It shows personal data to everyone who can reach the loopback interface of the pod, for example with
// kubectl port-forward. Pages of other sites in the same browser are refused.
func NewConsole(c Console) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dead-letters", c.list)
	mux.HandleFunc("GET /dead-letters/causes", c.causes)
	mux.HandleFunc("POST /dead-letters/replay", c.replaySelected)
	mux.HandleFunc("POST /dead-letters/discard", c.discardSelected)
	mux.HandleFunc("GET /dead-letters/{id}", c.show)
	mux.HandleFunc("POST /dead-letters/{id}/replay", c.replay)
	mux.HandleFunc("DELETE /dead-letters/{id}", c.discard)
	mux.HandleFunc("GET /jobs", c.jobs)
	mux.HandleFunc("GET /jobs/{id}", c.job)
	mux.HandleFunc("DELETE /jobs/{id}", c.cancelJob)
	mux.HandleFunc("GET /conversations", c.conversations)
	mux.HandleFunc("GET /conversations/{name}", c.conversation)
	mux.HandleFunc("GET /conversations/{name}/messages", c.messages)
	mux.HandleFunc("POST /conversations/{name}/take-over", c.takeOver)
	mux.HandleFunc("POST /conversations/{name}/give-back", c.giveBack)
	mux.HandleFunc("POST /store/check", c.checkStore)

	return localOnly(http.NewCrossOriginProtection().Handler(mux))
}

// localOnly refuses host names other than localhost, against DNS rebinding: another site's name could resolve to the
// loopback interface. Its headers forbid other pages to embed the answers.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}

		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")

		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "use localhost", http.StatusForbidden)
			return
		}

		ctx, cancel := context.WithTimeout(r.Context(), consoleTimeout)
		defer cancel()

		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// fail answers a request whose call to the store failed. missing says what was not found.
func (c Console) fail(w http.ResponseWriter, err error, missing string) {
	if errors.Is(err, store.ErrNotFound) {
		http.Error(w, missing, http.StatusNotFound)
		return
	}

	c.Log.Error("console request failed", "error", err)
	http.Error(w, "the store is unavailable", http.StatusServiceUnavailable)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)

	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(body)
}
