// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"
)

// TestStartSettings changes each setting that is read at start only. The reload must be rejected with the key of the
// setting, and docs/receiver.md must name it.
func TestStartSettings(t *testing.T) {
	page, err := os.ReadFile("../../docs/receiver.md")
	if err != nil {
		t.Fatal(err)
	}

	_, rest, found := strings.Cut(string(page), "settings that are read at start only")
	documented, _, ended := strings.Cut(rest, "\n\n")

	if !found || !ended {
		t.Fatal("docs/receiver.md does not list the settings that are read at start only")
	}

	const postgreSQL = "store: {postgreSQL: {}}\n"

	changes := map[string]struct{ before, after string }{
		"listen":                   {"", "listen: {webhook: \":8081\"}\n"},
		"messagesAPI":              {"", "messagesAPI: {}\n"},
		"webhook.maxInFlightBytes": {"", "webhook: {maxInFlightBytes: 33554432}\n"},
		"webhook.mutualTLS":        {"", "webhook: {mutualTLS: {}}\n"},
		"media.spoolDir":           {"", "media: {spoolDir: /tmp/elsewhere}\n"},
		"media.maxSpoolBytes":      {"", "media: {maxSpoolBytes: 1073741824}\n"},
		"store.embedded":           {"", "store: {embedded: {path: /tmp/elsewhere.db}}\n"},
		"store.postgreSQL":         {postgreSQL, "store: {postgreSQL: {maxConnections: 8}}\n"},
		"tracing":                  {"", "tracing: {endpointURL: http://collector:4318}\n"},
		"log":                      {"", "log: {level: debug}\n"},
	}
	for _, setting := range startSettings {
		change, known := changes[setting.key]
		if !known {
			t.Errorf("no change of %s to try", setting.key)
			continue
		}

		if !strings.Contains(documented, "`"+setting.key+"`") {
			t.Errorf("docs/receiver.md does not list %s among the settings that are read at start only", setting.key)
		}

		t.Run(setting.key, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "receiver.yaml")
			write(t, file, smallest+change.before)

			live, err := Open(file, clockwork.NewFakeClock(), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}

			write(t, file, smallest+change.after)
			live.Reload()

			want := "restart the receiver to change " + setting.key
			if problem := live.Current().Problem; problem != want {
				t.Errorf("problem %q, want %q", problem, want)
			}

			write(t, file, smallest+change.before)
			live.Reload()

			if problem := live.Current().Problem; problem != "" {
				t.Errorf("problem %q after the change was undone", problem)
			}
		})
	}
}
