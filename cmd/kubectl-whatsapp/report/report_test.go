// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	number    = "106540352242922"
	person    = "573001234567"
	waitLimit = 2 * time.Minute
)

// lockedBuffer is a log.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.Write(p)
}

func (b *lockedBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()

	return bytes.Clone(b.text.Bytes())
}

// startReceiver runs a receiver with debug logging between stand-ins that fail.
func startReceiver(t *testing.T, log io.Writer) *rig.Rig {
	t.Helper()

	r, err := rig.New(rig.Options{
		Dir: t.TempDir(),
		Config: config.Config{
			Bird: config.Bird{
				CircuitBreaker: config.CircuitBreaker{OpenDuration: 20 * time.Millisecond},
				Endpoints:      map[string]config.Endpoint{"process_other_message": {Enabled: new(true)}},
			},
			Processing: config.Processing{
				Poll:               10 * time.Millisecond,
				ConfigurationRetry: 20 * time.Millisecond,
				AmbiguousWindow:    100 * time.Millisecond,
				HandoffDuration:    time.Millisecond,
				Retry: config.Retry{
					MaxRetries: new(1),
					BaseDelay:  10 * time.Millisecond,
					MaxDelay:   50 * time.Millisecond,
				},
			},
			Log: config.Log{Level: "debug"},
		},
		Graph: standin.GraphOptions{
			AccessTokens: []string{folder.AccessToken},
			AppSecret:    folder.AppSecret,
		},
		Bird: standin.BirdOptions{
			AccessKeys: []string{folder.BirdAccessKey},
			Reply:      standin.EchoReply,
		},
		Log:     slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})

	r.Bird.Faults.Add(standin.Fault{
		PathPrefix: "/v1/messages",
		Status:     http.StatusBadRequest,
		Body:       `{"error":{"message":"cannot say SECRETWORD to 573001234567"}}`,
		Times:      4,
	})

	for _, code := range []int{131056, 131026, 131047} {
		f := standin.GraphError(code, "SECRETWORD for 573001234567", 0)
		f.Times = 2
		r.Graph.Faults.Add(f)
	}

	if err := r.Folder.Layout(r.Config, nil); err != nil {
		t.Fatal(err)
	}

	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}

	return r
}

// deliverAll sends the sample deliveries and some texts, and waits until they are processed.
func deliverAll(t *testing.T, r *rig.Rig) {
	t.Helper()

	client := &http.Client{Timeout: waitLimit, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()

	var bodies [][]byte

	files, err := filepath.Glob("../../../receiver/whatsapp/testdata/deliveries/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no deliveries: %v", err)
	}

	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		bodies = append(bodies, body)
	}

	for i := range 10 {
		bodies = append(bodies, standin.TextDelivery(number, person, "Ana Prueba", standin.Wamid(fmt.Sprint(i)), "SECRETWORD", time.Now()))
	}

	for _, body := range bodies {
		status, _, err := standin.Deliver(t.Context(), client, r.Local.WebhookURL(), folder.AppSecret, body)
		if err != nil || status != http.StatusOK {
			t.Fatalf("delivery answered %d, %v", status, err)
		}
	}

	err = probe.WaitFor(t.Context(), waitLimit, "dead letters, and nothing pending", func() bool {
		var stats store.Stats

		stats, err := r.Local.Store().Stats(t.Context(), time.Now())

		return err == nil && stats.DeadLetters > 0 && stats.Pending+stats.PendingStatuses+stats.PendingNotices == 0 && !r.Local.Busy()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNothingPersonalIsInABundle makes a bundle about a receiver that has handled every sample delivery and failed at some,
// and searches all files for what it may not have. A log and a pod have it on purpose.
func TestNothingPersonalIsInABundle(t *testing.T) {
	log := &lockedBuffer{}
	r := startReceiver(t, log)
	deliverAll(t, r)

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()

	var out bytes.Buffer

	bundle := New(&out, "sales", "test")
	bundle.Receiver(t.Context(), Receiver{
		HTTP:    client,
		Console: "http://" + r.Local.ConsoleAddr(),
		Admin:   "http://" + r.Local.AdminAddr(), // the configuration has port 0
	})
	bundle.Log("logs/receiver.log", log.Bytes())

	spoilt := "could not send SECRET to +57 300 1234567: wamid.HBgLNTczMDAxMjM0NTY3FQIAEhg= Bearer " + folder.AccessToken +
		" postgres://receiver:" + folder.AppSecret + "@db.example.com/events?password=" + folder.BirdAccessKey
	bundle.Log("logs/spoilt.log", fmt.Appendf(nil, "%s\n{\"msg\":%q,\"pid\":573001234567}\n", spoilt, spoilt))
	bundle.JSON("cluster/Pod.json", reduced(pod(t)))
	bundle.AddMissing("cluster/events.json", errors.New("no events of 573001234567"))

	index, err := bundle.Close()
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff([]Missing{{What: "cluster/events.json", Why: "no events of 573001234567"}}, index.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}

	files := unpack(t, out.Bytes())
	personal := rig.Personal()

	for name, text := range files {
		if name == "logs/spoilt.log" {
			text = strings.ReplaceAll(text, `"pid":573001234567`, "") // a figure, as far as anyone can tell
		}

		if found := personal.FindAllString(text, 5); found != nil {
			t.Errorf("%s has %q", name, found)
		}

		if strings.Contains(text, "300 1234567") {
			t.Errorf("%s has a phone number with spaces", name)
		}
	}

	for name, want := range map[string]string{
		"README.txt":                       "look through the files",
		"index.json":                       `"subject": "sales"`,
		"receiver/status.json":             `"dead_letters": `,
		"receiver/configuration.json":      `"access-token": 1`,
		"receiver/dead-letter-causes.json": `"code": `,
		"receiver/metrics.txt":             "whatsapp_",
		"logs/receiver.log":                `"level":"DEBUG"`,
		"logs/spoilt.log":                  "db.example.com/events",
		"cluster/Pod.json":                 `"GOMEMLIMIT"`,
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q: %.300s", name, want, files[name])
		}
	}
}

// unpack returns the files of a bundle.
func unpack(t *testing.T, bundle []byte) map[string]string {
	t.Helper()

	archive, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		t.Fatal(err)
	}

	files := map[string]string{}

	for _, file := range archive.File {
		content, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}

		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}

		files[file.Name] = string(text)
	}

	return files
}

// pod is a pod with secrets in all places in which people put them.
func pod(t *testing.T) *unstructured.Unstructured {
	t.Helper()

	const text = `
apiVersion: v1
kind: Pod
metadata:
  name: sales-1
  resourceVersion: "123456789"
  labels: {app.kubernetes.io/name: whatsapp-webhook-receiver, owner: SECRETWORD}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: SECRETWORD
    example.com/password: SECRETWORD
  managedFields: [{manager: kubectl, operation: Update, time: "2026-11-01T00:00:00Z", fieldsV1: {f:SECRETWORD: {}}}]
spec:
  nodeSelector: {team: SECRETWORD}
  containers:
  - name: receiver
    args: [--config, /etc/whatsapp-webhook/receiver.yaml]
    env:
    - {name: GOMEMLIMIT, value: 100MiB}
    - {name: TOKEN, value: SECRETWORD}
    - {name: HTTPS_PROXY, value: "http://user:SECRETWORD@proxy.example.com:3128"}
    - {name: OTHER, valueFrom: {secretKeyRef: {name: other, key: key}}}
  - name: sidecar
    command: [sidecar, --password=SECRETWORD]
    args: [--token, SECRETWORD]
    livenessProbe: {httpGet: {path: /, httpHeaders: [{name: Authorization, value: SECRETWORD}]}}
`

	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}

	return object
}

func TestReduced(t *testing.T) {
	got := reduced(pod(t))

	metadata := got["metadata"].(map[string]any)
	if metadata["resourceVersion"] != nil || metadata["managedFields"] != nil || len(metadata["managers"].([]any)) != 1 {
		t.Errorf("metadata %v", metadata)
	}

	receiver := got["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
	want := []any{
		map[string]any{"name": "GOMEMLIMIT", "value": "100MiB"},
		map[string]any{"name": "TOKEN", "value": leftOut},
		map[string]any{"name": "HTTPS_PROXY", "value": "http://user:SECRETWORD@proxy.example.com:3128"}, // see redact
		map[string]any{"name": "OTHER", "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": "other", "key": "key"}}},
	}

	if diff := cmp.Diff(want, receiver["env"]); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}

	if _, ok := receiver["args"].([]any); !ok {
		t.Errorf("the receiver's arguments are %v", receiver["args"])
	}

	configMap := &unstructured.Unstructured{Object: map[string]any{"kind": "ConfigMap", "data": map[string]any{"a": "SECRETWORD"}}}
	if diff := cmp.Diff(map[string]any{"a": leftOut}, reduced(configMap)["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]string{
		"":                                           "",
		"573001234567":                               "…4567",
		"+57 300 123-4567 called":                    "+…4567 called",
		"number_106540352242922 of":                  "number_…2922 of",
		"number:106540352242922":                     "number:…2922",
		"2026-11-28T18:00:00.123456789Z":             "2026-11-28T18:00:00.123456789Z",
		"10.244.100.12:9090":                         "10.244.100.12:9090",
		"port 9091, 1234567 bytes":                   "port 9091, 1234567 bytes",
		"wamid.HBgLNTczMDAxMjM0NTY3FQIA==":           "[message id]",
		"https://user:pass@example.com/a":            "https://[left out]@example.com/a",
		"https://us'er:p,a'ss@example.com/a":         "https://[left out]@example.com/a",
		"https://example.com/a?access_token=abc&b=c": "https://example.com/a?[left out]",
		"https://example.com/a?key=k3yOfFlow9 fails": "https://example.com/a?[left out] fails",
		"https://example.com?0f3c7f0e-8a51-4f0e":     "https://example.com?[left out]",
		`https:\/\/user:pass@example.com\/a?b=c`:     `https://[left out]@example.com\/a?[left out]`,
		"https://example.com/#/a?key=k3y":            "https://example.com/#/a?[left out]",
		"https://example.com/a?":                     "https://example.com/a?",
		"is it /a?b=c":                               "is it /a?b=c",
		"next_token=abc&b=c":                         "next_token=[left out]&b=c",
		"Authorization: Bearer abcdefgh":             "Authorization: [credential]",
		"Authorization: AccessKey abcdefgh, next":    "Authorization: [credential], next",
		"token EAABsbCS1iHgBA7ZC":                    "[credential]",
		"it is EAABsbCS1iHgBA7ZC":                    "it is [token]",
		"eyJhbGciOiJI.eyJzdWIi.c2ln":                 "[token]",
		"ana@example.com":                            "[address]",
		"CO.1000200030004000":                        "[user id]",
		"Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg==":           leftOut,
		"sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f90011223344556677aabbccddeeff0011": "sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f90011223344556677aabbccddeeff0011",
		"deployment-sales-7d9f8b6c5d-x2x9z":                                       "deployment-sales-7d9f8b6c5d-x2x9z",
		"key -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- end":     "key [PEM] end",
	} {
		if got := redact(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestRedactQuoted has numbers beside escaped characters, which look like letters.
func TestRedactQuoted(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]string{
		`{"a": "\n573001234567\u001b573001234567", "b": 573001234567}`:  `{"a": "\n…4567\u001b…4567", "b": 573001234567}`,
		`{"msg": "Post \"https://a.example.com?key=b\u0026c=d\": EOF"}`: `{"msg": "Post \"https://a.example.com?[left out]\": EOF"}`,
		`sent{number="106540352242922",le="0.5"} 1234567890`:            `sent{number="…2922",le="0.5"} 1234567890`,
		`"not\json \573001234567"`:                                      `"not\json \…4567"`,
	} {
		if got := string(redactQuoted([]byte(text))); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}

func TestWithPort(t *testing.T) {
	t.Parallel()

	for listen, want := range map[string]string{
		":9090":          "http://localhost:9090",
		"127.0.0.1:9190": "http://localhost:9190",
		"":               "http://localhost:9091",
	} {
		if got := withPort("http://localhost:9091", listen); got != want {
			t.Errorf("the metrics of a receiver with listen.admin %q are at %s, want %s", listen, got, want)
		}
	}
}

// TestBounds adds more than a bundle may have.
func TestBounds(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer

	bundle := New(&out, "sales", "test")
	line := strings.Repeat("line of a log\n", maxFile/14+10)

	for i := range maxBundle/maxFile + 2 {
		bundle.add(fmt.Sprint(i), []byte(line), false)
	}

	index, err := bundle.Close()
	if err != nil {
		t.Fatal(err)
	}

	if len(index.Files) != maxBundle/maxFile || len(index.Missing) != 2 || slices.ContainsFunc(index.Files, func(f File) bool { return !f.Cut || f.Bytes > maxFile }) {
		t.Errorf("files %v, missing %v", index.Files, index.Missing)
	}

	if !strings.HasPrefix(unpack(t, out.Bytes())["0"], "line of a log\n") {
		t.Error("a file begins within a line")
	}
}
