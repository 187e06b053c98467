// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/simulate"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const simulatedNumber = "106540352242922"

// startReceiver runs a receiver in this process, between stand-ins.
func startReceiver(t *testing.T, adjust func(*config.Config)) *rig.Rig {
	t.Helper()

	settings := config.Config{
		CloudAPI:   config.CloudAPI{PhoneNumberIDs: []string{simulatedNumber}},
		Processing: config.Processing{Poll: 10 * time.Millisecond, TypingIndicator: new(false)},
	}
	if adjust != nil {
		adjust(&settings)
	}

	r, err := rig.New(rig.Options{
		Dir: t.TempDir(),
		Graph: standin.GraphOptions{
			AccessTokens: []string{folder.AccessToken},
			AppSecret:    folder.AppSecret,
		},
		Config: settings,
	})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("the receiver ended with %v", err)
		}
	})

	if err := r.Folder.Layout(r.Config, nil); err != nil {
		t.Fatal(err)
	}

	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}

	if err := r.Local.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}

	return r
}

func TestSimulateEachType(t *testing.T) {
	t.Setenv("APP_SECRET", folder.AppSecret)

	r := startReceiver(t, nil)

	got := runTool(t, "simulate", "all", "odd.*", "--to", r.Local.WebhookURL(), "--app-secret-env", "APP_SECRET",
		"--number", simulatedNumber, "--person", "15550101234", "-o", "json")
	if got.code != output.CodeDone {
		t.Fatalf("exit code %d, output %s%s", got.code, got.out, got.err)
	}

	var result simulate.Result
	if err := json.Unmarshal([]byte(got.out), &result); err != nil || result.Acknowledged < 150 || result.Acknowledged != result.Sent {
		t.Errorf("%v, result %+v", err, result)
	}

	records, err := r.Local.Store().List(t.Context(), store.Filter{}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}

	if len(records) < result.Sent {
		t.Errorf("%d events of %d deliveries are stored", len(records), result.Sent)
	}
}

func TestSimulateFilesWithAnotherSecret(t *testing.T) {
	r := startReceiver(t, nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "own.json")
	body := standin.TextDelivery("<PHONE_NUMBER_ID>", "<PERSON>", "Ana", "<MESSAGE>", "hola", time.Now())

	for name, content := range map[string]string{
		file:                         string(body),
		filepath.Join(dir, "secret"): folder.AppSecret + "\n",
		filepath.Join(dir, "wrong"):  "wrong",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	args := []string{"simulate", "--file", file, "--to", r.Local.WebhookURL(), "--app-secret-file"}

	if got := runTool(t, append(args, filepath.Join(dir, "secret"), "--count", "3", "--duplicates", "--rate", "100")...); got.code != output.CodeDone || !strings.Contains(got.out, "6 of 6 sent: 6 acknowledged") {
		t.Errorf("exit code %d, output %s%s", got.code, got.out, got.err)
	}

	if got := runTool(t, append(args, filepath.Join(dir, "wrong"))...); got.code != output.CodeFailed || !strings.Contains(got.out, "is it the app secret") {
		t.Errorf("exit code %d, output %s%s", got.code, got.out, got.err)
	}
}

func TestSimulateToNobody(t *testing.T) {
	t.Setenv("APP_SECRET", "secret")

	got := runTool(t, "simulate", "text", "--to", "http://"+port.Address(t), "--app-secret-env", "APP_SECRET")
	if got.code != output.CodeUnreachable || !strings.Contains(got.err, "no delivery was answered") {
		t.Errorf("exit code %d, output %s%s", got.code, got.out, got.err)
	}
}

func TestSimulateShowsRequests(t *testing.T) {
	t.Setenv("APP_SECRET", "secret")

	got := runTool(t, "simulate", "text", "--dry-run", "--app-secret-env", "APP_SECRET", "-o", "json")

	var request simulated
	if err := json.Unmarshal([]byte(got.out), &request); err != nil {
		t.Fatalf("%v: %s%s", err, got.out, got.err)
	}

	if got, want := request.Headers["X-Hub-Signature-256"], standin.Sign("secret", []byte(request.Body)); got != want {
		t.Errorf("signature = %s, want %s", got, want)
	}

	if got := runTool(t, "simulate", "text", "--dry-run"); strings.Contains(got.out, "X-Hub-Signature") || got.code != output.CodeDone {
		t.Errorf("without a secret: %+v", got)
	}

	if got := runTool(t, "simulate", "--list"); !strings.Contains(got.out, "message.text ") || !strings.Contains(got.out, "status.failed.131037") {
		t.Errorf("list: %+v", got)
	}
}

func TestSimulateRefusesWrongUsage(t *testing.T) {
	for args, want := range map[string]string{
		"text":                                            "--dry-run",
		"--to http://localhost:1":                         "simulate --list",
		"txt --to http://localhost:1":                     "simulate --list lists the types.",
		"location.plac --to http://localhost:1":           "Did you mean message.location",
		"text --to http://localhost:1":                    "--app-secret-file",
		"text --to sales":                                 "a number of your own",
		"text --to sales --person ana":                    "country code",
		"text --to http://localhost:1 --public":           "--public",
		"text --to http://localhost:1 --count 0":          "positive",
		"text --to http://localhost:1 --count 2000000":    "fewer",
		"text read --dry-run --count 4611686018427387905": "fewer", // the number of deliveries is 2^63 + 2
		"text --to localhost:1/webhooks":                  "https://",
		"text --to ftp://localhost:1":                     "https://",
		"--file /does/not/exist --dry-run":                "path of a JSON file",
	} {
		got := runTool(t, append([]string{"simulate"}, strings.Fields(args)...)...)
		if got.code != output.CodeUsage || !strings.Contains(got.err, want) {
			t.Errorf("simulate %s: exit code %d, errors %q, want 2 and %q", args, got.code, got.err, want)
		}
	}
}

// TestSimulateAndListenInACluster sends through the API server to the webhook port of a real receiver, with the app secret
// of a Secret, and copies its question to a bridge.
func TestSimulateAndListenInACluster(t *testing.T) {
	c := startCluster(t)
	r := startReceiver(t, nil)

	c.MustCreate(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: "meta"},
		Data:       map[string][]byte{"key": []byte(folder.AppSecret + "\n")},
	})
	c.kubelet.Run(t, c.namespace, "sales-1", resources.SelectorLabels("sales"), map[int]string{
		8080: r.Local.WebhookAddr(),
		9091: r.Local.ConsoleAddr(),
	}, "")

	listener := startTool(t, c.args("listen", "sales", "--forward-to", newBridge(t, `{"response":"a copy"}`), "--key", "secret")...)
	listener.err.waitFor(t, "Copying the questions of sales")

	got := runTool(t, c.args("simulate", "text", "--to", "sales", "--person", "15550101234", "--number", simulatedNumber)...)
	if got.code != output.CodeDone || !strings.Contains(got.out, "1 of 1 sent: 1 acknowledged") || !strings.Contains(got.err, "…1234") {
		t.Errorf("exit code %d, output %s%s", got.code, got.out, got.err)
	}

	listener.out.waitFor(t, `process_text_message  …1234[^\n]*\n +AI      text[^\n]*\n +bridge  text`)

	if err := probe.WaitFor(t.Context(), apiserver.Timeout, "an answer", func() bool { return len(r.Graph.Sent()) == 1 }); err != nil {
		t.Error(err)
	}
}
