// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// tool is the plugin of kubectl with its own kubeconfig, and the transcript of its commands.
type tool struct {
	*suite

	dir        string // of the tool, and of the files that it writes
	env        []string
	transcript *transcript
}

// useTool runs the commands of the tool as people do, as a plugin of kubectl, and compares the transcript with that in docs.
func (s *suite) useTool(t *testing.T) {
	u := s.openTool(t)
	s.deliverTo(t, "sales")
	s.applyBroken(t)

	answered, dead, quarantined := u.produceEvents(t)

	u.checkFiles(t)
	u.look(t, answered)
	u.actOnConversation(t, answered)
	u.actOnDeadLetters(t, dead, quarantined)
	u.refused(t)
	u.audit(t)
	u.simulate(t)
	u.testBridge(t)
	u.diagnose(t)
	u.backup(t)
	u.watchReplacement(t)

	s.kubectl(t, "delete", "waw/support", "--wait", "--timeout=5m")
	u.transcript.check(t)
}

// openTool builds the tool, and returns it with the namespace of the WhatsAppWebhooks as that of its context.
func (s *suite) openTool(t *testing.T) *tool {
	t.Helper()

	dir := t.TempDir()

	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.version=v1.0.0",
		"-o", filepath.Join(dir, "kubectl-whatsapp"), "../../cmd/kubectl-whatsapp")
	if printed, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the tool: %v\n%s", err, printed)
	}

	kubeconfig := filepath.Join(dir, "kubeconfig")

	content, err := os.ReadFile(s.Kubeconfig())
	if err == nil {
		err = os.WriteFile(kubeconfig, content, 0o600)
	}

	if err != nil {
		t.Fatal(err)
	}

	if _, err := s.Kubectl(t.Context(), "--kubeconfig="+kubeconfig, "config", "set-context", "--current", "--namespace="+namespace); err != nil {
		t.Fatal(err)
	}

	return &tool{
		suite: s,
		dir:   dir,
		env: append(os.Environ(),
			"KUBECONFIG="+kubeconfig,
			"PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"),
		),
		transcript: &transcript{},
	}
}

// applyBroken applies a resource whose Secret is missing.
func (s *suite) applyBroken(t *testing.T) {
	t.Helper()

	manifest, err := testdata.ReadFile("testdata/webhook.yaml")
	if err != nil {
		t.Fatal(err)
	}

	support := strings.NewReplacer("name: sales\n", "name: support\n", "sales-bird", "support-bird").Replace(string(manifest))
	if err := s.Apply(t.Context(), namespace, support); err != nil {
		t.Fatal(err)
	}

	s.conditions(t, "support", map[string]string{"Ready": "False/SecretMissing"})
}

// command returns a command line of the shell with the tool in its path.
func (u *tool) command(ctx context.Context, line string) *exec.Cmd {
	command := exec.CommandContext(ctx, "sh", "-c", line)
	command.Env = u.env
	command.Dir = u.dir

	return command
}

// shows runs a command line, writes it with its output into the transcript, and checks its exit code.
func (u *tool) shows(t *testing.T, code int, line string) string {
	t.Helper()

	printed, err := u.command(t.Context(), line).CombinedOutput()

	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%s: %v", line, err)
	}

	if got != code {
		t.Errorf("%s: exit code %d, want %d\n%s", line, got, code, printed)
	}

	u.transcript.add(line, string(printed), code)

	return string(printed)
}

// reads runs a command of the tool and decodes its result.
func reads[T any](ctx context.Context, u *tool, line string) (T, error) {
	var result T

	printed, err := u.command(ctx, "kubectl whatsapp "+line+" -o json").Output()
	if err != nil {
		return result, fmt.Errorf("%s: %w", line, err)
	}

	err = json.Unmarshal(printed, &result)

	return result, err
}

// produceEvents delivers a message that is answered, one whose answer cannot be sent, and one of a foreign number.
func (u *tool) produceEvents(t *testing.T) (answered, dead, quarantined consoleapi.Event) {
	t.Helper()

	u.deliverText(t, standins.PhoneNumberID, "573009990001", "Where is my order?")
	answered = u.event(t, "done", "…0001")

	fault := map[string]any{
		"method":     "POST",
		"pathPrefix": "/" + standins.PhoneNumberID + "/messages",
		"status":     http.StatusBadRequest,
		"body":       `{"error":{"message":"(#131026) Message undeliverable","code":131026}}`,
	}
	if err := u.standins.AddFault(t.Context(), standins.Graph, fault); err != nil {
		t.Fatal(err)
	}

	u.deliverText(t, standins.PhoneNumberID, "573009990002", "Hello?")
	dead = u.event(t, "dead", "…0002")

	if err := u.standins.ClearFaults(t.Context(), standins.Graph); err != nil {
		t.Fatal(err)
	}

	u.deliverText(t, "206540352242922", "573009990003", "Is this the shop?")
	quarantined = u.event(t, "quarantined", "…0003")

	// The statuses of the answer.
	u.eventually(t, func(ctx context.Context) error {
		detail, err := reads[consoleapi.EventDetail](ctx, u, "events sales "+answered.ID)
		if err == nil && (len(detail.Replies) != 1 || len(detail.Replies[0].Statuses) != 1 || detail.Replies[0].Statuses[0].Status != "read") {
			err = fmt.Errorf("the answer is not read: %+v", detail.Replies)
		}

		return err
	})

	return answered, dead, quarantined
}

func (u *tool) deliverText(t *testing.T, number, person, text string) {
	t.Helper()

	delivery := standin.TextDelivery(number, person, "Ana", standin.Wamid(t.Name()+person+text), text, time.Now())

	// A Service routes to a pod only some time after the pod is ready.
	u.eventually(t, func(ctx context.Context) error {
		answer, err := u.standins.Deliver(ctx, standins.AppSecret, delivery)
		if err == nil && answer.Status != http.StatusOK {
			err = fmt.Errorf("the delivery is answered %+v", answer)
		}

		return err
	})
}

// event waits for the message of a person in a state.
func (u *tool) event(t *testing.T, state, person string) consoleapi.Event {
	t.Helper()

	var found consoleapi.Event
	u.eventually(t, func(ctx context.Context) error {
		page, err := reads[consoleapi.EventPage](ctx, u, "events sales --where kind=message,state="+state)
		if err != nil {
			return err
		}

		for _, event := range page.Events {
			if event.Person == person {
				found = event
				return nil
			}
		}

		return fmt.Errorf("no message of %s is %s", person, state)
	})

	return found
}

func (u *tool) look(t *testing.T, answered consoleapi.Event) {
	u.transcript.section("version")
	u.shows(t, 0, "kubectl whatsapp version")

	u.transcript.section("status")
	u.shows(t, 0, "kubectl whatsapp status")
	u.shows(t, 0, "kubectl whatsapp status sales")
	u.shows(t, 0, "kubectl whatsapp status support")

	u.transcript.section("events")
	u.shows(t, 0, "kubectl whatsapp events sales --where kind=message --limit 3")
	u.shows(t, 0, "kubectl whatsapp events sales "+answered.ID)
	u.shows(t, 0, "kubectl whatsapp events sales "+answered.ID+" --reveal")
}

func (u *tool) actOnConversation(t *testing.T, answered consoleapi.Event) {
	id := answered.Conversation

	u.transcript.section("conversations")
	u.shows(t, 0, "kubectl whatsapp conversations list sales --limit 2")
	u.shows(t, 0, "kubectl whatsapp conversations show sales "+id)
	u.shows(t, 0, "kubectl whatsapp conversations takeover sales "+id+" --for 2h")
	u.shows(t, 0, "kubectl whatsapp conversations list sales --state taken_over")
	u.shows(t, 0, "kubectl whatsapp conversations give-back sales "+id)
	u.shows(t, 0, "kubectl whatsapp conversations export sales "+id+" --file person.json")
	u.shows(t, 2, "kubectl whatsapp conversations erase sales "+id)
	u.shows(t, 0, "kubectl whatsapp conversations erase sales "+id+" --yes")
	u.shows(t, 0, "kubectl whatsapp events sales "+answered.ID)
}

func (u *tool) actOnDeadLetters(t *testing.T, dead, quarantined consoleapi.Event) {
	u.transcript.section("dead-letters and quarantine")
	u.shows(t, 0, "kubectl whatsapp dead-letters list sales --by-cause")
	u.shows(t, 0, "kubectl whatsapp dead-letters list sales")
	u.shows(t, 0, "kubectl whatsapp dead-letters show sales "+dead.ID)
	u.shows(t, 0, "kubectl whatsapp dead-letters replay sales --where code=131026")
	u.event(t, "done", dead.Person)
	u.shows(t, 0, "kubectl whatsapp dead-letters list sales")
	u.shows(t, 0, "kubectl whatsapp quarantine list sales")
	u.shows(t, 2, "kubectl whatsapp quarantine discard sales "+quarantined.ID)
	u.shows(t, 0, "kubectl whatsapp quarantine discard sales --all --yes")
}

// checkFiles shows the commands that need no cluster.
func (u *tool) checkFiles(t *testing.T) {
	sample, err := os.ReadFile("../../config/samples/whatsappwebhook.yaml")
	if err != nil {
		t.Fatal(err)
	}

	misspelt := strings.Replace(string(sample), "baseURL:", "baseUrl:", 1)

	for name, content := range map[string]string{
		"webhook.yaml":  string(sample),
		"misspelt.yaml": misspelt,
	} {
		if err := os.WriteFile(filepath.Join(u.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	u.transcript.section("lint and render")
	u.shows(t, 0, "kubectl whatsapp lint webhook.yaml")
	u.shows(t, 1, "kubectl whatsapp lint misspelt.yaml")
	u.shows(t, 0, "kubectl whatsapp render webhook.yaml | grep ^kind:")
}

// simulate shows deliveries to the receiver of the resource.
func (u *tool) simulate(t *testing.T) {
	u.transcript.section("simulate")
	u.shows(t, 0, "kubectl whatsapp simulate --list 2>/dev/null | head -n 6")
	u.shows(t, 0, "kubectl whatsapp simulate text --to sales --person 573009990004")
	u.event(t, "done", "…0004")
}

// testBridge tests an example of a bridge, and lets it answer a copy of what a person asks the AI of the resource.
func (u *tool) testBridge(t *testing.T) {
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(u.dir, "bridge-go"), "../../examples/bridge-go")
	if printed, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the bridge: %v\n%s", err, printed)
	}

	ctx, stop := context.WithCancel(t.Context())
	bridge := u.command(ctx, "HOST=127.0.0.1 PORT=18088 exec ./bridge-go")

	if err := bridge.Start(); err != nil {
		t.Fatal(err)
	}

	defer func() {
		stop()

		_ = bridge.Wait()
	}()

	u.eventually(t, func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:18088")
		if err == nil {
			conn.Close()
		}

		return err
	})

	u.transcript.section("bridge test")
	u.shows(t, 0, "kubectl whatsapp bridge test http://localhost:18088")

	u.transcript.section("listen")

	const line = "kubectl whatsapp listen sales --forward-to http://localhost:18088 --count 1"

	listen := u.start(t, line)

	// A question that was asked before the receiver has a listener is not copied.
	for n := 0; ; n++ {
		u.deliverText(t, standins.PhoneNumberID, "573009990005", fmt.Sprintf("Do you open on Sundays? %d", n))

		select {
		case err := <-listen.ended:
			if err != nil {
				t.Errorf("listen ended with %v\n%s", err, listen.text(t))
			}

			u.transcript.add(line, listen.text(t), 0)

			return
		case <-time.After(5 * time.Second):
		case <-t.Context().Done():
			return
		}
	}
}

// diagnose makes a bundle for a bug report.
func (u *tool) diagnose(t *testing.T) {
	u.transcript.section("doctor")
	u.shows(t, 1, "kubectl whatsapp doctor support --only conditions,configuration,meta,ai")
	u.shows(t, 0, "kubectl whatsapp doctor sales --only conditions,ai,problems,circuits,backlog,dead-letters")

	u.transcript.section("dev")
	u.develop(t)

	u.transcript.section("report")
	u.shows(t, 0, "kubectl whatsapp report sales -f report.zip")
}

// develop shows what dev prints before the first message.
func (u *tool) develop(t *testing.T) {
	const line = "kubectl whatsapp dev --port 18090"

	dev := u.start(t, line)
	u.eventually(t, func(context.Context) error {
		if text := dev.text(t); !strings.Contains(text, "Ctrl-C") {
			return fmt.Errorf("dev shows %q", text)
		}

		return nil
	})
	u.transcript.add(line, dev.stop(t), 0)
}

// refused shows errors.
func (u *tool) refused(t *testing.T) {
	u.transcript.section("errors")
	u.shows(t, 1, "kubectl whatsapp events sale")
	u.shows(t, 3, "kubectl whatsapp events sales --as ana")
	u.shows(t, 2, "kubectl whatsapp dead-leters list sales")
	u.shows(t, 2, "kubectl whatsapp dead-letters list sales --by-cuase")
	u.shows(t, 3, "kubectl whatsapp status --context sales")
}

// audit shows what the receiver logs of acts and reveals.
func (u *tool) audit(t *testing.T) {
	u.transcript.section("logs")

	printed := u.shows(t, 0, "kubectl whatsapp logs sales | grep event=audit | tail -n 3")
	if !strings.Contains(printed, "act=discard") || !strings.Contains(printed, "actor=") {
		t.Errorf("the log has no line of the last act:\n%s", printed)
	}
}

func (u *tool) backup(t *testing.T) {
	u.transcript.section("backup")
	u.shows(t, 0, "kubectl whatsapp backup sales --file sales.db")
	u.shows(t, 2, "kubectl whatsapp backup sales --file sales.db")
}

// watchReplacement deletes the receiver while a command watches and another one serves its console.
func (u *tool) watchReplacement(t *testing.T) {
	u.transcript.section("console")

	watch := u.start(t, "kubectl whatsapp status sales --watch")
	console := u.start(t, "kubectl whatsapp console sales --port 19091")

	get := func(ctx context.Context) (string, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:19091/v1/events?limit=1", http.NoBody)
		if err != nil {
			return "", err
		}

		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()

		body, err := io.ReadAll(response.Body)

		return fmt.Sprint(response.StatusCode, " ", len(body) > 0), err
	}

	u.eventually(t, func(ctx context.Context) error {
		answer, err := get(ctx)
		if err == nil && answer != "200 true" {
			err = fmt.Errorf("the console answers %s", answer)
		}

		return err
	})

	before := u.pod(t, "sales")
	u.kubectl(t, "delete", "pod", before.Name, "--wait=false")

	// At once: the connection moves while the call waits.
	if answer, err := get(t.Context()); err != nil || answer != "200 true" {
		t.Errorf("while the receiver is replaced, the console answers %q, %v", answer, err)
	}

	u.anotherPod(t, "sales", before.UID)
	u.kubectl(t, "wait", "--for=condition=Ready", "waw/sales", "--timeout=5m")

	if answer, err := get(t.Context()); err != nil || answer != "200 true" {
		t.Errorf("after the receiver is replaced, the console answers %q, %v", answer, err)
	}

	u.eventually(t, func(context.Context) error {
		if text := watch.text(t); !strings.Contains(text, "not ready") || !strings.HasSuffix(strings.TrimSpace(text), "receivers 1/1") &&
			!strings.HasSuffix(strings.TrimSpace(text), " ready") && !strings.Contains(text, "a receiver answers") {
			return fmt.Errorf("the watch shows\n%s", text)
		}

		return nil
	})

	u.transcript.add("kubectl whatsapp console sales --port 19091", console.stop(t), 0)

	logStep(t, "the watch showed:\n%s", watch.stop(t))
}

// running is a command line that goes on.
type running struct {
	command *exec.Cmd
	file    string
	ended   chan error
}

// start starts a command line. It is killed at the end of the test, after the cleanups that are registered later.
func (u *tool) start(t *testing.T, line string) *running {
	t.Helper()

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)

	file, err := os.CreateTemp(t.TempDir(), "output")
	if err != nil {
		t.Fatal(err)
	}

	r := &running{
		command: u.command(ctx, "exec "+line),
		file:    file.Name(),
		ended:   make(chan error, 1),
	}
	r.command.Stdout = file
	r.command.Stderr = file

	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}

	go func() {
		r.ended <- r.command.Wait()

		file.Close()
	}()

	return r
}

func (r *running) text(t *testing.T) string {
	t.Helper()

	content, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}

	return string(content)
}

// stop ends the command as Ctrl-C does, and returns what it wrote.
func (r *running) stop(t *testing.T) string {
	t.Helper()

	if err := r.command.Process.Signal(syscall.SIGINT); err != nil {
		t.Errorf("interrupt %s: %v", r.command, err)
	}

	if err := <-r.ended; err != nil {
		t.Errorf("%s ended with %v after Ctrl-C", r.command, err)
	}

	return r.text(t)
}
