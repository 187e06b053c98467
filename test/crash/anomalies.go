// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// twoRepliesShare of the messages are answered with two messages.
	twoRepliesShare = 0.15
	slowest         = 800 * time.Millisecond
	maxRequest      = 1 << 20
	tokenPrefix     = "replica-"
	messagesPath    = "/v1/messages/"
)

// anomaly is a fault or delay, and the share of calls that get it.
type anomaly struct {
	share float64
	fault standin.Fault
	slow  bool // with a random delay
}

// graphAnomalies make the outcome of a send unknown in every possible way: it took effect or not, and the answer is an
// error, is cut off or never comes.
var graphAnomalies = []anomaly{
	{share: 0.06, slow: true},
	{
		share: 0.06,
		slow:  true,
		fault: standin.Fault{AfterEffect: true},
	},
	{share: 0.02, fault: standin.APIError{Code: 135000, Transient: true}.Fault()}, // certainly not sent
	{share: 0.01, fault: standin.Fault{Cut: standin.CutAfter}},
	{share: 0.004, fault: standin.Fault{Cut: standin.CutBefore}},
	{share: 0.01, fault: afterEffect(standin.GraphError(131000, "", http.StatusInternalServerError))},
	{share: 0.001, fault: standin.GraphError(131000, "", http.StatusInternalServerError)},
	{share: 0.001, fault: standin.GraphError(131016, "", http.StatusServiceUnavailable)},
	{share: 0.002, fault: standin.Fault{AfterEffect: true, Hang: true}},
}

var birdAnomalies = []anomaly{
	{share: 0.06, slow: true},
	{
		share: 0.06,
		slow:  true,
		fault: standin.Fault{AfterEffect: true},
	},
	{share: 0.02, fault: standin.Fault{Status: http.StatusServiceUnavailable}},
	{share: 0.01, fault: standin.Fault{Cut: standin.CutAfter}},
}

func afterEffect(f standin.Fault) standin.Fault {
	f.AfterEffect = true
	return f
}

// injector picks the anomaly of each call.
type injector struct {
	mu        sync.Mutex
	rng       *rand.Rand
	anomalies []anomaly
}

// next returns the fault of the next call, if it gets one.
func (i *injector) next() (standin.Fault, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()

	roll := i.rng.Float64()
	for _, c := range i.anomalies {
		if roll -= c.share; roll >= 0 {
			continue
		}

		fault := c.fault

		fault.Times = 1
		if c.slow {
			fault.Delay = 1 + upTo(i.rng, slowest)
		}

		return fault, true
	}

	return standin.Fault{}, false
}

// faultyBird is Bird with anomalies. During an outage, which fails every call, it adds none: they would all follow it.
func faultyBird(bird *standin.Bird, t *injector, l *ledger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, messagesPath) && !l.callDuringOutage() {
			if fault, ok := t.next(); ok {
				fault.PathPrefix = messagesPath
				bird.Faults.Add(fault)
			}
		}

		bird.ServeHTTP(w, r)
	})
}

// faultyGraph is Graph with anomalies, which may hit a concurrent call. It records in the ledger which replica sends, known
// by its access token, and whether the call was answered.
func faultyGraph(graph *standin.Graph, t *injector, l *ledger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			return // the replica was killed while it wrote
		}

		r.Body = io.NopCloser(bytes.NewReader(body))

		var request struct {
			Callback string `json:"biz_opaque_callback_data"`
		}
		if json.Unmarshal(body, &request) != nil || request.Callback == "" {
			graph.ServeHTTP(w, r)
			return
		}

		_, token, _ := strings.Cut(r.Header.Get("Authorization"), tokenPrefix)
		replica, _ := strconv.Atoi(token) // 0 without a token of a replica
		s := l.sendBegins(replica, request.Callback)
		answer := &watchedAnswer{ResponseWriter: w}

		complete := false
		defer func() { l.sendEnds(s, complete && answer.status == http.StatusOK) }() // a call that is cut off panics

		if fault, ok := t.next(); ok {
			graph.Faults.Add(fault)
		}

		graph.ServeHTTP(answer, r)

		complete = true
	})
}

type watchedAnswer struct {
	http.ResponseWriter
	status int
}

// Unwrap serves http.ResponseController.
func (a *watchedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *watchedAnswer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *watchedAnswer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}

	return a.ResponseWriter.Write(p)
}

// birdReply returns the function that makes Bird's answers, at once or by a poster, and records its requests.
func birdReply(l *ledger, later *poster) func(method string, request map[string]any) any {
	return func(method string, request map[string]any) any {
		text := func(key string) string { s, _ := request[key].(string); return s }
		if method == "notify_bird_status_change" {
			l.notify(text("message_id"), text("status"))
			return nil
		}

		m := l.ask(text("event_id"))
		if m == nil {
			return nil
		}

		if later != nil {
			later.answer(m)
			return standin.Answer{Status: http.StatusAccepted}
		}

		answer := make([]map[string]any, m.Replies)
		for part := range answer {
			answer[part] = map[string]any{
				"type":        "text",
				"text":        m.answer(part),
				"preview_url": part%2 == 1, // otherwise the texts would be joined
			}
		}

		return map[string]any{"response": answer}
	}
}
