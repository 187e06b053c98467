// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID       = "77"
	account     = "9001"
	number      = "4200"
	accessToken = "access-token-value"
	appSecret   = "app-secret-value"
	verifyToken = "verify-token-value"
	foreign     = "verify-token-of-somebody-else"

	patience = 20 * time.Second
)

// world is a keeper between a stand-in for Meta and a callback that answers as the receiver's edge does.

type world struct {
	t      *testing.T
	graph  *standin.Graph
	meta   string // its URL
	hook   string // URL of the callbacks /ours and /theirs
	down   atomic.Bool
	clock  *clockwork.FakeClock
	dir    string
	config config.Config
	live   atomic.Pointer[config.Live]
	keeper *Reconciler
	sends  health.TokenState
	duties *sqlite.Store
	log    *journal
	stop   func()
}

func newWorld(t *testing.T, options standin.GraphOptions, adjust func(*config.Config)) *world {
	w := &world{
		t:     t,
		dir:   t.TempDir(),
		sends: health.TokenUnknown,
		log:   &journal{},
		clock: clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)),
	}
	hook := httptest.NewTLSServer(http.HandlerFunc(w.callback))
	w.hook = hook.URL
	options.CallbackClient = hook.Client()
	options.AppID = appID

	options.Clock = w.clock
	if options.AppSecret == "" {
		options.AppSecret = appSecret
	}

	if options.AccessTokens == nil {
		options.AccessTokens = []string{accessToken}
	}

	w.graph = standin.NewGraph(options)
	meta := httptest.NewServer(w.graph)
	w.meta = meta.URL
	t.Cleanup(func() {
		w.graph.Close()
		meta.Close()
		hook.Close()
	})

	w.config = config.Config{
		SecretsDir: filepath.Join(w.dir, "secrets"),
		Bird:       config.Bird{BaseURL: "http://127.0.0.1:1"},
		CloudAPI: config.CloudAPI{
			BaseURL:        meta.URL,
			Timeout:        patience,
			PhoneNumberIDs: []string{number},
			Subscription: &config.Subscription{
				AppID:              appID,
				CallbackURL:        w.ours(),
				BusinessAccountIDs: []string{account},
				Fields:             []string{"messages", "account_update"},
			},
		},
	}
	if adjust != nil {
		adjust(&w.config)
	}

	var err error
	if w.duties, err = sqlite.Open(t.Context(), filepath.Join(w.dir, "inbox.db"), sqlite.Options{}); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := w.duties.Close(); err != nil {
			t.Error(err)
		}
	})
	w.secret(config.RoleAccessToken, accessToken)
	w.secret(config.RoleAppSecret, appSecret)
	w.secret(config.RoleVerifyToken, verifyToken)
	w.secret(config.RoleBirdAccessKey, "bird-key-value")
	w.write()
	t.Cleanup(w.silent)

	return w
}

func (w *world) ours() string { return w.hook + "/ours" }

func (w *world) theirs() string { return w.hook + "/theirs" }

// callback knows the receiver's verify token at one path and somebody else's at another.

func (w *world) callback(rw http.ResponseWriter, r *http.Request) {
	token := foreign
	if r.URL.Path == "/ours" {
		token = w.live.Load().Current().Secrets.VerifyToken
	}

	if w.down.Load() || r.URL.Query().Get("hub.verify_token") != token {
		rw.WriteHeader(http.StatusForbidden)
		return
	}

	_, _ = io.WriteString(rw, r.URL.Query().Get("hub.challenge"))
}

func (w *world) secret(role string, values ...string) {
	w.t.Helper()

	dir := filepath.Join(w.config.SecretsDir, role)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}

	for i, value := range values {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))), []byte(value), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) write() {
	w.t.Helper()

	data, err := yaml.Marshal(w.config)
	if err != nil {
		w.t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(w.dir, "receiver.yaml"), data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// start runs a keeper until its first check is done, in place of one that runs.

func (w *world) start() {
	w.t.Helper()
	w.end()

	live, err := config.Open(filepath.Join(w.dir, "receiver.yaml"), w.clock, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}

	w.live.Store(live)
	graph := cloudapi.NewClient(live, 1, w.clock)
	w.keeper = New(Parts{
		Live:      live,
		Graph:     graph,
		Metrics:   metrics.New(),
		Elections: w.duties,
		Holder:    "ours",
		Sends:     func() health.TokenState { return w.sends },
		Clock:     w.clock,
		Log:       slog.New(slog.NewTextHandler(io.MultiWriter(w.log, w.t.Output()), nil)),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))

	ended := make(chan struct{})
	go func() { defer close(ended); w.keeper.Run(ctx) }()

	w.stop = sync.OnceFunc(func() { cancel(); <-ended; graph.Close() })
	w.t.Cleanup(w.stop)
	w.settle()
}

func (w *world) end() {
	if w.stop != nil {
		w.stop()
	}
}

// settle waits until the keeper rests.

func (w *world) settle() {
	w.t.Helper()

	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()

	if err := w.clock.BlockUntilContext(ctx, 1); err != nil {
		w.t.Fatal("the keeper does not come to rest")
	}
}

func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	w.settle()
}

// reload takes changed configuration and secrets, and lets the keeper notice.

func (w *world) reload() {
	w.t.Helper()
	w.write()
	w.live.Load().Reload()

	if problem := w.live.Load().Current().Problem; problem != "" {
		w.t.Fatal(problem)
	}

	w.pass(pollEvery)
}

// calls are what the keeper asked of Meta since the last look, as method and path below the version.

func (w *world) calls(method string) []string {
	var calls []string
	for _, call := range w.graph.Recorder.Calls(standin.On(method, "")) {
		if call.Header.Get("User-Agent") == "whatsapp-webhook-receiver" {
			calls = append(calls, strings.TrimPrefix(call.Path, "/v26.0"))
		}
	}

	w.graph.Recorder.Reset()

	return calls
}

// meddle is somebody else's call to Meta, which must succeed.

// theirApp gives the app a callback that is not ours.

// standing is what Meta has.

// state checks how far the keeper says to be; problem is what must be said.

func (w *world) state(want health.SubscriptionState, problem string) {
	w.t.Helper()

	got := w.keeper.Subscription()
	if got.State != want || !strings.Contains(got.Problem, problem) || (problem == "") != (got.Problem == "") {
		w.t.Errorf("subscription = %+v, want %s with %q", got, want, problem)
	}

	_, _ = w.log.Write([]byte(got.Problem))
}

// silent checks that no secret was told.

func (w *world) silent() {
	for _, secret := range []string{accessToken, appSecret, verifyToken, foreign, "rotated"} {
		if w.log.contains(secret) {
			w.t.Errorf("the log or a problem tells the secret %s", secret)
		}
	}
}

// journal is a log that can be read while it is written.

type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()

	return j.text.Write(p)
}

func (j *journal) contains(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()

	return strings.Contains(j.text.String(), text)
}
