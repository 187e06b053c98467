// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// maxDelivery is the largest delivery in bytes. It is above Meta's own 3 MB, to test that a receiver rejects larger
// deliveries.
const maxDelivery = 8 << 20

// Answer is the answer of a webhook to one delivery or handshake.
type Answer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// Handler returns the control API.
func (m *Meta) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_standin/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("PUT /_standin/callback", m.putCallback)
	mux.HandleFunc("POST /_standin/load", m.postLoad)
	mux.HandleFunc("DELETE /_standin/load", m.deleteLoad)
	mux.HandleFunc("GET /_standin/load", func(w http.ResponseWriter, _ *http.Request) { answer(w, m.Report()) })
	mux.HandleFunc("POST /_standin/deliver", m.postDelivery)
	mux.HandleFunc("POST /_standin/handshake", m.postHandshake)

	return mux
}

func (m *Meta) putCallback(w http.ResponseWriter, r *http.Request) {
	var to Callback
	if read(w, r, &to) {
		m.SetCallback(to)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (m *Meta) postLoad(w http.ResponseWriter, r *http.Request) {
	var wanted Load
	if !read(w, r, &wanted) {
		return
	}

	if err := m.Start(r.Context(), wanted); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}

	w.WriteHeader(http.StatusNoContent)
}

func (m *Meta) deleteLoad(w http.ResponseWriter, _ *http.Request) {
	m.End()
	w.WriteHeader(http.StatusNoContent)
}

func (m *Meta) postDelivery(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDelivery))
	if err != nil {
		http.Error(w, fmt.Sprintf("reading the delivery: %v", err), http.StatusBadRequest)
		return
	}

	to := m.Callback()
	if r.URL.Query().Has("appSecret") {
		to.AppSecret = r.URL.Query().Get("appSecret")
	}

	status, content, err := standin.Deliver(r.Context(), m.client, to.URL, to.AppSecret, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}

	answer(w, Answer{Status: status, Body: string(content)})
}

func (m *Meta) postHandshake(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	verifyToken := query.Get("verifyToken")
	challenge := query.Get("challenge")

	status, content, err := standin.Handshake(r.Context(), m.client, m.Callback().URL, verifyToken, challenge)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}

	answer(w, Answer{Status: status, Body: content})
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.DisallowUnknownFields()

	if err := decoder.Decode(into); err != nil {
		http.Error(w, fmt.Sprintf("reading the request: %v", err), http.StatusBadRequest)
		return false
	}

	return true
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // fails only if the client has disconnected
}
