// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"cmp"
	"net/http"
	"strings"
	"unicode"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// ActorHeader names who asks, as the tool learned it from the API server. Anyone who reaches the port can claim
	// anything there: what proves who forwarded the port is the audit log of the API server.
	ActorHeader = "Whatsapp-Actor"
	maxActor    = 128
)

// audited serves a route. It writes a line to the audit log for each request that changes something or reveals persons.
func (a *api) audited(rt route) http.Handler {
	handle := rt.handle
	if !rt.long {
		handle = bounded(handle)
	}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isReveal := reveals(r) && mayReveal(rt.path)
		if rt.audits || rt.act == "" && !isReveal {
			handle(w, r)
			return
		}

		recorder := &statusRecorder{ResponseWriter: w}
		// A handler that panics before it answers has not done what was asked.
		defer func() { a.audit(rt, r, cmp.Or(recorder.status, http.StatusInternalServerError), isReveal) }()

		handle(recorder, r)
		recorder.begin(http.StatusOK)
	})
}

// mayReveal reports whether the answers of a path can hold names or texts of persons.
func mayReveal(path string) bool {
	return path == "/dead-letters/{id}" || strings.HasPrefix(path, "/conversations") || strings.HasPrefix(path, "/events")
}

func (a *api) audit(rt route, r *http.Request, status int, isReveal bool) {
	attributes := []any{
		logevent.Key, logevent.Audit,
		"actor", actor(r.Header.Get(ActorHeader)),
		"act", cmp.Or(rt.act, "reveal"),
		"path", rt.path,
		"status", status,
		"reveal", isReveal,
	}

	if id, err := store.ParseID(r.PathValue("id")); err == nil {
		attributes = append(attributes, logevent.EventID, id)
	}

	if r.PathValue("conversation") != "" {
		name, _ := a.conversationName(r)
		attributes = append(attributes, "conversation", cmp.Or(a.ids().Fingerprint(name), "unknown"))
	}

	a.Log.Info("console request", attributes...)
}

// actor returns the name of who asks without control characters, at most maxActor bytes.
func actor(claimed string) string {
	name := strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}

		return r
	}, strings.ToValidUTF8(claimed, ""))
	name = strings.ToValidUTF8(name[:min(len(name), maxActor)], "")

	return cmp.Or(strings.TrimSpace(name), "unknown")
}

// statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int // 0 before the answer begins
}

func (s *statusRecorder) begin(status int) { s.status = cmp.Or(s.status, status) }

func (s *statusRecorder) WriteHeader(status int) {
	s.begin(status)
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusRecorder) Write(part []byte) (int, error) {
	s.begin(http.StatusOK)

	return s.ResponseWriter.Write(part)
}

// Unwrap is for http.ResponseController.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
