// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestHandlingByAModel delivers one message after another and compares, for each, what the model is asked and what is sent.
// The golden file shows what a model learns of every type of message.
func TestHandlingByAModel(t *testing.T) {
	h := newModelHarness(t, func(c *config.Config) {
		c.CloudAPI.PhoneNumberIDs = nil
		c.OpenAI.Memory.Turns = new(0)
		c.Processing.Retry.MaxRetries = new(0)
	})
	h.start()

	// The edits and the revocation of the files are of this message.
	h.deliver(http.StatusOK, standin.TextDelivery("100000000000042", "573005550101", "Ana Prueba", "wamid.test.earlier", "hola", time.Now()))
	h.waitIdle()

	var table bytes.Buffer

	for _, pattern := range []string{"message.*.json", "odd.*.json"} {
		files, err := filepath.Glob("whatsapp/testdata/deliveries/" + pattern)
		if err != nil || len(files) < 20 {
			t.Fatalf("%d deliveries, %v; want at least 20", len(files), err)
		}

		for _, file := range files {
			fmt.Fprintln(&table, filepath.Base(file))
			table.WriteString(h.handledByModel(file))
		}
	}

	const golden = "testdata/handling.openai.golden"
	if *update {
		if err := os.WriteFile(golden, table.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(table.String(), "\n")); diff != "" {
		t.Errorf("handling (-want +got); go test ./receiver -run TestHandlingByAModel -update rewrites it:\n%s", diff)
	}
}

// handledByModel delivers a file, and returns what the model was asked and what was sent because of it.
func (h *harness) handledByModel(file string) string {
	h.t.Helper()

	body, err := os.ReadFile(file)
	if err != nil {
		h.t.Fatal(err)
	}

	asked := len(h.OpenAI.Asked())
	heard := len(h.OpenAI.HeardLog.All())
	sent := len(h.Graph.Sent())

	h.deliver(http.StatusOK, h.hostMedia(undated(body)))
	h.waitIdle()

	var effects []string

	for _, recording := range h.OpenAI.HeardLog.All()[heard:] {
		effects = append(effects, fmt.Sprintf("  heard  %s of %d bytes\n", recording.Name, recording.Bytes))
	}

	for _, call := range h.OpenAI.Asked()[asked:] {
		question := call.Messages[len(call.Messages)-1]
		effects = append(effects, fmt.Sprintf("  asked  %q, pictures %d, files %q\n", question.Text, len(question.Images), question.Files))
	}

	for _, m := range h.Graph.Sent()[sent:] {
		effects = append(effects, fmt.Sprintf("  sent   %s %q\n", m.Type, m.Text))
	}

	slices.Sort(effects)

	return strings.Join(effects, "")
}
