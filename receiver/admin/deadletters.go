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
	"strconv"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	maxPage        = 500
	defaultPage    = 100
	consoleTimeout = 30 * time.Second // of one request
)

// Console holds the dependencies of the dead letter console. All are required.
type Console struct {
	Store store.Store
	Wake  func(...store.Class) // called with the classes that have new pending events
	Clock clockwork.Clock
	Log   *slog.Logger
}

// NewConsole returns the handler of the loopback port, which lists, replays and discards dead letters. It shows personal
// data to everyone who can reach the loopback interface of the pod, for example with kubectl port-forward. Pages of other
// sites in the same browser are refused.
func NewConsole(c Console) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dead-letters", c.list)
	mux.HandleFunc("POST /dead-letters/replay", c.replayAll)
	mux.HandleFunc("GET /dead-letters/{id}", c.show)
	mux.HandleFunc("POST /dead-letters/{id}/replay", c.replay)
	mux.HandleFunc("DELETE /dead-letters/{id}", c.discard)

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

// DeadLetter is an event that failed for good. Lists omit the payload.
type DeadLetter struct {
	ID            string          `json:"id"`
	Seq           int64           `json:"seq"`
	Type          string          `json:"type"`
	PhoneNumberID string          `json:"phone_number_id"`
	ReceivedAt    time.Time       `json:"received_at"`
	FinishedAt    time.Time       `json:"finished_at"`
	Replays       int             `json:"replays"`
	Failures      []store.Failure `json:"failures"`
	Payload       json.RawMessage `json:"payload,omitempty"`
}

// newDeadLetter returns the record without its payload.
func newDeadLetter(r store.Record) DeadLetter {
	return DeadLetter{
		ID:            r.Event.ID.String(),
		Seq:           r.Seq,
		Type:          r.Event.Type,
		PhoneNumberID: r.Event.PhoneNumberID,
		ReceivedAt:    r.Event.ReceivedAt,
		FinishedAt:    r.FinishedAt,
		Replays:       r.Replays,
		Failures:      r.Failures,
	}
}

// list answers with a page of dead letters in the order of arrival, starting after the given seq. next is the seq to
// continue from; the last page has none.
func (c Console) list(w http.ResponseWriter, r *http.Request) {
	after := number(r, "after", 0)
	limit := min(max(number(r, "limit", defaultPage), 1), maxPage)

	records, err := c.Store.DeadLetters(r.Context(), store.Selection{States: []store.State{store.Dead}}, after, int(limit))
	if err != nil {
		c.fail(w, err)
		return
	}

	page := struct {
		DeadLetters []DeadLetter `json:"dead_letters"`
		Next        int64        `json:"next,omitempty"`
	}{DeadLetters: []DeadLetter{}}
	for _, record := range records {
		page.DeadLetters = append(page.DeadLetters, newDeadLetter(record))
	}

	if len(records) == int(limit) {
		page.Next = records[len(records)-1].Seq
	}

	answer(w, page)
}

func (c Console) show(w http.ResponseWriter, r *http.Request) {
	id, ok := eventID(w, r)
	if !ok {
		return
	}

	record, err := c.Store.Get(r.Context(), id)
	if err == nil && record.Event.State != store.Dead {
		err = store.ErrNotFound
	}

	if err != nil {
		c.fail(w, err)
		return
	}

	letter := newDeadLetter(*record)
	letter.Payload = record.Event.Payload
	answer(w, letter)
}

func (c Console) replay(w http.ResponseWriter, r *http.Request) {
	id, ok := eventID(w, r)
	if !ok {
		return
	}

	if err := c.Store.Replay(r.Context(), id, c.Clock.Now()); err != nil {
		c.fail(w, err)
		return
	}

	c.Log.Info("dead letter replayed", logevent.EventID, id)
	c.Wake(store.Conversations)
	answer(w, map[string]int{"replayed": 1})
}

// replayAll replays all current dead letters once, also if some of them fail again meanwhile.
func (c Console) replayAll(w http.ResponseWriter, r *http.Request) {
	replayed := 0
	for after := int64(0); ; {
		records, err := c.Store.DeadLetters(r.Context(), store.Selection{States: []store.State{store.Dead}}, after, maxPage)
		if err != nil {
			c.fail(w, err)
			return
		}

		for _, record := range records {
			after = record.Seq
			// ErrNotFound: it was replayed together with the event it is coalesced with, or by another request.
			if err := c.Store.Replay(r.Context(), record.Event.ID, c.Clock.Now()); err == nil {
				replayed++
			} else if !errors.Is(err, store.ErrNotFound) {
				c.fail(w, err)
				return
			}
		}

		if len(records) < maxPage {
			break
		}
	}

	c.Log.Info("dead letters replayed", "events", replayed)
	c.Wake(store.Conversations)
	answer(w, map[string]int{"replayed": replayed})
}

func (c Console) discard(w http.ResponseWriter, r *http.Request) {
	id, ok := eventID(w, r)
	if !ok {
		return
	}

	if err := c.Store.Discard(r.Context(), id, c.Clock.Now()); err != nil {
		c.fail(w, err)
		return
	}

	c.Log.Info("dead letter discarded", logevent.EventID, id)
	answer(w, map[string]int{"discarded": 1})
}

func (c Console) fail(w http.ResponseWriter, err error) {
	if errors.Is(err, store.ErrNotFound) {
		http.Error(w, "no such dead letter", http.StatusNotFound)
		return
	}

	c.Log.Error("dead letter request failed", "error", err)
	http.Error(w, "the store is unavailable", http.StatusServiceUnavailable)
}

func eventID(w http.ResponseWriter, r *http.Request) (store.ID, bool) {
	id, err := store.ParseID(r.PathValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return id, false
	}

	return id, true
}

func number(r *http.Request, name string, fallback int64) int64 {
	if n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64); err == nil {
		return n
	}

	return fallback
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(body)
}
