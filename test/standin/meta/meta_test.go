// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "an app secret"

// webhook answers 503 to every other delivery.
type webhook struct {
	calls      atomic.Int64
	mu         sync.Mutex
	accepted   []string
	onAccepted func(accepted []string)
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, r.URL.Query().Get("hub.challenge"))
		return
	case r.Header.Get("X-Hub-Signature-256") != standin.Sign(secret, body):
		w.WriteHeader(http.StatusUnauthorized)
		return
	case h.calls.Add(1)%2 == 1:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}

	h.mu.Lock()
	defer h.mu.Unlock()

	h.accepted = append(h.accepted, string(body))
	if h.onAccepted != nil {
		h.onAccepted(h.accepted)
	}
}

// start runs a Meta until the test ends. It returns the URL of its control API.
func start(t *testing.T, hook http.Handler, statuses ...string) (m *Meta, control string) {
	t.Helper()

	server := httptest.NewServer(hook)
	t.Cleanup(server.Close)

	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Timeout: 5 * time.Minute, Transport: transport}
	m = New(client, Callback{URL: server.URL, AppSecret: secret}, statuses...)
	api := httptest.NewServer(m.Handler())
	t.Cleanup(api.Close)
	ctx, cancel := context.WithCancel(t.Context())

	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)

	return m, api.URL + "/_standin/"
}

func call(t *testing.T, method, url, body string, into any) int {
	t.Helper()

	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}

	if into != nil {
		if err := json.NewDecoder(bytes.NewReader(content)).Decode(into); err != nil {
			t.Fatalf("%s %s: %v in %s", method, url, err, content)
		}
	}

	return response.StatusCode
}

func TestLoadIsDeliveredUntilAccepted(t *testing.T) {
	enough := make(chan struct{})
	hook := &webhook{}
	hook.onAccepted = func(accepted []string) {
		if len(accepted) == 12 {
			close(enough)
		}
	}
	_, control := start(t, hook)

	load := `{"name":"one","phoneNumberID":"1","conversations":3,"everyMilliseconds":1}`
	if status := call(t, http.MethodPost, control+"load", load, nil); status != http.StatusNoContent {
		t.Fatalf("starting a load: %d", status)
	}

	if status := call(t, http.MethodPost, control+"load", load, nil); status != http.StatusConflict {
		t.Errorf("a second load: %d, want 409", status)
	}

	<-enough
	call(t, http.MethodDelete, control+"load", "", nil)

	var report Report
	for report.Running = true; report.Running; {
		call(t, http.MethodGet, control+"load", "", &report)
	}

	hook.mu.Lock()
	defer hook.mu.Unlock()

	if len(report.Messages) != len(hook.accepted) || report.Refusals["503"] == 0 {
		t.Errorf("report has %d acknowledged messages, the webhook accepted %d; refused: %v",
			len(report.Messages), len(hook.accepted), report.Refusals)
	}

	ids := map[string]bool{}

	attempts := 0
	for _, message := range report.Messages {
		ids[message.ID] = true

		attempts += message.Attempts
		if !slices.ContainsFunc(hook.accepted, func(body string) bool { return strings.Contains(body, message.Person) }) {
			t.Errorf("no message of %s was accepted", message.Person)
		}
	}

	if len(ids) != len(report.Messages) || attempts != len(report.Messages)+report.Refusals["503"] {
		t.Errorf("%d messages with %d ids and %d attempts, refused: %v",
			len(report.Messages), len(ids), attempts, report.Refusals)
	}
}

func TestStatusesAreDeliveredInOrder(t *testing.T) {
	all := make(chan []string, 1)
	hook := &webhook{}
	hook.onAccepted = func(accepted []string) {
		if len(accepted) == 3 {
			all <- slices.Clone(accepted)
		}
	}
	m, control := start(t, hook, "sent", "delivered", "read")
	m.Sink(standin.SentMessage{
		PhoneNumberID: "1",
		ID:            "wamid.x",
		To:            "+573001234567",
		Callback:      "e1",
	})

	for i, body := range <-all {
		want := []string{"sent", "delivered", "read"}[i]
		if !strings.Contains(body, `"`+want+`"`) || !strings.Contains(body, `"e1"`) {
			t.Errorf("delivery %d is %s, want %s", i, body, want)
		}
	}

	var report Report
	for report.Statuses.Posted < 3 {
		call(t, http.MethodGet, control+"load", "", &report)
	}

	if want := (Statuses{Posted: 3}); report.Statuses != want {
		t.Errorf("statuses are %+v, want %+v", report.Statuses, want)
	}
}

func TestSingleDeliveries(t *testing.T) {
	hook := &webhook{}
	hook.calls.Store(1) // the next delivery is accepted

	_, control := start(t, hook)
	for _, tc := range []struct {
		path, body string
		want       Answer
	}{
		{"deliver", `{}`, Answer{Status: http.StatusOK}},
		{"deliver?appSecret=another", `{}`, Answer{Status: http.StatusUnauthorized}},
		{"handshake?verifyToken=v&challenge=42", "", Answer{Status: http.StatusOK, Body: "42"}},
	} {
		var got Answer
		if call(t, http.MethodPost, control+tc.path, tc.body, &got); got != tc.want {
			t.Errorf("POST %s is answered %+v, want %+v", tc.path, got, tc.want)
		}
	}

	status := call(t, http.MethodPut, control+"callback", `{"url":"http://127.0.0.1:1/"}`, nil)
	if status != http.StatusNoContent {
		t.Errorf("PUT callback: %d", status)
	}

	if status := call(t, http.MethodPost, control+"deliver", `{}`, nil); status != http.StatusBadGateway {
		t.Errorf("a delivery to a closed port: %d, want 502", status)
	}
}

func TestStartRejectsInvalidLoads(t *testing.T) {
	_, control := start(t, &webhook{})
	for _, body := range []string{
		`{"phoneNumberID":"1","conversations":1,"everyMilliseconds":1}`,
		`{"name":"a","phoneNumberID":"1","conversations":1001,"everyMilliseconds":1}`,
		`{"name":"a","phoneNumberID":"1","conversations":1}`,
		`{"name":"a","unknown":1}`,
	} {
		if status := call(t, http.MethodPost, control+"load", body, nil); status < 400 {
			t.Errorf("%s: %d", body, status)
		}
	}
}
