// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestLoadRepeatsRefusedDeliveries(t *testing.T) {
	const deliveries = 40

	var (
		seen         sync.Map
		acknowledged atomic.Int64
	)

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("X-Hub-Signature-256") != standin.Sign(appSecret, body) {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}

		if _, again := seen.LoadOrStore(string(body), true); !again && acknowledged.Load() >= deliveries/2 {
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}

		acknowledged.Add(1)
	}))
	defer server.Close()

	l, err := load(t.Context(), strings.TrimPrefix(server.URL, "http://"), newRequests(0, deliveries), 4)
	if err != nil {
		t.Fatal(err)
	}

	if got := acknowledged.Load(); got != deliveries {
		t.Errorf("%d of %d deliveries were acknowledged", got, deliveries)
	}

	if l.shed == 0 || l.perSecond <= 0 || l.p50 > l.p99 || l.p99 < redelivery {
		t.Errorf("got %+v, want refused deliveries, and a p99 that includes their repetition", l)
	}
}

func TestLoadEndsAtUnexpectedStatus(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()

	_, err := load(t.Context(), strings.TrimPrefix(server.URL, "http://"), newRequests(0, 40), 4)
	if status, ok := errors.AsType[unexpectedStatusError](err); !ok || status != http.StatusUnauthorized {
		t.Errorf("got %v, want the status of the first answer", err)
	}
}
