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

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	maxListed     = 500
	listedDefault = 100
	consoleLimit  = 30 * time.Second // of one request
)

// Console is what the handler of the loopback port works with. All are required.
type Console struct {
	Store store.Store
	Wake  func(...store.Class) // called with the classes of new work
	Now   func() time.Time
	Log   *slog.Logger
}

// NewConsole returns the handler of the loopback port, where dead letters are shown, replayed and given up. It shows what
// people wrote: who reaches the loopback interface of the pod, as by kubectl port-forward, may see it. Other sites' pages
// in the browser that does so may not.
func NewConsole(c Console) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dead-letters", c.list)
	mux.HandleFunc("POST /dead-letters/replay", c.replayAll)
	mux.HandleFunc("GET /dead-letters/{id}", c.show)
	mux.HandleFunc("POST /dead-letters/{id}/replay", c.replay)
	mux.HandleFunc("DELETE /dead-letters/{id}", c.discard)

	return localOnly(http.NewCrossOriginProtection().Handler(mux))
}

// localOnly refuses names that only resolve to the loopback interface: a page of another site could have such a name. What
// it lets through no other page may embed.
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

		ctx, cancel := context.WithTimeout(r.Context(), consoleLimit)
		defer cancel()

		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// DeadLetter is an event that failed for good. Payload is left out of lists.
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

func shown(r store.Record) DeadLetter {
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

// list answers with dead letters by arrival, those after the given seq; next is the seq to go on from, absent at the end.
func (c Console) list(w http.ResponseWriter, r *http.Request) {
	after := number(r, "after", 0)
	limit := min(max(number(r, "limit", listedDefault), 1), maxListed)

	records, err := c.Store.DeadLetters(r.Context(), after, int(limit))
	if err != nil {
		c.fail(w, err)
		return
	}

	page := struct {
		DeadLetters []DeadLetter `json:"dead_letters"`
		Next        int64        `json:"next,omitempty"`
	}{DeadLetters: []DeadLetter{}}
	for _, record := range records {
		page.DeadLetters = append(page.DeadLetters, shown(record))
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

	letter := shown(*record)
	letter.Payload = record.Event.Payload
	answer(w, letter)
}

func (c Console) replay(w http.ResponseWriter, r *http.Request) {
	id, ok := eventID(w, r)
	if !ok {
		return
	}

	if err := c.Store.Replay(r.Context(), id, c.Now()); err != nil {
		c.fail(w, err)
		return
	}

	c.Log.Info("dead letter replayed", logevent.EventID, id)
	c.Wake(store.Conversations)
	answer(w, map[string]int{"replayed": 1})
}

// replayAll replays the dead letters there are now; one that fails again in the meantime is left to the next time.
func (c Console) replayAll(w http.ResponseWriter, r *http.Request) {
	replayed := 0
	for after := int64(0); ; {
		records, err := c.Store.DeadLetters(r.Context(), after, maxListed)
		if err != nil {
			c.fail(w, err)
			return
		}

		for _, record := range records {
			after = record.Seq
			// One that was replayed with the event it is bound to, or by another person, is none any more.
			if err := c.Store.Replay(r.Context(), record.Event.ID, c.Now()); err == nil {
				replayed++
			} else if !errors.Is(err, store.ErrNotFound) {
				c.fail(w, err)
				return
			}
		}

		if len(records) < maxListed {
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

	if err := c.Store.Discard(r.Context(), id, c.Now()); err != nil {
		c.fail(w, err)
		return
	}

	c.Log.Info("dead letter discarded", logevent.EventID, id)
	answer(w, map[string]int{"discarded": 1})
}

func (c Console) fail(w http.ResponseWriter, err error) {
	if errors.Is(err, store.ErrNotFound) {
		http.Error(w, "there is no such dead letter", http.StatusNotFound)
		return
	}

	c.Log.Error("dead letters", "error", err)
	http.Error(w, "the store cannot be used now", http.StatusServiceUnavailable)
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
