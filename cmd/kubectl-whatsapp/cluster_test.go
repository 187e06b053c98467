// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/status"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// testCluster is a cluster with a resource, sales, in its own namespace, and a kubelet that runs what tests start.
type testCluster struct {
	*apiserver.Server

	kubelet    *apiserver.Kubelet
	kubeconfig string
	namespace  string
}

func startCluster(t *testing.T) *testCluster {
	t.Helper()

	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}

	server := apiserver.Start(t, &envtest.Environment{
		Scheme:            scheme,
		CRDDirectoryPaths: []string{"../../config/crd/bases"},
	})
	c := &testCluster{
		Server:     server,
		kubelet:    server.StartKubelet(t),
		kubeconfig: filepath.Join(t.TempDir(), "kubeconfig"),
		namespace:  server.NewNamespace(t),
	}

	if err := os.WriteFile(c.kubeconfig, server.Environment.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}

	secret := v1alpha1.SecretKeyReference{
		Name: "meta",
		Key:  "key",
	}
	server.MustCreate(t, &v1alpha1.WhatsAppWebhook{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.namespace,
			Name:      "sales",
		},
		Spec: v1alpha1.WhatsAppWebhookSpec{
			CloudAPI: v1alpha1.CloudAPISpec{
				VerifyTokenSecretRef: secret,
				AppSecretSecretRefs:  []v1alpha1.SecretKeyReference{secret},
				AccessTokenSecretRef: secret,
			},
			Bird: v1alpha1.BirdSpec{
				BaseURL:            "https://bird.example.com",
				AccessKeySecretRef: secret,
			},
		},
	})

	return c
}

// args returns arguments of the tool with the flags for the cluster.
func (c *testCluster) args(args ...string) []string {
	return append(args, "--kubeconfig", c.kubeconfig, "-n", c.namespace)
}

// runPod runs a receiver pod of sales that serves handler on the console port.
func (c *testCluster) runPod(t *testing.T, name, logs string, handler http.HandlerFunc) {
	t.Helper()

	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)

	c.kubelet.Run(t, c.namespace, name, resources.SelectorLabels("sales"), map[int]string{9091: web.Listener.Addr().String()}, logs)
}

// liveTool is a run of the tool that goes on until stop is called.
type liveTool struct {
	out, err *watched
	stop     func() int
}

func startTool(t *testing.T, args ...string) *liveTool {
	t.Helper()

	ctx, cancel := context.WithCancel(t.Context())
	tool := &liveTool{
		out: newWatched(),
		err: newWatched(),
	}
	ended := make(chan int, 1)

	go func() {
		ended <- run(ctx, &global{
			name: "kubectl whatsapp",
			in:   strings.NewReader(""),
			out:  tool.out,
			err:  tool.err,
		}, args)
	}()

	tool.stop = sync.OnceValue(func() int {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { tool.stop() })

	return tool
}

// watched is a stream whose reader waits for texts.
type watched struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	close(w.changed)
	w.changed = make(chan struct{})

	return w.text.Write(p)
}

// waitFor waits until the stream has a match of the pattern, and returns all submatches.
func (w *watched) waitFor(t *testing.T, pattern string) []string {
	t.Helper()

	expression := regexp.MustCompile(pattern)

	ctx, cancel := context.WithTimeout(t.Context(), apiserver.Timeout)
	defer cancel()

	for {
		w.mu.Lock()
		text, changed := w.text.String(), w.changed
		w.mu.Unlock()

		if found := expression.FindStringSubmatch(text); found != nil {
			return found
		}

		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("the tool wrote %q, want %q", text, pattern)
		}
	}
}

func TestAgainstCluster(t *testing.T) {
	c := startCluster(t)

	t.Run("completes names", func(t *testing.T) {
		got := runTool(t, append([]string{"__complete"}, append(c.args(), "console", "")...)...)
		if got.code != 0 || !strings.HasPrefix(got.out, "sales\n") {
			t.Errorf("completion: %+v", got)
		}
	})

	t.Run("no receiver", func(t *testing.T) {
		got := runTool(t, c.args("console", "sales")...)
		if got.code != output.CodeUnreachable || !strings.Contains(got.err, "sales has no receiver pod that runs") {
			t.Errorf("console: %+v", got)
		}

		got = runTool(t, c.args("logs", "sales")...)
		if got.code != output.CodeFailed || !strings.Contains(got.err, "sales has no receiver pod") {
			t.Errorf("logs: %+v", got)
		}

		got = runTool(t, c.args("logs", "sale")...)
		if got.code != output.CodeFailed || !strings.Contains(got.err, "The namespace has: sales.") {
			t.Errorf("logs of a name that is misspelt: %+v", got)
		}
	})

	t.Run("logs", c.testLogs)
	t.Run("console", c.testConsole)
	t.Run("doctor", c.testDoctor)
	t.Run("fleet", c.testFleet)
	t.Run("fleet that is down", c.testFleetThatIsDown)
	t.Run("read-only", c.testReadOnly)
	t.Run("status", c.testStatus)
}

func (c *testCluster) testLogs(t *testing.T) {
	const entry = `{"time":"2026-11-23T06:49:00Z","level":"INFO","msg":"started","port":8080,"text":"a b"}` + "\n"

	c.runPod(t, "sales-1", entry+"no JSON\n", func(http.ResponseWriter, *http.Request) {})

	got := runTool(t, c.args("logs", "sales")...)
	want := "sales-1 2026-11-23T06:49:00Z INFO started port=8080 text=\"a b\"\nsales-1 no JSON\n"

	if got.code != 0 || got.out != want {
		t.Errorf("logs: %+v, want %q", got, want)
	}

	if got = runTool(t, c.args("logs", "sales", "-o", "json")...); got.out != entry+"no JSON\n" {
		t.Errorf("logs as JSON: %+v", got)
	}

	want = "---\nlevel: INFO\nmsg: started\nport: 8080\ntext: a b\ntime: \"2026-11-23T06:49:00Z\"\n---\nno JSON\n"
	if got = runTool(t, c.args("logs", "sales", "-o", "yaml")...); got.code != 0 || got.out != want {
		t.Errorf("logs as YAML: %+v, want %q", got, want)
	}

	tool := startTool(t, c.args("logs", "sales", "-f")...)
	tool.out.waitFor(t, "sales-1 no JSON\n")
	c.kubelet.Kill(t, c.namespace, "sales-1")
	c.runPod(t, "sales-2", "from the next\n", func(http.ResponseWriter, *http.Request) {})
	tool.out.waitFor(t, "sales-2 from the next\n")

	if code := tool.stop(); code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d: %s", code, tool.err.text.String())
	}

	c.runPod(t, "sales-9", "of one that runs\n", func(http.ResponseWriter, *http.Request) {})
	c.runPod(t, "sales-10", apiserver.NoLog, func(http.ResponseWriter, *http.Request) {})

	got = runTool(t, c.args("logs", "sales")...)
	if got.code != 0 || got.out != "sales-2 from the next\nsales-9 of one that runs\n" || !strings.Contains(got.err, "the log of pod sales-10: ") {
		t.Errorf("logs of pods of which one has none: %+v", got)
	}

	c.kubelet.Kill(t, c.namespace, "sales-2")
	c.kubelet.Kill(t, c.namespace, "sales-9")

	got = runTool(t, c.args("logs", "sales")...)
	if got.code != output.CodeFailed || strings.Contains(got.err, "Warning") || !strings.Contains(got.err, "read the log of pod sales-10: ") {
		t.Errorf("logs of a pod without one: %+v", got)
	}

	c.kubelet.Kill(t, c.namespace, "sales-10")
}

func (c *testCluster) testConsole(t *testing.T) {
	echo := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s %s %s", name, r.URL.Path, r.Host, r.Header.Get("Whatsapp-Actor"))
		}
	}

	c.runPod(t, "sales-3", "", echo("first"))

	tool := startTool(t, c.args("console", "sales")...)
	address := strings.TrimSpace(tool.out.waitFor(t, "http://.*\n")[0])
	tool.err.waitFor(t, "The console of sales is at this address until you press Ctrl-C.")

	get := func() string {
		response, err := http.Get(address + "/v1/events")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()

		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}

		return string(body)
	}

	host := strings.TrimPrefix(address, "http://")
	if got, want := get(), "first /v1/events "+host+" system:admin"; !strings.HasPrefix(got, "first /v1/events "+host+" ") || strings.HasSuffix(got, " ") {
		t.Errorf("through the console: %q, want something like %q", got, want)
	}

	c.kubelet.Kill(t, c.namespace, "sales-3")
	c.runPod(t, "sales-4", "", echo("second"))

	if got := get(); !strings.HasPrefix(got, "second ") {
		t.Errorf("after the receiver was replaced: %q", got)
	}

	if code := tool.stop(); code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d: %s", code, tool.err.text.String())
	}

	c.kubelet.Kill(t, c.namespace, "sales-4")
}

// testStatus reads the status of a resource with a real receiver, and of a resource without one.
func (c *testCluster) testStatus(t *testing.T) {
	r := openReceiver(t)
	ports := map[int]string{
		9090: r.Local.AdminAddr(),
		9091: r.Local.ConsoleAddr(),
	}
	c.kubelet.Run(t, c.namespace, "sales-5", resources.SelectorLabels("sales"), ports, "")

	webhook := apiserver.MustGet(t, c.Server, &v1alpha1.WhatsAppWebhook{ObjectMeta: metav1.ObjectMeta{
		Namespace: c.namespace,
		Name:      "sales",
	}})

	other := webhook.DeepCopy()
	other.ObjectMeta = metav1.ObjectMeta{
		Namespace: c.namespace,
		Name:      "broken",
	}
	c.MustCreate(t, other)

	webhook.Status = v1alpha1.WhatsAppWebhookStatus{
		URL:       "https://hooks.example.com/webhooks/whatsapp",
		Receivers: "1/1",
		Conditions: []metav1.Condition{{
			Type:               v1alpha1.ConditionReady,
			Status:             metav1.ConditionTrue,
			Reason:             v1alpha1.ReasonReady,
			LastTransitionTime: metav1.Now(),
		}},
	}
	if err := c.Status().Update(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}

	var shown strings.Builder

	for _, args := range [][]string{{"status"}, {"status", "sales"}, {"status", "broken"}} {
		got := runTool(t, c.args(args...)...)
		fmt.Fprintf(&shown, "$ kubectl whatsapp %s\n%s%s\n", strings.Join(args, " "), got.out, got.err)
	}

	checkGolden(t, "status", strings.ReplaceAll(shown.String(), c.namespace, "shop"))

	var document struct {
		Resources []struct {
			Name     string `json:"name"`
			Severity string `json:"severity"`
			Pod      string `json:"pod"`
		} `json:"resources"`
	}

	got := runTool(t, c.args("status", "-o", "json")...)
	if err := json.Unmarshal([]byte(got.out), &document); err != nil || len(document.Resources) != 2 ||
		document.Resources[0].Name != "broken" || document.Resources[0].Severity != "failing" ||
		document.Resources[1].Pod != "sales-5" || document.Resources[1].Severity != "fine" {
		t.Errorf("status as JSON: %v, %+v, want the broken one first", err, document)
	}

	tool := startTool(t, c.args("status", "sales", "--watch")...)
	tool.out.waitFor(t, "/sales ready\n")
	r.deliver(t, otherNumber, "34600003333", "who is this")
	tool.out.waitFor(t, "/sales quarantine: 1 event is of a phone number that is not served\n")

	if code := tool.stop(); code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d: %s", code, tool.err.text.String())
	}

	c.watchOnTerminal(t)
}

// watchOnTerminal checks that a terminal shows the present state in place of the former.
func (c *testCluster) watchOnTerminal(t *testing.T) {
	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	shown := newWatched()

	go func() { _, _ = io.Copy(shown, screen) }()
	go func() {
		ended <- run(ctx, &global{
			name: "kubectl whatsapp",
			in:   terminal,
			out:  terminal,
			err:  terminal,
		}, c.args("status", "--watch"))
	}()

	redrawn := `(?s)\x1b\[H\x1b\[2J\x1b\[3J.*sales.*`
	shown.waitFor(t, redrawn+redrawn)
	cancel()

	if code := <-ended; code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d", code)
	}

	terminal.Close()
	screen.Close()
}

// TestWatchSaysThatItIsNotUpToDate loses the API server, and finds it again.
func TestWatchSaysThatItIsNotUpToDate(t *testing.T) {
	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}

	defer screen.Close()
	defer terminal.Close()

	shown := newWatched()

	go func() { _, _ = io.Copy(shown, screen) }()

	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	look := func(context.Context) ([]status.Status, error) {
		if looks++; looks == 2 {
			return nil, output.Unreachable("", "the API server cannot be reached")
		}

		return []status.Status{{Name: fmt.Sprintf("look-%d", looks)}}, nil
	}

	ended := make(chan error, 1)

	go func() {
		p := output.New(output.Settings{
			In:      terminal,
			Out:     terminal,
			Err:     terminal,
			NoColor: true,
		})
		ended <- watchStatus(ctx, p, look, false)
	}()

	redrawn := `(?s)\x1b\[H\x1b\[2J\x1b\[3J[^\x1b]*`
	shown.waitFor(t, redrawn+`look-1[^\x1b]*as of [0-9T:-]+Z: the API server cannot be reached`)
	shown.waitFor(t, redrawn+`look-3`)
	cancel()

	if err := <-ended; err != nil {
		t.Error(err)
	}

	shown.mu.Lock()
	defer shown.mu.Unlock()

	if _, last, _ := strings.Cut(shown.text.String(), "look-3"); strings.Contains(last, "as of") {
		t.Errorf("the API server answers again, and the terminal shows %q", last)
	}
}

func TestWithoutKubeconfig(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "missing"))

	got := runTool(t, "console", "sales")
	if got.code != output.CodeUnreachable || !strings.Contains(got.err, "no cluster is configured") {
		t.Errorf("without a kubeconfig: %+v", got)
	}
}
