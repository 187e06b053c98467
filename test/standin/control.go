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

// faultJSON is a Fault in the control API: the delay is written as "1.5s", a Graph error as its code.
type faultJSON struct {
	Method      string          `json:"method,omitempty"`
	PathPrefix  string          `json:"pathPrefix,omitempty"`
	GraphError  *graphErrorJSON `json:"graphError,omitempty"`
	Status      int             `json:"status,omitempty"`
	Body        string          `json:"body,omitempty"`
	RetryAfter  string          `json:"retryAfter,omitempty"`
	Delay       string          `json:"delay,omitempty"`
	Hang        bool            `json:"hang,omitempty"`
	Cut         CutPoint        `json:"cut,omitempty"`
	AfterEffect bool            `json:"afterEffect,omitempty"`
	Times       int             `json:"times,omitempty"`
}

type graphErrorJSON struct {
	Code        int    `json:"code"`
	Subcode     int    `json:"subcode"`
	Message     string `json:"message"`
	Details     string `json:"details"`
	UserTitle   string `json:"userTitle"`
	UserMessage string `json:"userMessage"`
	Transient   bool   `json:"transient"`
}

type activeJSON struct {
	ID     int       `json:"id"`
	Played int       `json:"played"`
	Fault  faultJSON `json:"fault"`
}

func newFaultJSON(f Fault) faultJSON {
	j := faultJSON{
		Method:      f.Method,
		PathPrefix:  f.PathPrefix,
		Status:      f.Status,
		Body:        f.Body,
		RetryAfter:  f.RetryAfter,
		Hang:        f.Hang,
		Cut:         f.Cut,
		AfterEffect: f.AfterEffect,
		Times:       f.Times,
	}
	if f.Delay > 0 {
		j.Delay = f.Delay.String()
	}

	return j
}

func (j faultJSON) fault() (Fault, error) {
	fault := Fault{
		Method:      j.Method,
		PathPrefix:  j.PathPrefix,
		Status:      j.Status,
		Body:        j.Body,
		RetryAfter:  j.RetryAfter,
		Hang:        j.Hang,
		Cut:         j.Cut,
		AfterEffect: j.AfterEffect,
		Times:       j.Times,
	}
	if j.GraphError != nil {
		answer := APIError{
			Code:        j.GraphError.Code,
			Subcode:     j.GraphError.Subcode,
			Message:     j.GraphError.Message,
			Details:     j.GraphError.Details,
			UserTitle:   j.GraphError.UserTitle,
			UserMessage: j.GraphError.UserMessage,
			Transient:   j.GraphError.Transient,
			Status:      j.Status,
		}.Fault()
		fault.Status = answer.Status
		fault.Body = answer.Body
	}

	if j.Delay != "" {
		delay, err := time.ParseDuration(j.Delay)
		if err != nil {
			return Fault{}, fmt.Errorf("delay: %w", err)
		}

		fault.Delay = delay
	}

	return fault, fault.Validate()
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
