// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/standin"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	number   = "106540352242922"
	secret   = "crash-app-secret"
	patience = time.Minute
)

// TestKillNine ends the real binary with SIGKILL in the middle of a stream of deliveries, several times, each time
// starting it again on the same store. Whatever was answered 200 must be there and worked, and since Meta tells the
// status of every message it took, nobody may be answered twice.
func TestKillNine(t *testing.T) {
	const (
		kills   = 4
		between = 150 // acknowledged deliveries before each kill
		senders = 16
	)
	p := newProcess(t)
	var mu sync.Mutex
	var acknowledged []string
	var next atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()

	telling, stopStatuses := context.WithCancel(t.Context())
	defer stopStatuses()
	var statuses sync.WaitGroup
	for range senders {
		statuses.Go(func() { p.tellStatuses(telling, client) })
	}

	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1)
				message := standin.Wamid(fmt.Sprint(n))
				body := standin.TextDelivery(number, fmt.Sprintf("5730%06d", n%40), "Ana", message, fmt.Sprint(n), time.Now())
				status, _, err := standin.Deliver(ctx, client, p.url(), secret, body)
				if err == nil && status == http.StatusOK {
					mu.Lock()
					acknowledged = append(acknowledged, message)
					mu.Unlock()
				}
			}
		})
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(acknowledged) }
	for range kills {
		want := count() + between
		p.until("deliveries acknowledged", func() bool { return count() >= want })
		p.kill()
		p.start()
	}
	want := count() + between
	p.until("deliveries acknowledged after the last kill", func() bool { return count() >= want })
	stop()
	sending.Wait()

	p.until("all is worked", func() bool { return p.pending() == 0 })
	p.end()
	stopStatuses()
	statuses.Wait()

	inbox, err := sqlite.Open(t.Context(), p.config.Store.Embedded.Path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	}()
	answers := map[string]int{}
	for _, sent := range p.graph.Sent() {
		answers[sent.ContextID]++
	}
	for _, message := range acknowledged {
		record, err := inbox.Get(t.Context(), store.NewID(store.KindMessage, number, message))
		if err != nil {
			t.Fatalf("a message that was answered 200 is not in the store: %v", err)
		}
		if record.Event.State != store.Done || answers[message] != 1 {
			t.Errorf("a message that was answered 200 is %s, with %d answers", record.Event.State, answers[message])
		}
	}
	twice := 0
	for _, n := range answers {
		twice += n - 1
	}
	if twice > 0 {
		t.Errorf("%d answers were sent again", twice)
	}
	t.Logf("%d kills, %d offered, %d acknowledged, %d answers, %d of them again", kills, next.Load(), len(acknowledged), len(p.graph.Sent()), twice)
}

// process is the receiver's binary between stand-ins.
type process struct {
	t      *testing.T
	binary string
	file   string
	config config.Config
	graph  *standin.Graph
	taken  chan standin.SentMessage // messages whose status Meta has yet to tell

	command  *exec.Cmd
	scanning sync.WaitGroup
	mu       sync.Mutex
	webhook  string // host:port
	admin    string
}

func newProcess(t *testing.T) *process {
	dir := t.TempDir()
	p := &process{
		t: t, binary: filepath.Join(dir, "receiver"), file: filepath.Join(dir, "receiver.yaml"),
		taken: make(chan standin.SentMessage, 100_000),
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", p.binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the receiver: %v\n%s", err, out)
	}
	p.graph = standin.NewGraph(standin.GraphOptions{Keep: 100_000, StatusSink: func(m standin.SentMessage) { p.taken <- m }})
	bird := standin.NewBird(standin.BirdOptions{})
	graphServer, birdServer := httptest.NewServer(p.graph), httptest.NewServer(bird)
	t.Cleanup(func() { p.graph.Close(); bird.Close(); graphServer.Close(); birdServer.Close() })
	p.config = config.Config{
		Listen:     config.Listen{Webhook: "127.0.0.1:0", Admin: "127.0.0.1:0", Console: "127.0.0.1:0"},
		SecretsDir: filepath.Join(dir, "secrets"),
		CloudAPI:   config.CloudAPI{BaseURL: graphServer.URL, MessagesPerSecond: 10_000},
		Bird:       config.Bird{BaseURL: birdServer.URL},
		Processing: config.Processing{AmbiguousWindow: 10 * time.Second, TypingIndicator: new(false)},
		Store:      config.Store{Embedded: &config.EmbeddedStore{Path: filepath.Join(dir, "inbox.db")}},
		Media:      config.Media{SpoolDir: filepath.Join(dir, "spool")},
		Log:        config.Log{Level: "info"},
	}
	for role, value := range map[string]string{
		config.RoleAccessToken: "token", config.RoleAppSecret: secret, config.RoleVerifyToken: "verify", config.RoleBirdAccessKey: "key",
	} {
		if err := os.MkdirAll(filepath.Join(p.config.SecretsDir, role), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.config.SecretsDir, role, "0"), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := yaml.Marshal(p.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	p.start()
	return p
}

// start runs the binary and learns its addresses from its log.
func (p *process) start() {
	p.t.Helper()
	p.command = exec.Command(p.binary, "--config", p.file)
	log, err := p.command.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
	started := make(chan struct{})
	p.scanning.Go(func() {
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			var entry struct{ Level, Msg, Webhook, Admin string }
			if json.Unmarshal(lines.Bytes(), &entry) != nil || entry.Level == "ERROR" {
				p.t.Logf("receiver: %s", lines.Text())
			}
			if entry.Msg == "receiver started" {
				p.mu.Lock()
				p.webhook, p.admin = entry.Webhook, entry.Admin
				p.mu.Unlock()
				close(started)
			}
		}
	})
	select {
	case <-started:
	case <-time.After(patience):
		p.t.Fatal("the receiver did not start")
	}
}

func (p *process) url() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return "http://" + p.webhook + "/webhooks/whatsapp"
}

// tellStatuses posts the status of each message that Graph took, again and again until it is answered 200, as Meta does.
func (p *process) tellStatuses(ctx context.Context, client *http.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-p.taken:
			body := standin.StatusDelivery(number, m.ID, "sent", strings.TrimPrefix(m.To, "+"), m.Callback, time.Now())
			status, _, err := standin.Deliver(ctx, client, p.url(), secret, body)
			if err != nil || status != http.StatusOK {
				p.taken <- m
			}
		}
	}
}

func (p *process) kill() {
	p.t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	p.scanning.Wait()
	_ = p.command.Wait() // "signal: killed"
}

// end asks the receiver to end, and expects it to do so in good order.
func (p *process) end() {
	p.t.Helper()
	if err := p.command.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	p.scanning.Wait()
	if err := p.command.Wait(); err != nil {
		p.t.Errorf("the receiver ended with %v", err)
	}
}

// pending asks the admin port; -1 when it cannot be asked.
func (p *process) pending() int64 {
	p.mu.Lock()
	address := "http://" + p.admin + "/metrics"
	p.mu.Unlock()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return -1
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		var n float64
		if rest, ok := strings.CutPrefix(lines.Text(), "whatsapp_message_queue_size "); ok {
			if _, err := fmt.Sscan(rest, &n); err == nil {
				return int64(n)
			}
		}
	}
	return -1
}

func (p *process) until(what string, holds func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			p.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}
