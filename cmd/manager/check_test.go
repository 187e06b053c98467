// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckFiles(t *testing.T) {
	var out bytes.Buffer

	if code := check(&out, "../../config/samples"); code != 0 || !strings.Contains(out.String(), " WhatsAppWebhooks checked, 0 errors\n") {
		t.Errorf("exit code %d, %s", code, &out)
	}

	file := filepath.Join(t.TempDir(), "sales.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: whatsapp.wawebhook.dev/v1alpha1\nkind: WhatsAppWebhook\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	out.Reset()

	if code := check(&out, file); code != 1 || !strings.Contains(out.String(), file+":1: spec: Required value") {
		t.Errorf("exit code %d, %s", code, &out)
	}

	if code := check(&out, file+".none"); code != 1 {
		t.Errorf("exit code %d for a file that does not exist", code)
	}
}
