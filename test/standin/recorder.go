// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package standin serves HTTP as Meta's Graph API and as Bird do, for tests, demonstrations and clusters without
// either: Graph and Bird are http.Handlers with a record of their calls (Recorder), faults on demand (Faults) and a
// control API under /_standin/. Deliver, Handshake and the envelope builders play Meta's side of a webhook.
//
// Records hold credentials and message texts as they were sent: give a stand-in invented ones only.
package standin

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Call is one request as a stand-in saw it.
type Call struct {
	At     time.Time
	Method string
	Path   string
	Query  url.Values
	// Header is the request's, Authorization included.
	Header http.Header
	// Body is nil for a multipart request, whose bytes are only counted.
	Body []byte
	// BodySize is the number of body bytes read when the answer began.
	BodySize int64
	// Status is 0 where no answer was given.
	Status int
	// Fault names the fault that was played, "" for none.
	Fault string
}

// Recorder is the record of a stand-in's calls, newest kept, all counted. A call is recorded before the first byte
// of its answer goes out, so a client that has an answer finds its call here.
type Recorder struct {
	*Log[Call]
}

// NewRecorder keeps the newest limit calls; with 0 it only counts them.
func NewRecorder(limit int) *Recorder {
	return &Recorder{newLog(limit, func(c Call) int { return len(c.Body) })}
}

// Filter picks calls.
type Filter func(Call) bool

// On picks calls by method ("" = any) and by the beginning of the path, by the rule of Fault.PathPrefix.
func On(method, pathPrefix string) Filter {
	return func(c Call) bool { return matches(method, pathPrefix, c.Method, c.Path) }
}

// Calls returns the kept calls that every filter picks, oldest first.
func (r *Recorder) Calls(filters ...Filter) []Call {
	var picked []Call

next:
	for _, call := range r.All() {
		for _, picks := range filters {
			if !picks(call) {
				continue next
			}
		}

		picked = append(picked, call)
	}

	return picked
}

func matches(wantMethod, wantPrefix, method, path string) bool {
	if wantMethod != "" && !strings.EqualFold(wantMethod, method) {
		return false
	}

	return strings.HasPrefix(path, wantPrefix) || strings.HasPrefix(withoutVersion(path), wantPrefix)
}

// withoutVersion strips a Graph version such as /v26.0 from the front of a path.
func withoutVersion(path string) string {
	version, rest, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !found || !graphVersion.MatchString(version) {
		return path
	}

	return "/" + rest
}
