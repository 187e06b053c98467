// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// maxRequest is the size of a request.
	maxRequest = 64 << 10
	// Path is the path at which a receiver serves its checks.
	Path = "/v1/doctor"
)

// Handler serves POST Path: it runs the checks that a Request selects and answers with the Report. One request is served at
// a time, since the checks cost calls to Meta.
func (d *Doctor) Handler() http.Handler {
	var running sync.Mutex

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := readRequest(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}

		if !running.TryLock() {
			w.Header().Set("Retry-After", "10")
			http.Error(w, "the checks run already: wait for their end, at most a minute", http.StatusConflict)

			return
		}
		defer running.Unlock()

		// The checks take longer than the other requests of the port may.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(Limit + callTimeout)) // else the answer is lost
		report := d.Run(context.WithoutCancel(r.Context()), request)

		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")

		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(report)
	})
}

// readRequest reads the body of a request, which may be empty.
func readRequest(w http.ResponseWriter, r *http.Request) (Request, error) {
	var request Request

	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&request)
	if err != nil && !errors.Is(err, io.EOF) {
		return Request{}, errors.New("the body is not a JSON object with the keys only and messages_url")
	}

	if unknown := Unknown(catalog, request.Only); len(unknown) > 0 {
		return Request{}, fmt.Errorf("no check and no group has the name %s", strings.Join(unknown, ", "))
	}

	return request, nil
}
