// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// document returns the published description of the API.
var document = sync.OnceValues(func() (*openapi.Document, error) { return openapi.Load(openapi.ReceiverAPI) })

const (
	number       = "106540352242922"
	ana          = "573001234567"
	assistantKey = "whsec_YXNzaXN0YW50LWtleS1vZi1hLXRlc3Q="
	deskKey      = "the key of a desk"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// fixture is an API over its own store, without an engine.
type fixture struct {
	t     *testing.T
	api   *API
	store *sqlite.Store
	clock *clockwork.FakeClock
	log   *strings.Builder

	mu    sync.Mutex
	woken []store.Class
	keys  int // given so far
}

func newFixture(t *testing.T, adjust func(*config.Config, *config.Secrets)) *fixture {
	t.Helper()

	settings := config.Config{
		CloudAPI: config.CloudAPI{PhoneNumberIDs: []string{number}},
		MessagesAPI: &config.MessagesAPI{
			Roles: []config.MessagesRole{config.MessagesAssistant, config.MessagesDesk},
		},
	}
	secrets := config.Secrets{AssistantKeys: []string{assistantKey}, DeskKeys: []string{deskKey}}

	if adjust != nil {
		adjust(&settings, &secrets)
	}

	clock := clockwork.NewFakeClockAt(now)

	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	})

	f := &fixture{
		t:     t,
		store: inbox,
		clock: clock,
		log:   &strings.Builder{},
	}
	f.api = New(Dependencies{
		Store:   inbox,
		Wake:    f.wake,
		Live:    config.Fixed(settings, secrets),
		Metrics: metrics.New(clock),
		Tracer:  &tracing.Tracer{},
		Clock:   clock,
		Log:     slog.New(slog.NewTextHandler(f, nil)),
	})

	return f
}

func (f *fixture) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.log.Write(p)
}

func (f *fixture) wake(classes ...store.Class) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.woken = append(f.woken, classes...)
}

// receive stores a text of a person, and returns the id of its event. A person with a dot in the name is a user id.
func (f *fixture) receive(person, message string) store.ID {
	f.t.Helper()

	from := "from"
	if strings.Contains(person, ".") {
		from = "from_user_id"
	}

	return f.receiveRaw(fmt.Sprintf(`{%q:%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":"hello"}}`,
		from, person, message, f.clock.Now().Unix()))
}

func (f *fixture) receiveRaw(message string) store.ID {
	f.t.Helper()

	delivery := fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages",
		"value":{"metadata":{"phone_number_id":%q},"messages":[%s]}}]}]}`, number, message)

	events, err := intake.Events(f.t.Context(), delivery, f.api.Live.Current().Config, f.clock.Now().UTC())
	if err != nil {
		f.t.Fatal(err)
	}

	if _, err := f.store.Ingest(f.t.Context(), events); err != nil {
		f.t.Fatal(err)
	}

	return events[0].ID
}

// reply is the answer to a request.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (r reply) code() string { return fmt.Sprint(r.body["code"]) }

// call makes a request with a key, and an Idempotency-Key of its own unless the headers, in pairs, have one.
func (f *fixture) call(key, method, path, body string, headers ...string) reply {
	f.t.Helper()

	f.mu.Lock()
	f.keys++
	idempotencyKey := fmt.Sprintf("key-%d", f.keys)
	f.mu.Unlock()

	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Header.Set("Idempotency-Key", idempotencyKey)

	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}

	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}

	return f.serve(r)
}

func (f *fixture) serve(r *http.Request) reply {
	f.t.Helper()

	published, err := document()
	if err != nil {
		f.t.Fatal(err)
	}

	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Fatal(err)
	}

	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")

	w := httptest.NewRecorder()
	f.api.ServeHTTP(w, r)

	if w.Code < http.StatusBadRequest {
		if err := published.CheckRequest(r, body); err != nil {
			f.t.Errorf("%s %s: the request was taken, but is not as documented: %v", r.Method, r.URL.Path, err)
		}
	}

	if isDocumented(r) {
		if err := published.CheckResponse(r, w.Code, w.Header(), w.Body.Bytes()); err != nil {
			f.t.Errorf("%s %s: the answer is not as documented: %v", r.Method, r.URL.Path, err)
		}
	}

	got := reply{
		status: w.Code,
		header: w.Header(),
		raw:    w.Body.String(),
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got.body); err != nil {
		f.t.Errorf("%s %s: the answer is not a JSON object: %q", r.Method, r.URL.Path, w.Body)
	}

	return got
}

// isDocumented reports whether the API has the operation of a request.
func isDocumented(r *http.Request) bool {
	op, _ := route(r)
	return op.run != nil
}

func (f *fixture) send(body string, headers ...string) reply {
	f.t.Helper()
	return f.call(assistantKey, http.MethodPost, "/v1/messages", body, headers...)
}

func (f *fixture) want(got reply, status int, code string) {
	f.t.Helper()

	if got.status != status || code != "" && got.code() != code {
		f.t.Errorf("answered %d %s, want %d %s", got.status, got.raw, status, code)
	}
}

// record returns the stored event of a request that was accepted.
func (f *fixture) record(accepted reply) *store.Record {
	f.t.Helper()

	id, err := store.ParseID(fmt.Sprint(accepted.body["id"]))
	if err != nil {
		f.t.Fatalf("answered %d %s: %v", accepted.status, accepted.raw, err)
	}

	record, err := f.store.Get(f.t.Context(), id)
	if err != nil {
		f.t.Fatal(err)
	}

	return record
}

func (f *fixture) has(id store.ID) bool {
	f.t.Helper()

	_, err := f.store.Get(f.t.Context(), id)

	return err == nil
}
