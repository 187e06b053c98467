// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	number = "106540352242922"
	// signatureHeader is the header in which calls of a Flow are signed.
	signatureHeader = "X-Signature"
	// waitLimit bounds every wait for something that must happen. Only a failing test waits so long.
	waitLimit = 2 * time.Minute
)

// harness runs a receiver between stand-ins for Meta, Bird and the sink, and fails its test when a step fails.
type harness struct {
	*rig.Rig
	t      *testing.T
	client *http.Client
	clock  *rig.Clock
	sink   *sink
	log    io.Writer // of the receiver; by default the test's own output
	// reply answers the requests to Bird and to the Flow, chat those to the model, and desk those to the desk; set before
	// start.
	reply func(method string, request map[string]any) any
	chat  func(standin.ChatCall) any
	desk  func(method string, request map[string]any) any
	// malformed says that Bird's answers may violate the contract's document; set before start.
	malformed bool
}

// withFlow lets the AI be a Flow.
func withFlow(c *config.Config) {
	c.Bird.Protocol = config.ProtocolFlow
	c.Bird.AuthScheme = config.AuthBearer
	c.Bird.Flow.SignatureHeader = signatureHeader
}

// withOpenAI lets the AI be a model that transcribes voice messages.
func withOpenAI(c *config.Config) {
	c.OpenAI = &config.OpenAI{
		TranscriptionModel: standin.OpenAITranscriptionModel,
		CircuitBreaker:     c.Bird.CircuitBreaker,
	}
}

// withMessagesAPI lets the AI and people post messages.
func withMessagesAPI(c *config.Config) {
	c.MessagesAPI = &config.MessagesAPI{Roles: []config.MessagesRole{config.MessagesAssistant, config.MessagesDesk}}
}

// newHarness starts the stand-ins. adjust may change the configuration before start; withFlow and withOpenAI select another
// protocol.
func newHarness(t *testing.T, adjust func(*config.Config)) *harness {
	h := &harness{
		t:      t,
		client: &http.Client{Timeout: waitLimit, Transport: &http.Transport{}},
		clock:  rig.NewClock(),
		sink:   &sink{t: t, front: standin.NewFront(standin.NewRecorder(10_000), 1<<20)},
		log:    t.Output(),
		reply:  standin.EchoReply,
		chat:   standin.EchoChat,
		desk:   func(string, map[string]any) any { return nil },
	}
	sinkServer := httptest.NewServer(h.sink.front.Wrap(h.sink))

	var err error

	h.Rig, err = rig.New(rig.Options{
		Dir:    t.TempDir(),
		Config: testConfig(sinkServer.URL),
		Graph: standin.GraphOptions{
			AccessTokens: []string{folder.AccessToken},
			AppSecret:    folder.AppSecret,
			Rules:        standin.Rules{RequireAppSecret: true, KnownContext: true},
		},
		Bird: standin.BirdOptions{
			AccessKeys: []string{folder.BirdAccessKey},
			Reply:      func(method string, request map[string]any) any { return h.reply(method, request) },
		},
		Flow: standin.FlowOptions{
			Keys:            []string{folder.BirdAccessKey},
			SigningKeys:     []string{folder.FlowSigningKey},
			SignatureHeader: signatureHeader,
			Reply:           func(method string, request map[string]any) any { return h.reply(method, request) },
		},
		OpenAI: standin.OpenAIOptions{
			Keys:  []string{folder.OpenAIKey},
			Reply: func(call standin.ChatCall) any { return h.chat(call) },
		},
		Desk: standin.DeskOptions{
			Keys:  []string{folder.HandoffKey},
			Reply: func(method string, request map[string]any) any { return h.desk(method, request) },
		},
		Log:     slog.New(slog.NewTextHandler(h, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Clock:   h.clock,
		Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}

	h.WrapBird(h.check(documents().bridge))
	h.WrapFlow(h.check(documents().flow))
	h.WrapDesk(h.check(documents().desk))

	t.Cleanup(func() {
		h.sink.front.Close()

		if err := h.Close(); err != nil {
			t.Errorf("receiver ended with %v, want no error", err)
		}

		sinkServer.Close()
		h.client.CloseIdleConnections()
	})

	if adjust != nil {
		adjust(&h.Config)
		h.Config = h.ConnectAI(h.ConnectDesk(h.Config))
	}

	if err := h.Folder.Layout(h.Config, nil); err != nil {
		t.Fatal(err)
	}

	return h
}

// testConfig returns a configuration with retries and polls within milliseconds, and long timeouts.
func testConfig(sinkURL string) config.Config {
	return config.Config{
		CloudAPI: config.CloudAPI{PhoneNumberIDs: []string{number}, Timeout: waitLimit},
		Webhook:  config.Webhook{IngestTimeout: time.Minute},
		Bird:     config.Bird{CircuitBreaker: config.CircuitBreaker{OpenDuration: 20 * time.Millisecond}},
		Processing: config.Processing{
			Poll:               10 * time.Millisecond,
			ConfigurationRetry: 20 * time.Millisecond,
			AmbiguousWindow:    500 * time.Millisecond,
			Retry:              config.Retry{BaseDelay: 10 * time.Millisecond, MaxDelay: 50 * time.Millisecond},
		},
		Notifications: config.Notifications{SinkURL: sinkURL},
		Log:           config.Log{Level: "debug"},
	}
}

// Write writes to the receiver's log.
func (h *harness) Write(p []byte) (int, error) { return h.log.Write(p) }

func (h *harness) writeSecret(role, name, value string) {
	h.t.Helper()

	if err := h.Folder.WriteSecret(role, name, value); err != nil {
		h.t.Fatal(err)
	}
}

// reconfigure changes the configuration of the running receiver.
func (h *harness) reconfigure(adjust func(*config.Config)) {
	adjust(&h.Config)
	h.Config = h.ConnectAI(h.Config)

	if err := h.Folder.WriteConfig(h.Config); err != nil {
		h.t.Error(err)
	}

	h.Local.Live.Reload()
}

func (h *harness) start() {
	h.t.Helper()

	if err := h.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// stop ends the receiver in good order.
func (h *harness) stop() {
	h.t.Helper()

	if err := h.Local.Stop(); err != nil {
		h.t.Errorf("Run() = %v, want a clean end", err)
	}
}

// deliver posts a signed delivery and checks the status of the answer.
func (h *harness) deliver(want int, body []byte) {
	h.t.Helper()
	h.Graph.Observe(body)

	got, answer, err := standin.Deliver(h.t.Context(), h.client, h.Local.WebhookURL(), folder.AppSecret, body)
	if err != nil {
		h.t.Fatal(err)
	}

	if got != want {
		h.t.Fatalf("delivery answered %d %q, want %d", got, answer, want)
	}
}

func textDelivery(person, message, body string) []byte {
	return standin.TextDelivery(number, person, "Ana", message, body, time.Now())
}

// waitSent waits until Graph has accepted n messages, and returns them.
func (h *harness) waitSent(n int) []standin.SentMessage {
	h.t.Helper()

	var sent []standin.SentMessage
	h.waitFor("messages sent", func() bool { sent = h.Graph.Sent(); return len(sent) >= n })

	if len(sent) != n {
		h.t.Fatalf("%d messages were sent, want %d", len(sent), n)
	}

	return sent
}

// birdRequests returns the requests to Bird without reports of statuses.
func (h *harness) birdRequests() []standin.BirdCall {
	var requests []standin.BirdCall
	for _, call := range h.Bird.Asked() {
		if call.Method != "notify_bird_status_change" {
			requests = append(requests, call)
		}
	}

	return requests
}

func (h *harness) waitFor(what string, condition func() bool) {
	h.t.Helper()

	if err := probe.WaitFor(h.t.Context(), waitLimit, what, condition); err != nil {
		h.t.Fatal(err)
	}
}

// waitReady waits until the receiver accepts deliveries.
func (h *harness) waitReady() {
	h.t.Helper()

	if err := h.Local.WaitReady(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// holdAnswer makes Bird answer its only request by reply, once answer is closed. Asked is closed when Bird is asked.
func (h *harness) holdAnswer(reply func(method string, request map[string]any) any) (asked, answer chan struct{}) {
	asked = make(chan struct{})
	answer = make(chan struct{})

	h.reply = func(method string, request map[string]any) any {
		close(asked)
		<-answer

		return reply(method, request)
	}

	return asked, answer
}

// holdSend makes Meta accept its next message once accept is closed. Sending is closed when the message has arrived.
func (h *harness) holdSend() (sending, accept chan struct{}) {
	sending = make(chan struct{})
	accept = make(chan struct{})

	var isHeld atomic.Bool

	h.WrapGraph(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/messages") && !isHeld.Swap(true) {
				close(sending)

				select {
				case <-accept:
				case <-h.t.Context().Done(): // the test failed
				}
			}

			next.ServeHTTP(w, r)
		})
	})

	return sending, accept
}

// refuseSend lets Meta refuse the next send with an error code.
func (h *harness) refuseSend(code int) {
	fault := standin.GraphError(code, "", 0)
	fault.PathPrefix = "/" + number + "/messages"
	fault.Times = 1
	h.Graph.Faults.Add(fault)
}

// waitIdle waits until nothing is pending, and what was processed is counted.
func (h *harness) waitIdle() {
	h.t.Helper()
	h.waitFor("nothing pending", func() bool {
		stats := h.stats()
		return stats.Pending+stats.PendingStatuses+stats.PendingNotices == 0 && !h.Local.Busy()
	})
}

func (h *harness) stats() store.Stats {
	h.t.Helper()

	stats, err := h.Local.Store().Stats(h.t.Context(), h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}

	return stats
}

func (h *harness) record(message string) *store.Record {
	h.t.Helper()

	record, err := h.Local.Store().Get(h.t.Context(), store.NewID(store.KindMessage, number, message))
	if err != nil {
		h.t.Fatal(err)
	}

	return record
}

// adminPage returns the status and body of a page of the admin port.
func (h *harness) adminPage(path string) (int, string) {
	h.t.Helper()

	code, body, err := h.Local.Get(h.t.Context(), path)
	if err != nil {
		h.t.Fatal(err)
	}

	return code, body
}

func (h *harness) status() health.Report {
	h.t.Helper()

	report, err := h.Local.Status(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}

	return report
}

// sink records notices in the order of their arrival, and fails the test when one violates its schema.
type sink struct {
	t        *testing.T
	front    *standin.Front
	mu       sync.Mutex
	received []cloudEvent
}

type cloudEvent struct {
	ID, Type, Source, Subject string
	Data                      any
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions { // of the doctor
		w.WriteHeader(http.StatusNoContent)
		return
	}

	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}

	var event cloudEvent
	if err := json.Unmarshal(body, &event); err != nil {
		panic(http.ErrAbortHandler)
	}

	if err := documents().notices.Check(body); err != nil {
		s.t.Error(err)
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	s.received = append(s.received, event)
}

// notices returns the notices of a type, without its prefix.
func (s *sink) notices(kind string) []cloudEvent {
	s.mu.Lock()
	defer s.mu.Unlock()

	var events []cloudEvent
	for _, event := range s.received {
		if event.Type == "dev.wawebhook."+kind {
			events = append(events, event)
		}
	}

	return events
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

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.String()
}
