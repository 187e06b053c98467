// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID       = "77"
	account     = "9001"
	number      = "4200"
	accessToken = folder.AccessToken
	appSecret   = folder.AppSecret
	verifyToken = folder.VerifyToken
	foreign     = "verify-token-of-another-receiver"

	// waitLimit bounds every wait for something that must happen.
	waitLimit = 2 * time.Minute
)

// harness runs a Reconciler between a stand-in for Meta and a callback that answers like the receiver's edge.
type harness struct {
	t          *testing.T
	graph      *standin.Graph
	meta       string // its URL
	hook       string // URL of the callbacks /ours and /theirs
	down       atomic.Bool
	refuses    atomic.Pointer[refusedField]
	clock      *clockwork.FakeClock
	folder     folder.Folder
	config     config.Config
	live       atomic.Pointer[config.Live]
	reconciler *Reconciler
	sends      health.TokenState
	elections  *sqlite.Store
	log        *logBuffer
	stop       func()
}

func newHarness(t *testing.T, options standin.GraphOptions, adjust func(*config.Config)) *harness {
	h := &harness{
		t:      t,
		folder: folder.Folder(t.TempDir()),
		sends:  health.TokenUnknown,
		log:    &logBuffer{},
		clock:  clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)),
	}
	hook := httptest.NewTLSServer(http.HandlerFunc(h.callback))
	h.hook = hook.URL
	options.CallbackClient = hook.Client()
	options.AppID = appID

	options.Clock = h.clock
	if options.AppSecret == "" {
		options.AppSecret = appSecret
	}

	if options.AccessTokens == nil {
		options.AccessTokens = []string{accessToken}
	}

	h.graph = standin.NewGraph(options)
	meta := httptest.NewServer(http.HandlerFunc(h.serveMeta))
	h.meta = meta.URL
	t.Cleanup(func() {
		h.graph.Close()
		meta.Close()
		hook.Close()
	})

	h.config = config.Config{
		Bird: config.Bird{BaseURL: "http://127.0.0.1:1"},
		CloudAPI: config.CloudAPI{
			BaseURL:        meta.URL,
			Timeout:        waitLimit,
			PhoneNumberIDs: []string{number},
			Subscription: &config.Subscription{
				AppID:              appID,
				CallbackURL:        h.ours(),
				BusinessAccountIDs: []string{account},
				Fields:             []string{"messages", "account_update"},
			},
		},
	}
	if adjust != nil {
		adjust(&h.config)
	}

	var err error

	h.elections, err = sqlite.Open(t.Context(), filepath.Join(string(h.folder), "inbox.db"), sqlite.Options{})
	h.must(err)

	t.Cleanup(func() {
		if err := h.elections.Close(); err != nil {
			t.Error(err)
		}
	})
	h.must(h.folder.Layout(h.config, nil))
	t.Cleanup(h.checkSecrets)

	return h
}

// refusedField is a field that Meta refuses with this error.
type refusedField struct{ name, problem string }

// serveMeta is the stand-in for Meta, which refuses subscriptions to a field of h.refuses.
func (h *harness) serveMeta(w http.ResponseWriter, r *http.Request) {
	refused := h.refuses.Load()
	if refused == nil || r.Method != http.MethodPost {
		h.graph.ServeHTTP(w, r)
		return
	}

	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Error(err)
	}

	if bytes.Contains(body, []byte(refused.name)) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"type":"OAuthException",`+refused.problem+`}}`)

		return
	}

	r.Body = io.NopCloser(bytes.NewReader(body))
	h.graph.ServeHTTP(w, r)
}

func (h *harness) ours() string { return h.hook + "/ours" }

func (h *harness) theirs() string { return h.hook + "/theirs" }

// callback accepts the receiver's verify token at one path and a foreign one at another.
func (h *harness) callback(rw http.ResponseWriter, r *http.Request) {
	token := foreign
	if r.URL.Path == "/ours" {
		token = h.live.Load().Current().Secrets.VerifyToken
	}

	if h.down.Load() || r.URL.Query().Get("hub.verify_token") != token {
		rw.WriteHeader(http.StatusForbidden)
		return
	}

	_, _ = io.WriteString(rw, r.URL.Query().Get("hub.challenge"))
}

func (h *harness) secret(role string, values ...string) {
	h.t.Helper()

	for i, value := range values {
		h.must(h.folder.WriteSecret(role, fmt.Sprint(i), value))
	}
}

func (h *harness) must(err error) {
	h.t.Helper()

	if err != nil {
		h.t.Fatal(err)
	}
}

// start runs a Reconciler until its first check is done. It replaces a running one.
func (h *harness) start() {
	h.t.Helper()
	h.end()

	live, err := config.Open(h.folder.ConfigFile(), h.clock, slog.New(slog.DiscardHandler))
	if err != nil {
		h.t.Fatal(err)
	}

	h.live.Store(live)
	graph := cloudapi.NewClient(live, 1, h.clock)
	h.reconciler = New(Dependencies{
		Live:      live,
		Graph:     graph,
		Metrics:   metrics.New(h.clock),
		Elections: h.elections,
		Holder:    "ours",
		Sends:     func() health.TokenState { return h.sends },
		Clock:     h.clock,
		Log:       slog.New(slog.NewTextHandler(io.MultiWriter(h.log, h.t.Output()), nil)),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))

	ended := make(chan struct{})
	go func() { defer close(ended); h.reconciler.Run(ctx) }()

	h.stop = sync.OnceFunc(func() { cancel(); <-ended; graph.Close() })
	h.t.Cleanup(h.stop)
	h.waitIdle()
}

func (h *harness) end() {
	if h.stop != nil {
		h.stop()
	}
}

// waitIdle waits until the Reconciler waits for its next check.
func (h *harness) waitIdle() {
	h.t.Helper()

	ctx, cancel := context.WithTimeout(h.t.Context(), waitLimit)
	defer cancel()

	if err := h.clock.BlockUntilContext(ctx, 1); err != nil {
		h.t.Fatal("the Reconciler does not become idle")
	}
}

func (h *harness) advance(d time.Duration) {
	h.t.Helper()
	h.clock.Advance(d)
	h.waitIdle()
}

// reload applies changed configuration and secrets, and runs the Reconciler's next poll.
func (h *harness) reload() {
	h.t.Helper()
	h.must(h.folder.WriteConfig(h.folder.Complete(h.config)))
	h.live.Load().Reload()

	if problem := h.live.Load().Current().Problem; problem != "" {
		h.t.Fatal(problem)
	}

	h.advance(pollInterval)
}

// calls returns the paths, without the version, that the Reconciler called at Meta since the last call of calls.
func (h *harness) calls(method string) []string {
	var calls []string
	for _, call := range h.graph.Recorder.Calls(standin.On(method, "")) {
		if call.Header.Get("User-Agent") == "whatsapp-webhook-receiver" {
			calls = append(calls, strings.TrimPrefix(call.Path, "/v27.0"))
		}
	}

	h.graph.Recorder.Reset()

	return calls
}

// checkState checks the reported state. problem must be part of the reported problem.
func (h *harness) checkState(want health.SubscriptionState, problem string) {
	h.t.Helper()

	got := h.reconciler.Subscription()
	if got.State != want || !strings.Contains(got.Problem, problem) || (problem == "") != (got.Problem == "") {
		h.t.Errorf("subscription = %+v, want %s with %q", got, want, problem)
	}

	_, _ = h.log.Write([]byte(got.Problem))
}

// checkSecrets checks that neither the log nor a problem contains a secret.
func (h *harness) checkSecrets() {
	for _, secret := range []string{accessToken, appSecret, verifyToken, foreign, "rotated"} {
		if h.log.contains(secret) {
			h.t.Errorf("the log or a problem contains the secret %s", secret)
		}
	}
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.Write(p)
}

func (b *logBuffer) contains(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()

	return strings.Contains(b.text.String(), text)
}
