// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

const samples = "../../config/samples"

// fileWith returns the smallest sample with a part replaced.
func fileWith(t *testing.T, from, to string) string {
	t.Helper()

	data, err := os.ReadFile(filepath.Join(samples, "whatsappwebhook.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	text := strings.Replace(string(data), from, to, 1)
	if text == string(data) && from != "" {
		t.Fatalf("the sample has no %q", from)
	}

	path := filepath.Join(t.TempDir(), "sales.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	return path
}

func TestLint(t *testing.T) {
	valid := fileWith(t, "", "")
	wrong := fileWith(t, "baseURL", "baseUrl")
	unwise := fileWith(t, "https://bridge", "http://bridge")
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	comments := filepath.Join(t.TempDir(), "comments.yaml")
	list := filepath.Join(t.TempDir(), "list.yaml")

	for path, text := range map[string]string{
		empty:    "",
		comments: "# nothing yet\n---\n# nor here\n",
		list:     "apiVersion: v1\nitems: []\nkind: List\n", // of kubectl get, where there are none
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	for name, test := range map[string]struct {
		args     []string
		code     int
		out, err string
	}{
		"without mistakes": {
			args: []string{valid},
			err:  "1 WhatsAppWebhook checked, 0 errors, 0 warnings\n",
		},
		"with a mistake": {
			args: []string{wrong},
			code: output.CodeFailed,
			out:  wrong + ":14: spec.bird.baseUrl: unknown field; did you mean spec.bird.baseURL?\n",
			err:  "3 errors",
		},
		"with a warning": {
			args: []string{unwise},
			out:  unwise + ":14: warning: spec.bird.baseURL: ",
			err:  "1 warning\n",
		},
		"with a warning that counts": {
			args: []string{"--strict", unwise},
			code: output.CodeFailed,
			out:  ": warning: ",
		},
		"a folder": {
			args: []string{samples},
			err:  "0 errors",
		},
		"an empty file": {
			args: []string{empty},
			code: output.CodeFailed,
			err:  "the files have no WhatsAppWebhook, and no other object",
		},
		"comments alone": {
			args: []string{comments, empty},
			code: output.CodeFailed,
			err:  "the files have no WhatsAppWebhook, and no other object",
		},
		"an empty List": {
			args: []string{list},
			err:  "0 WhatsAppWebhooks checked, 0 errors",
		},
		"empty standard input": {
			args: []string{"-"},
			code: output.CodeFailed,
			err:  "see whether the command before it failed",
		},
		"other kinds alone": {
			args: []string{filepath.Join(samples, "kustomization.yaml"), empty},
			err:  "0 WhatsAppWebhooks checked, 0 errors, 0 warnings; of other kinds: 1 object, not checked\n",
		},
		"no file": {
			args: []string{"none.yaml"},
			code: output.CodeUsage,
			err:  "Name files that exist, a folder, or - for standard input.",
		},
		"no argument": {
			code: output.CodeUsage,
			err:  "Usage: kubectl whatsapp lint FILE…",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := runTool(t, append([]string{"lint"}, test.args...)...)
			if got.code != test.code || !strings.Contains(got.out, test.out) || !strings.Contains(got.err, test.err) {
				t.Errorf("exit code %d, output %q, errors %q; want %d, %q, %q", got.code, got.out, got.err, test.code, test.out, test.err)
			}
		})
	}
}

func TestLintForPrograms(t *testing.T) {
	wrong := fileWith(t, "baseURL: https", "baseURL: ftp")
	got := runTool(t, "lint", "-o", "json", wrong)

	var result map[string]any
	if err := json.Unmarshal([]byte(got.out), &result); err != nil || got.code != output.CodeFailed {
		t.Fatalf("exit code %d, %v: %s", got.code, err, got.out)
	}

	want := map[string]any{
		"checked":  1.0,
		"others":   0.0,
		"errors":   1.0,
		"warnings": 0.0,
		"findings": []any{map[string]any{
			"file":     wrong,
			"line":     14.0,
			"level":    "error",
			"resource": "default/sales",
			"field":    "spec.bird.baseURL",
			"message":  `Invalid value: "ftp://bridge.example.com": must be an absolute http or https URL without credentials or fragment, such as https://bridge.example.com`,
		}},
	}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRender(t *testing.T) {
	full := filepath.Join(samples, "whatsappwebhook_monitoring.yaml")

	kinds := func(args ...string) []string {
		t.Helper()

		got := runTool(t, append([]string{"render", full, "-o", "json"}, args...)...)

		var list struct {
			Items []struct {
				Kind     string
				Metadata struct{ Namespace string }
			}
		}
		if err := json.Unmarshal([]byte(got.out), &list); err != nil || got.code != output.CodeDone {
			t.Fatalf("exit code %d, errors %q, %v", got.code, got.err, err)
		}

		var all []string
		for _, item := range list.Items {
			all = append(all, item.Kind+" "+item.Metadata.Namespace)
		}

		return all
	}

	all := kinds("-n", "prod")
	if !slices.Contains(all, "ServiceMonitor prod") || slices.Index(all, "ConfigMap prod") > slices.Index(all, "Deployment prod") {
		t.Errorf("objects %v", all)
	}

	if some := kinds("--without", "ServiceMonitor,PrometheusRule"); len(some) != len(all)-2 || slices.Contains(some, "ServiceMonitor default") {
		t.Errorf("objects %v without two kinds, %v with them", some, all)
	}

	got := runTool(t, "render", full, "--receiver-image", "registry.example.com/receiver:v1")
	if !strings.Contains(got.out, "image: registry.example.com/receiver:v1\n") || strings.Count(got.out, "\n---\n") != len(all)-1 {
		t.Errorf("rendered %s", got.out)
	}

	exposed := filepath.Join(samples, "whatsappwebhook_openshift.yaml")
	for args, want := range map[string]string{
		exposed:                  "pathType: Exact\n",
		"--openshift " + exposed: "pathType: Prefix\n",
	} {
		if got := runTool(t, append([]string{"render"}, strings.Fields(args)...)...); got.code != output.CodeDone || !strings.Contains(got.out, want) {
			t.Errorf("render %s: exit code %d, errors %q, want %q in %s", args, got.code, got.err, want, got.out)
		}
	}

	for args, want := range map[string]string{
		fileWith(t, "baseURL", "baseUrl"):            "did you mean spec.bird.baseURL?",
		filepath.Join(samples, "kustomization.yaml"): "the files have no WhatsAppWebhook",
		"--without Deployment " + full:               "The optional kinds are HTTPRoute",
	} {
		if got := runTool(t, append([]string{"render"}, strings.Fields(args)...)...); got.code == output.CodeDone || got.out != "" || !strings.Contains(got.err, want) {
			t.Errorf("render %s: exit code %d, output %q, errors %q, want %q", args, got.code, got.out, got.err, want)
		}
	}
}

// TestRenderKeepsTexts renders a text with the marks of direction that texts in Hebrew and Arabic have.
func TestRenderKeepsTexts(t *testing.T) {
	const text = "\u200fשלום\u200e 24"

	file := fileWith(t, "spec:\n", "spec:\n  processing: {fallbackText: \""+text+"\"}\n")

	for _, format := range []string{"yaml", "json"} {
		got := runTool(t, "render", file, "-o", format)
		if got.code != output.CodeDone || !strings.Contains(got.out, text) {
			t.Errorf("rendered as %s without the marks: exit code %d, errors %q, %q", format, got.code, got.err, got.out)
		}
	}
}
