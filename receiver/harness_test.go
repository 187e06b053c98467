// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	number      = "106540352242922"
	accessToken = "test-access-token"
	appSecret   = "test-app-secret"
	verifyToken = "test-verify-token"
	birdKey     = "test-bird-key"

	patience = 20 * time.Second // for what must happen; only a failing test waits so long
)

// world is a receiver between stand-ins for Meta and Bird.
type world struct {
	t      *testing.T
	graph  *standin.Graph
	bird   *standin.Bird
	dir    string
	config config.Config
	client *http.Client
	reply  func(method string, request map[string]any) any // Bird's; set before start
	sink   *sink
	log    io.Writer // of the receiver; by default the test's own output

	running *running
}

type running struct {
	*receiver.Receiver
	stop  context.CancelFunc
	ended chan error
}

// newWorld starts the stand-ins; adjust may change the configuration before start.
func newWorld(t *testing.T, adjust func(*config.Config)) *world {
	w := &world{
		t: t, dir: t.TempDir(),
		graph:  standin.NewGraph(standin.GraphOptions{AccessTokens: []string{accessToken}}),
		client: &http.Client{Timeout: patience, Transport: &http.Transport{}},
		reply:  standin.EchoReply,
	}
	w.bird = standin.NewBird(standin.BirdOptions{
		AccessKeys: []string{birdKey},
		Reply:      func(method string, request map[string]any) any { return w.reply(method, request) },
	})
	w.sink = &sink{front: standin.NewFront(standin.NewRecorder(10_000), 1<<20)}
	graph := httptest.NewServer(w.graph)
	bird := httptest.NewServer(w.bird)
	sinkServer := httptest.NewServer(w.sink.front.Wrap(w.sink))
	t.Cleanup(func() {
		w.sink.front.Close()
		sinkServer.Close()
		w.graph.Close()
		w.bird.Close()
		graph.Close()
		bird.Close()
		w.client.CloseIdleConnections()
	})

	w.config = config.Config{
		Listen: config.Listen{
			Webhook: "127.0.0.1:0",
			Admin:   "127.0.0.1:0",
			Console: "127.0.0.1:0",
		},
		SecretsDir: filepath.Join(w.dir, "secrets"),
		CloudAPI: config.CloudAPI{
			BaseURL:        graph.URL,
			PhoneNumberIDs: []string{number},
			Timeout:        patience,
		},
		Bird: config.Bird{BaseURL: bird.URL, CircuitBreaker: config.CircuitBreaker{OpenDuration: 20 * time.Millisecond}},
		Processing: config.Processing{
			Poll:               10 * time.Millisecond,
			ConfigurationRetry: 20 * time.Millisecond,
			AmbiguousWindow:    500 * time.Millisecond,
			Retry:              config.Retry{BaseDelay: 10 * time.Millisecond, MaxDelay: 50 * time.Millisecond},
		},
		Store:         config.Store{Embedded: &config.EmbeddedStore{Path: filepath.Join(w.dir, "inbox.db")}},
		Notifications: config.Notifications{SinkURL: sinkServer.URL},
		Media:         config.Media{SpoolDir: filepath.Join(w.dir, "spool")},
		Log:           config.Log{Level: "debug"},
	}
	if adjust != nil {
		adjust(&w.config)
	}

	w.secret(config.RoleAccessToken, "0", accessToken)
	w.secret(config.RoleAppSecret, "0", appSecret)
	w.secret(config.RoleVerifyToken, "0", verifyToken)
	w.secret(config.RoleBirdAccessKey, "0", birdKey)

	return w
}

func (w *world) secret(role, name, value string) {
	w.t.Helper()

	dir := filepath.Join(w.config.SecretsDir, role)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}

	temporary := filepath.Join(w.dir, "value")
	if err := os.WriteFile(temporary, []byte(value), 0o600); err != nil {
		w.t.Fatal(err)
	}

	if err := os.Rename(temporary, filepath.Join(dir, name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start() {
	w.t.Helper()

	data, err := yaml.Marshal(w.config)
	if err != nil {
		w.t.Fatal(err)
	}

	file := filepath.Join(w.dir, "receiver.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		w.t.Fatal(err)
	}

	output := w.log
	if output == nil {
		output = w.t.Output()
	}

	log := slog.New(slog.NewTextHandler(output, &slog.HandlerOptions{Level: slog.LevelDebug}))
	clock := clockwork.NewRealClock()

	live, err := config.Open(file, clock, log)
	if err != nil {
		w.t.Fatal(err)
	}

	r, err := receiver.Open(w.t.Context(), live, "test", clock, log)
	if err != nil {
		w.t.Fatal(err)
	}

	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))

	w.running = &running{
		Receiver: r,
		stop:     stop,
		ended:    make(chan error, 1),
	}
	go func() { w.running.ended <- r.Run(ctx) }()

	once := w.running
	w.t.Cleanup(func() { w.end(once) })
}

// end stops a receiver in good order; more than once is as good as once.
func (w *world) end(r *running) {
	w.t.Helper()
	r.stop()

	err, first := <-r.ended
	if !first {
		return
	}

	close(r.ended)

	if err != nil {
		w.t.Errorf("Run() = %v, want a clean end", err)
	}

	r.Close()
}

func (w *world) url() string { return "http://" + w.running.WebhookAddr() + "/webhooks/whatsapp" }

// deliver posts a signed delivery and checks the status of the answer.
func (w *world) deliver(want int, body []byte) {
	w.t.Helper()

	got, answer, err := standin.Deliver(w.t.Context(), w.client, w.url(), appSecret, body)
	if err != nil {
		w.t.Fatal(err)
	}

	if got != want {
		w.t.Fatalf("delivery answered %d %q, want %d", got, answer, want)
	}
}

func text(person, message, body string) []byte {
	return standin.TextDelivery(number, person, "Ana", message, body, time.Now())
}

// sent waits until Graph has accepted n messages, and returns them.
func (w *world) sent(n int) []standin.SentMessage {
	w.t.Helper()

	var sent []standin.SentMessage
	w.until("messages sent", func() bool { sent = w.graph.Sent(); return len(sent) >= n })

	if len(sent) != n {
		w.t.Fatalf("%d messages were sent, want %d", len(sent), n)
	}

	return sent
}

// questions are what Bird was asked, without the statuses it was told.
func (w *world) questions() []standin.BirdCall {
	var questions []standin.BirdCall
	for _, call := range w.bird.Asked() {
		if call.Method != "notify_bird_status_change" {
			questions = append(questions, call)
		}
	}

	return questions
}

func (w *world) until(what string, holds func() bool) {
	w.t.Helper()

	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()

	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()

	for !holds() {
		select {
		case <-ctx.Done():
			w.t.Fatalf("waited in vain for: %s", what)
		case <-tick.C:
		}
	}
}

// quiet waits until nothing is pending.
func (w *world) quiet() {
	w.t.Helper()
	w.until("nothing pending", func() bool {
		stats := w.stats()
		return stats.Pending+stats.PendingStatuses+stats.PendingNotices == 0
	})
}

func (w *world) stats() store.Stats {
	w.t.Helper()

	stats, err := w.running.Store().Stats(w.t.Context(), time.Now())
	if err != nil {
		w.t.Fatal(err)
	}

	return stats
}

func (w *world) record(message string) *store.Record {
	w.t.Helper()

	record, err := w.running.Store().Get(w.t.Context(), store.NewID(store.KindMessage, number, message))
	if err != nil {
		w.t.Fatal(err)
	}

	return record
}

// admin gets a page of the admin port.
func (w *world) admin(path string) (int, string) {
	w.t.Helper()

	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.running.AdminAddr()+path, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}

	response, err := w.client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}

	return response.StatusCode, string(body)
}

func (w *world) status() health.Report {
	w.t.Helper()
	code, body := w.admin("/status")

	var status health.Report
	if err := json.Unmarshal([]byte(body), &status); code != http.StatusOK || err != nil {
		w.t.Fatalf("GET /status = %d %q (%v)", code, body, err)
	}

	return status
}

// sink takes notices and keeps them in the order of their coming.
type sink struct {
	front *standin.Front
	mu    sync.Mutex
	got   []cloudEvent
}

type cloudEvent struct {
	ID, Type, Source, Subject string
	Data                      any
}

func (s *sink) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var event cloudEvent
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		panic(http.ErrAbortHandler)
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	s.got = append(s.got, event)
}

// of returns the notices of a type.
func (s *sink) of(kind string) []cloudEvent {
	s.mu.Lock()
	defer s.mu.Unlock()

	var events []cloudEvent
	for _, event := range s.got {
		if event.Type == "dev.wawebhook."+kind {
			events = append(events, event)
		}
	}

	return events
}
