// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

func TestReportOfAnAddress(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/status" || r.Header.Get(consoleapi.ActorHeader) == "" {
			http.NotFound(w, r)
			return
		}

		_, _ = w.Write([]byte(`{"problems": {"send": "cannot send to 573001234567"}}`))
	}))
	defer receiver.Close()

	file := filepath.Join(t.TempDir(), "report.zip")

	got := runTool(t, "report", "--address", receiver.URL, "-f", file)
	if got.code != output.CodeDone || !strings.Contains(got.out, file+" has 1 file.") || !strings.Contains(got.err, "receiver/metrics.txt is missing: ") {
		t.Errorf("exit code %d, output %q, errors %q", got.code, got.out, got.err)
	}

	bundle, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bundle.Close() }()

	if len(bundle.File) != 3 {
		t.Errorf("the bundle has %d files, want the readme, the status and the index", len(bundle.File))
	}

	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}

	if got := runTool(t, "report", "--address", receiver.URL, "-f", file); got.code != output.CodeUsage || !strings.Contains(got.err, "exists already") {
		t.Errorf("a second time: exit code %d, errors %q", got.code, got.err)
	}

	receiver.Close()

	none := filepath.Join(t.TempDir(), "none.zip")

	if got := runTool(t, "report", "--address", receiver.URL, "-f", none); got.code != output.CodeUnreachable {
		t.Errorf("without a receiver: exit code %d, errors %q", got.code, got.err)
	}

	if _, err := os.Stat(none); !os.IsNotExist(err) {
		t.Errorf("a file was left behind: %v", err)
	}
}
