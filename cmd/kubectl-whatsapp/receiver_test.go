// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	servedNumber = "106540352242922"
	otherNumber  = "206540352242922"
)

// liveReceiver is a receiver between stand-ins.
type liveReceiver struct {
	*rig.Rig

	log *lockedBuffer
}

// lockedBuffer is a buffer that several goroutines use.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.String()
}

func openReceiver(t *testing.T) *liveReceiver {
	t.Helper()

	log := &lockedBuffer{}

	r, err := rig.New(rig.Options{
		Graph: standin.GraphOptions{
			AccessTokens: []string{folder.AccessToken},
			AppSecret:    folder.AppSecret,
		},
		Config: config.Config{
			CloudAPI:   config.CloudAPI{PhoneNumberIDs: []string{servedNumber}},
			Processing: config.Processing{Poll: 10 * time.Millisecond},
		},
		Log:     slog.New(slog.NewJSONHandler(log, nil)),
		Version: "v1.2.3",
	})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})

	if err := r.Folder.Layout(r.Config, r.Secrets); err != nil {
		t.Fatal(err)
	}

	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}

	return &liveReceiver{
		Rig: r,
		log: log,
	}
}

// deliver delivers a text of a person.
func (r *liveReceiver) deliver(t *testing.T, number, person, text string) {
	t.Helper()

	body := standin.TextDelivery(number, person, "Ana", standin.Wamid(person+text), text, time.Now())

	status, _, err := standin.Deliver(t.Context(), &http.Client{Timeout: time.Minute}, r.Local.WebhookURL(), folder.AppSecret, body)
	if err != nil || status != http.StatusOK {
		t.Fatalf("deliver: %d, %v", status, err)
	}
}

// run runs the tool with the receiver.
func (r *liveReceiver) run(t *testing.T, args ...string) ranTool {
	t.Helper()

	return runTool(t, append(args, "--address", "http://"+r.Local.ConsoleAddr())...)
}

// decode runs the tool with -o json and decodes the result.
func decode[T any](t *testing.T, r *liveReceiver, args ...string) T {
	t.Helper()

	got := r.run(t, append(args, "-o", "json")...)
	if got.code != 0 {
		t.Fatalf("%s: %+v", strings.Join(args, " "), got)
	}

	var result T
	if err := json.Unmarshal([]byte(got.out), &result); err != nil {
		t.Fatalf("%s: %v in %s", strings.Join(args, " "), err, got.out)
	}

	return result
}

// answerAndFail delivers a message that is answered, and one whose answer Meta refuses, as it then refuses all. It returns their events.
func (r *liveReceiver) answerAndFail(t *testing.T) (answered, dead consoleapi.Event) {
	t.Helper()

	r.deliver(t, servedNumber, "34600001111", "hello")
	answered = r.waitFor(t, 1, "done")[0]

	r.Graph.Faults.Add(standin.Fault{
		Method:     http.MethodPost,
		PathPrefix: "/" + servedNumber + "/messages",
		Status:     http.StatusBadRequest,
		Body:       `{"error":{"message":"(#131026) Message undeliverable","code":131026}}`,
	})
	r.deliver(t, servedNumber, "34600002222", "undeliverable")
	dead = r.waitFor(t, 1, "dead")[0]

	return answered, dead
}

// waitFor waits until the receiver has n events of a state, and has counted what it processed.
func (r *liveReceiver) waitFor(t *testing.T, n int, state string) []consoleapi.Event {
	t.Helper()

	var page consoleapi.EventPage

	apiserver.Eventually(t, func() error {
		page = decode[consoleapi.EventPage](t, r, "events", "--where", "kind=message,state="+state)
		if len(page.Events) != n {
			return fmt.Errorf("%d events are %s, want %d", len(page.Events), state, n)
		}

		if r.Local.Busy() {
			return errors.New("an event is processed")
		}

		return nil
	})

	return page.Events
}

var updateGolden = flag.Bool("update", false, "rewrite the golden files of the tool's texts")

// volatile are the parts of texts that differ from run to run.
var volatile = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z`), "2026-11-23T06:49:00Z"},
	{regexp.MustCompile(`\+\d+(\.\d+)?m?s\b`), "+1s"},
	{regexp.MustCompile(`\b\d+(m\d+)?(s|m|h)\b( left)?`), "5s$3"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "0123456789abcdef0123456789abcdef"},
	{regexp.MustCompile(`[A-Za-z0-9_-]{80,}`), "CONVERSATION"},
	{regexp.MustCompile(`http://127\.0\.0\.1:\d+`), "http://127.0.0.1:9091"},
	{regexp.MustCompile(`\d+ ms on average`), "12 ms on average"},
	{regexp.MustCompile(`[0-9.]+ MiB`), "1.0 MiB"},
	{regexp.MustCompile(`\b(accepted|unknown)\b`), "accepted"}, // the token is checked in the background
	{regexp.MustCompile(` {2,}`), "  "},                        // the widths of columns
}

// checkGolden compares what commands wrote with a golden file. Volatile parts are replaced.
func checkGolden(t *testing.T, name, text string) {
	t.Helper()

	for _, part := range volatile {
		text = part.pattern.ReplaceAllString(text, part.instead)
	}

	file := filepath.Join("testdata", name+".txt")

	if *updateGolden {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got); go test ./cmd/kubectl-whatsapp -update rewrites it:\n%s", file, diff)
	}
}

func TestCommandsOfReceiver(t *testing.T) {
	r := openReceiver(t)

	// One message is answered, one cannot be sent, and one is of a number that is not served.
	answered, dead := r.answerAndFail(t)

	r.deliver(t, otherNumber, "34600003333", "who is this")
	quarantined := r.waitFor(t, 1, "quarantined")[0]
	r.Graph.Faults.Clear()

	var shown strings.Builder

	show := func(args ...string) ranTool {
		got := r.run(t, args...)
		fmt.Fprintf(&shown, "$ kubectl whatsapp %s\n%s%s\n", strings.Join(args, " "), got.out, got.err)

		if got.code != 0 {
			fmt.Fprintf(&shown, "exit code %d\n\n", got.code)
		}

		return got
	}

	show("status")
	show("events", "--where", "kind=message")
	show("events", "--where", "code=131026")
	show("events", "--where", "state=expired")
	show("events", answered.ID)
	show("events", dead.ID)
	show("conversations", "list")
	show("conversations", "list", "--state", "waiting")
	show("conversations", "show", answered.Conversation)
	show("conversations", "show", answered.Conversation, "--reveal")
	show("conversations", "takeover", answered.Conversation, "--for", "2h")
	show("conversations", "list", "--state", "taken_over")
	show("conversations", "give-back", answered.Conversation)
	show("dead-letters", "list")
	show("dead-letters", "list", "--by-cause")
	show("dead-letters", "show", dead.ID)
	show("dead-letters", "replay", dead.ID)
	r.waitFor(t, 2, "done")
	show("dead-letters", "list")
	show("dead-letters", "replay", "--all")
	show("quarantine", "list")
	show("quarantine", "discard", quarantined.ID)
	show("quarantine", "discard", "--all", "--yes")
	show("dead-letters", "replay")
	show("dead-letters", "replay", "--where", "cod=1")
	show("dead-letters", "show", quarantined.ID[1:]+"0")

	if got := shown.String(); strings.Contains(strings.ReplaceAll(got, "show CONVERSATION --reveal", ""), "34600002222") {
		t.Errorf("a phone number is shown that was not to be revealed:\n%s", got)
	}

	checkGolden(t, "commands", shown.String())
}

func TestRevealIsLoggedWithTheActor(t *testing.T) {
	r := openReceiver(t)
	r.deliver(t, servedNumber, "34600001111", "hello")
	event := r.waitFor(t, 1, "done")[0]

	masked := r.run(t, "events", event.ID)
	if strings.Contains(masked.out, "34600001111") || strings.Contains(masked.out, "hello") || !strings.Contains(masked.out, "…1111") {
		t.Errorf("without --reveal:\n%s", masked.out)
	}

	if strings.Contains(r.log.String(), `"act":"reveal"`) {
		t.Errorf("a reveal is logged although nothing was revealed:\n%s", r.log.String())
	}

	revealed := r.run(t, "events", event.ID, "--reveal")
	if !strings.Contains(revealed.out, "34600001111") || !strings.Contains(revealed.out, "hello") {
		t.Errorf("with --reveal:\n%s", revealed.out)
	}

	if log := r.log.String(); !strings.Contains(log, `"act":"reveal"`) || !strings.Contains(log, `"actor":"`+localUser()+`"`) {
		t.Errorf("the reveal is not logged with its actor:\n%s", log)
	}
}

// TestNumbersWithoutMeaning checks that a number which selects nothing is refused, instead of an answer that there is nothing.
func TestNumbersWithoutMeaning(t *testing.T) {
	r := openReceiver(t)

	for _, args := range [][]string{
		{"events", "--limit", "0"},
		{"dead-letters", "list", "--limit", "-1"},
		{"conversations", "list", "--limit", "0"},
		{"conversations", "takeover", servedNumber + ":34600001111", "--for", "-2h"},
	} {
		if got := r.run(t, args...); got.code != output.CodeUsage || got.out != "" || !strings.Contains(got.err, "Fix:") {
			t.Errorf("%v: %+v, want an error of usage", args, got)
		}
	}

	got := runTool(t, "logs", "sales", "--since", "-10m")
	if got.code != output.CodeUsage || !strings.Contains(got.err, "--since -10m0s is in the future") {
		t.Errorf("logs of a time in the future: %+v, want an error of usage", got)
	}
}

func TestPersonIsExportedAndErased(t *testing.T) {
	r := openReceiver(t)
	r.deliver(t, servedNumber, "34600001111", "hello")
	event := r.waitFor(t, 1, "done")[0]
	file := filepath.Join(t.TempDir(), "person.json")

	if err := os.WriteFile(file, []byte("an earlier export"), 0o644); err != nil {
		t.Fatal(err)
	}

	got := r.run(t, "conversations", "export", event.Conversation, "--file", file)

	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the export: %v, %v", info.Mode(), err)
	}

	document, err := os.ReadFile(file)
	if got.code != 0 || err != nil || !strings.Contains(string(document), "hello") || !json.Valid(document) {
		t.Errorf("export: %+v, %v\n%s", got, err, document)
	}

	if got = r.run(t, "conversations", "export", event.Conversation); !strings.Contains(got.out, "34600001111") {
		t.Errorf("export to standard output: %+v", got)
	}

	file = filepath.Join(t.TempDir(), "person.yaml")
	got = r.run(t, "conversations", "export", event.Conversation, "-o", "yaml", "--file", file)

	document, err = os.ReadFile(file)
	if got.code != 0 || got.out != "" || err != nil || !strings.Contains(string(document), "hello") || json.Valid(document) {
		t.Errorf("export as YAML to a file: %+v, %v\n%s", got, err, document)
	}

	for _, place := range []string{"backups", "sink", "Meta"} {
		if got = runTool(t, "conversations", "erase", "--help"); !strings.Contains(got.out, place) {
			t.Errorf("the help of erase does not name %s, which an erasure does not reach: %+v", place, got)
		}
	}

	if got = r.run(t, "conversations", "erase", event.Conversation); got.code != output.CodeUsage || !strings.Contains(got.err, "of the person …1111?") {
		t.Errorf("erase without a terminal and without --yes: %+v", got)
	}

	got = r.run(t, "conversations", "erase", event.Conversation, "--yes")
	for _, text := range []string{"Everything of the person …1111 is erased.", "\n- backups and snapshots", "erase once more after a day\n"} {
		if got.code != 0 || !strings.Contains(got.out, text) {
			t.Errorf("erase does not say %q: %+v", text, got)
		}
	}

	if got = r.run(t, "events", event.ID, "--reveal"); got.code != 0 || strings.Contains(got.out, "1111") || strings.Contains(got.out, "hello") {
		t.Errorf("an event of a person who was erased: %+v", got)
	}
}

// TestPersonWithoutAConversationIsErased erases a person of whom the receiver has only a quarantined message, and again what came
// after an erasure: there is no state of a conversation.
func TestPersonWithoutAConversationIsErased(t *testing.T) {
	r := openReceiver(t)
	r.deliver(t, otherNumber, "34600001111", "hello")
	event := r.waitFor(t, 1, "quarantined")[0]

	if got := r.run(t, "conversations", "erase", event.Conversation); got.code != output.CodeUsage || !strings.Contains(got.err, "of this person?") {
		t.Errorf("erase without a terminal and without --yes: %+v", got)
	}

	erased := decode[erasedPerson](t, r, "conversations", "erase", event.Conversation, "--yes")
	if erased.Erased != event.Conversation || erased.Events != 1 || len(erased.Remains) == 0 {
		t.Errorf("erased %+v, want the event, and what remains", erased)
	}

	if got := r.run(t, "events", event.ID, "--reveal"); got.code != 0 || strings.Contains(got.out, "1111") || strings.Contains(got.out, "hello") {
		t.Errorf("an event of a person who was erased: %+v", got)
	}

	got := r.run(t, "conversations", "erase", event.Conversation, "--yes")
	for _, text := range []string{"Nothing is stored of this person", "erase once more after a day\n"} {
		if got.code != 0 || !strings.Contains(got.out, text) {
			t.Errorf("erase when there is nothing does not say %q: %+v", text, got)
		}
	}

	if got := r.run(t, "conversations", "erase", "unknown", "--yes"); got.code != output.CodeFailed || !strings.Contains(got.err, "no such conversation") {
		t.Errorf("erase with an id that is none: %+v", got)
	}
}

func TestBackup(t *testing.T) {
	r := openReceiver(t)
	r.deliver(t, servedNumber, "34600001111", "hello")
	event := r.waitFor(t, 1, "done")[0]
	file := filepath.Join(t.TempDir(), "sales.db")

	if got := decode[backupResult](t, r, "backup", "--file", file); got.File != file || got.Bytes == 0 {
		t.Errorf("backup: %+v", got)
	}

	if got := r.run(t, "backup", "--file", file); got.code != output.CodeUsage || !strings.Contains(got.err, "--overwrite") {
		t.Errorf("backup to a file that exists: %+v", got)
	}

	if got := r.run(t, "backup", "--file", file, "--overwrite"); got.code != 0 {
		t.Errorf("backup with --overwrite: %+v", got)
	}

	copied, err := sqlite.Open(t.Context(), file, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = copied.Close() }()

	id, err := store.ParseID(event.ID)
	if err != nil {
		t.Fatal(err)
	}

	if record, err := copied.Get(t.Context(), id); err != nil || record.Event.State != store.Done {
		t.Errorf("the copy has the event as %+v, %v", record, err)
	}
}

func TestBulkActs(t *testing.T) {
	r := openReceiver(t)
	r.Graph.Faults.Add(standin.Fault{
		Method:     http.MethodPost,
		PathPrefix: "/" + servedNumber + "/messages",
		Status:     http.StatusBadRequest,
		Body:       `{"error":{"message":"(#131026) Message undeliverable","code":131026}}`,
	})

	for i := range 12 {
		r.deliver(t, servedNumber, fmt.Sprintf("346000020%02d", i), "undeliverable")
	}

	r.waitFor(t, 12, "dead")
	r.Graph.Faults.Clear()

	if got := r.run(t, "dead-letters", "discard", "--all"); got.code != output.CodeUsage || !strings.Contains(got.err, "Add --yes") {
		t.Errorf("discard without a terminal and without --yes: %+v", got)
	}

	if got := decode[actionResult](t, r, "dead-letters", "replay", "--where", "code=1"); got.Count != 0 {
		t.Errorf("replay of another code: %+v", got)
	}

	if got := decode[actionResult](t, r, "dead-letters", "replay", "--where", "code=131026,number="+servedNumber); got.Count != 12 {
		t.Errorf("replay by a selection: %+v, want 12", got)
	}

	r.waitFor(t, 12, "done")

	// Paging: more than one page, and fewer than there are.
	if got := decode[consoleapi.EventPage](t, r, "events", "--where", "kind=message", "--limit", "5"); len(got.Events) != 5 || got.Next == 0 {
		t.Errorf("5 of 12 events: %d, next %d", len(got.Events), got.Next)
	}
}

func TestEventsAreFollowed(t *testing.T) {
	r := openReceiver(t)
	r.deliver(t, servedNumber, "34600001111", "first")
	r.waitFor(t, 1, "done")

	tool := startTool(t, "events", "--watch", "--where", "kind=message", "--address", "http://"+r.Local.ConsoleAddr())
	tool.out.waitFor(t, `done message text …1111`)

	r.deliver(t, servedNumber, "34600004444", "second")
	tool.out.waitFor(t, `done message text …4444`)

	if code := tool.stop(); code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d", code)
	}
}
