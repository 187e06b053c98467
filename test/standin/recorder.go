// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package standin provides stand-ins for Meta's Graph API, for an AI in each protocol (Bird, Flow, OpenAI) and for the
// software of people (Desk, Chatwoot), for tests, demonstrations and test clusters. They are http.Handlers that record
// their calls (Recorder), play faults (Faults) and serve a control API under /_standin/. Deliver, Handshake and the envelope builders implement Meta's side of a webhook.
//
// Records contain credentials and message texts in clear: use only invented ones with a stand-in.
package standin

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Call is one request to a stand-in.
type Call struct {
	// At is when the request arrived.
	At     time.Time
	Method string
	Path   string
	Query  url.Values
	// Header includes Authorization.
	Header http.Header
	// Body is nil for a multipart request: its bytes are only counted.
	Body []byte
	// BodySize is the number of body bytes read when the answer began.
	BodySize int64
	// Status is 0 if there was no answer.
	Status int
	// Fault is the name of the fault that was played; empty means none.
	Fault string
}

// Recorder is the record of a stand-in's calls: it retains the newest and counts all. A call is recorded before the
// first byte of its answer is sent, so a client that has an answer finds its call here.
type Recorder struct {
	*Log[Call]
}

// NewRecorder returns a Recorder that retains the newest limit calls; with 0 it only counts them.
func NewRecorder(limit int) *Recorder {
	return &Recorder{newLog(limit, func(c Call) int { return len(c.Body) })}
}

// Filter reports whether a call is selected.
type Filter func(Call) bool

// On returns a Filter by method (empty means any) and by the start of the path, matched like Fault.PathPrefix.
func On(method, pathPrefix string) Filter {
	return func(c Call) bool { return matches(method, pathPrefix, c.Method, c.Path) }
}

// Calls returns the retained calls that every filter selects, oldest first.
func (r *Recorder) Calls(filters ...Filter) []Call {
	var selected []Call

next:
	for _, call := range r.All() {
		for _, filter := range filters {
			if !filter(call) {
				continue next
			}
		}

		selected = append(selected, call)
	}

	return selected
}

func matches(wantMethod, wantPrefix, method, path string) bool {
	if wantMethod != "" && !strings.EqualFold(wantMethod, method) {
		return false
	}

	return strings.HasPrefix(path, wantPrefix) || strings.HasPrefix(withoutVersion(path), wantPrefix)
}

// withoutVersion removes a Graph version such as /v27.0 from the start of a path.
func withoutVersion(path string) string {
	version, rest, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !found || !graphVersion.MatchString(version) {
		return path
	}

	return "/" + rest
}
