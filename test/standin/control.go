// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	controlPath = "/_standin/"
	// maxFaults bounds the faults that the control API accepts.
	maxFaults = 1000
)

// withControl serves control under /_standin/, without recording the calls or playing faults, and next elsewhere.
func withControl(next, control http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, controlPath) {
			control.ServeHTTP(w, r)
			return
		}

		next.ServeHTTP(w, r)
	})
}

func (g *Graph) control() http.Handler {
	mux := controlRoutes(g.Front, g.SentLog.Reset)
	mux.HandleFunc("GET "+controlPath+"sent", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"total": g.SentLog.Total(), "sent": g.Sent()})
	})
	mux.HandleFunc("GET "+controlPath+"rules", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, g.Rules())
	})
	mux.HandleFunc("PUT "+controlPath+"rules", func(w http.ResponseWriter, r *http.Request) {
		var rules Rules

		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxGraphBody))
		decoder.DisallowUnknownFields()

		if err := decoder.Decode(&rules); err != nil {
			controlError(w, http.StatusBadRequest, fmt.Errorf("reading the rules: %w", err))
			return
		}

		g.SetRules(func(current *Rules) { *current = rules })
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("PUT "+controlPath+"media/{id}", func(w http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMultipartBytes))
		if err != nil {
			controlError(w, http.StatusBadRequest, fmt.Errorf("reading the medium: %w", err))
			return
		}

		id := r.PathValue("id")

		mime := r.Header.Get("Content-Type")
		if sum := r.URL.Query().Get("sha256"); sum != "" {
			g.PutMediaWithSHA256(id, mime, content, sum)
		} else {
			g.PutMedia(id, mime, content)
		}

		w.WriteHeader(http.StatusNoContent)
	})

	return mux
}

func (o *OpenAI) control() http.Handler {
	mux := askedControl(o.Front, o.AskedLog, o.HeardLog.Reset)
	mux.HandleFunc("GET "+controlPath+"heard", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"total": o.HeardLog.Total(), "heard": o.HeardLog.All()})
	})

	return mux
}

// laterControl returns the control API of a stand-in that is asked and may answer later.
func laterControl(front *Front, asked *Log[BirdCall], later *Log[LaterMessage]) http.Handler {
	mux := askedControl(front, asked, later.Reset)
	mux.HandleFunc("GET "+controlPath+"later", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"total": later.Total(), "later": later.All()})
	})

	return mux
}

// askedControl returns the control API of a stand-in that is asked.
func askedControl[T any](front *Front, asked *Log[T], resets ...func()) *http.ServeMux {
	mux := controlRoutes(front, func() {
		asked.Reset()

		for _, reset := range resets {
			reset()
		}
	})
	mux.HandleFunc("GET "+controlPath+"asked", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"total": asked.Total(), "asked": asked.All()})
	})

	return mux
}

// controlRoutes returns the routes that all stand-ins have: healthz, calls and faults.
func controlRoutes(front *Front, resetEffects func()) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPath+"healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET "+controlPath+"calls", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		calls := front.Recorder.Calls(On(query.Get("method"), query.Get("path")))

		list := make([]callJSON, len(calls))
		for i, call := range calls {
			list[i] = newCallJSON(call)
		}

		writeJSON(w, http.StatusOK, map[string]any{
			"total":   front.Recorder.Total(),
			"dropped": front.Recorder.Dropped(),
			"calls":   list,
		})
	})
	mux.HandleFunc("DELETE "+controlPath+"calls", func(w http.ResponseWriter, _ *http.Request) {
		front.Recorder.Reset()
		resetEffects()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET "+controlPath+"faults", func(w http.ResponseWriter, _ *http.Request) {
		active := front.Faults.Active()

		list := make([]activeJSON, len(active))
		for i, a := range active {
			list[i] = activeJSON{a.ID, a.Played, newFaultJSON(a.Fault)}
		}

		writeJSON(w, http.StatusOK, map[string]any{"faults": list})
	})
	mux.HandleFunc("POST "+controlPath+"faults", front.postFault)
	mux.HandleFunc("DELETE "+controlPath+"faults", func(w http.ResponseWriter, _ *http.Request) {
		front.Faults.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE "+controlPath+"faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil || !front.Faults.Remove(id) {
			controlError(w, http.StatusNotFound, fmt.Errorf("no fault %q is active", r.PathValue("id")))
			return
		}

		w.WriteHeader(http.StatusNoContent)
	})

	return mux
}

func (f *Front) postFault(w http.ResponseWriter, r *http.Request) {
	var request faultJSON

	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.DisallowUnknownFields()

	if err := decoder.Decode(&request); err != nil {
		controlError(w, http.StatusBadRequest, fmt.Errorf("reading the fault: %w", err))
		return
	}

	fault, err := request.fault()
	if err != nil {
		controlError(w, http.StatusBadRequest, fmt.Errorf("reading the fault: %w", err))
		return
	}

	if len(f.Faults.Active()) >= maxFaults {
		controlError(w, http.StatusConflict, fmt.Errorf("%d faults are active: remove some first", maxFaults))
		return
	}

	writeJSON(w, http.StatusCreated, map[string]int{"id": f.Faults.Add(fault)})
}

func controlError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

// callJSON is a Call in the control API, with the body as text.
type callJSON struct {
	At       time.Time   `json:"at"`
	Method   string      `json:"method"`
	Path     string      `json:"path"`
	Query    url.Values  `json:"query,omitempty"`
	Header   http.Header `json:"header"`
	Body     string      `json:"body,omitempty"`
	BodySize int64       `json:"bodySize"`
	Status   int         `json:"status"`
	Fault    string      `json:"fault,omitempty"`
}

func newCallJSON(c Call) callJSON {
	return callJSON{
		At:       c.At,
		Method:   c.Method,
		Path:     c.Path,
		Query:    c.Query,
		Header:   c.Header,
		Body:     string(c.Body),
		BodySize: c.BodySize,
		Status:   c.Status,
		Fault:    c.Fault,
	}
}
