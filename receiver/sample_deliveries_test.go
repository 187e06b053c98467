// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

var update = flag.Bool("update", false, "rewrite testdata/handling.golden")

// TestHandling delivers one file after another and compares, for each, the stored events, the requests to Bird and the
// messages to the person. The golden file shows how every type of message, status, error and field is handled.
func TestHandling(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		c.CloudAPI.PhoneNumberIDs = nil
		c.Bird.Endpoints = map[string]config.Endpoint{"process_other_message": {Enabled: new(true)}}
		c.Processing.TypingIndicator = new(false)
		c.Processing.HandoffDuration = time.Millisecond // an echo must not silence the files after it
		c.Processing.Retry.MaxRetries = new(0)
	})
	h.start()

	// The edits and the revocation of the files are of this message.
	h.deliver(http.StatusOK, standin.TextDelivery("100000000000042", "573005550101", "Ana Prueba", "wamid.test.earlier", "hola", time.Now()))
	h.waitIdle()

	files, err := filepath.Glob("whatsapp/testdata/deliveries/*.json")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d deliveries, %v; want at least 60", len(files), err)
	}

	var table bytes.Buffer
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		before := h.totals()
		asked := len(h.Bird.Asked())
		sent := len(h.Graph.Sent())
		h.deliver(http.StatusOK, h.hostMedia(undated(body)))
		h.waitIdle()
		fmt.Fprintln(&table, filepath.Base(file))

		after := h.totals()
		for _, key := range slices.Sorted(maps.Keys(after)) {
			if n := after[key] - before[key]; n > 0 {
				fmt.Fprintf(&table, "  stored %s %d\n", key, n)
			}
		}

		var effects []string // sorted, since conversations and statuses are processed concurrently
		for _, call := range h.Bird.Asked()[asked:] {
			effects = append(effects, fmt.Sprintf("  asked  %s %s\n", call.Method, summary(call.Payload)))
		}

		for _, m := range h.Graph.Sent()[sent:] {
			effects = append(effects, fmt.Sprintf("  sent   %s %q\n", m.Type, m.Text))
		}

		slices.Sort(effects)
		table.WriteString(strings.Join(effects, ""))
	}

	const golden = "testdata/handling.golden"
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
		t.Errorf("handling (-want +got); go test ./receiver -run TestHandling -update rewrites it:\n%s", diff)
	}
}

// timestamps matches the times of events in a delivery.
var timestamps = regexp.MustCompile(`("timestamp": "?)[0-9]{10}`)

// undated returns the delivery with times that are too old to be Meta's, so that each event counts from its receipt.
func undated(body []byte) []byte { return timestamps.ReplaceAll(body, []byte("${1}1500000000")) }

// totals returns the number of events by kind, type and state.
func (h *harness) totals() map[string]int64 {
	h.t.Helper()

	totals, err := h.Local.Store().Totals(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}

	counts := map[string]int64{}
	for _, total := range totals {
		counts[fmt.Sprintf("%s %s %s", total.Kind, total.Type, total.State)] += total.Count
	}

	return counts
}

// hostMedia uploads content for every media id of a delivery, and returns the delivery with the checksums of that content.
func (h *harness) hostMedia(body []byte) []byte {
	var delivery any
	if json.Unmarshal(body, &delivery) != nil {
		return body
	}

	standin.VisitObjects(delivery, func(object map[string]any) {
		id, _ := object["id"].(string)

		claimed, ok := object["sha256"].(string)
		if !ok || id == "" {
			return
		}

		content := []byte("content of " + id)
		mime, _ := object["mime_type"].(string)
		h.Graph.PutMedia(id, mime, content)
		sum := sha256.Sum256(content)
		body = bytes.ReplaceAll(body, []byte(claimed), []byte(base64.StdEncoding.EncodeToString(sum[:])))
	})

	return body
}

// summary returns the fields of a request that not all requests have.
func summary(payload map[string]any) string {
	special := map[string]any{}
	for key, value := range payload {
		if !slices.Contains(commonKeys, key) {
			special[key] = value
		}
	}

	line, err := json.Marshal(special)
	if err != nil {
		return err.Error()
	}

	return string(line)
}

var commonKeys = []string{
	"schema_version", "event_id", "channel", "workspace_id", "ai_employee_id", "phone_number_id", "waba_id", "display_phone_number",
	"message_id", "timestamp", "received_at", "age_seconds", "from", "contact_info", "conversation_key",
	"method", "conversation_id",
}
