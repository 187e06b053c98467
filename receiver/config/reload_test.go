// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
)

// TestSecretsBesideARejectedFile rotates a secret while the file is invalid, or has a change that needs a restart. The new value is
// used, and the configuration stays.
func TestSecretsBesideARejectedFile(t *testing.T) {
	for _, test := range []struct{ name, file, problem string }{
		{"invalid", "nonsense: true\n", "nonsense"},
		{"start setting", smallest + "log: {level: debug}\n", "restart the receiver to change log"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "receiver.yaml")
			secrets := filepath.Join(dir, "secrets")
			own := "secretsDir: " + secrets + "\n"
			token := filepath.Join(secrets, RoleAccessToken, "0")

			write(t, file, smallest+own+"processing: {debounce: 3s}\n")
			write(t, token, "first")

			live, err := Open(file, clockwork.NewFakeClock(), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}

			write(t, file, test.file+own)
			live.Reload()
			write(t, token, "second")
			live.Reload()

			got := live.Current()
			if got.Secrets.AccessToken != "second" {
				t.Error("the rotated token is not used")
			}

			if !strings.Contains(got.Problem, test.problem) || got.Processing.Debounce != 3*time.Second {
				t.Errorf("problem %q and debounce %v, want the reason and the previous configuration", got.Problem, got.Processing.Debounce)
			}
		})
	}
}

// TestReloadBesideAnUnreadableSecret gives a secret too many values. It keeps the previous ones; the file and the other secrets are
// loaded.
func TestReloadBesideAnUnreadableSecret(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "receiver.yaml")
	secrets := filepath.Join(dir, "secrets")
	own := "secretsDir: " + secrets + "\n"

	write(t, file, smallest+own)
	write(t, filepath.Join(secrets, RoleAccessToken, "0"), "first")
	write(t, filepath.Join(secrets, RoleAppSecret, "0"), "value 0")

	live, err := Open(file, clockwork.NewFakeClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	for i := range MaxValues + 1 {
		write(t, filepath.Join(secrets, RoleAppSecret, strconv.Itoa(i)), "value "+strconv.Itoa(i))
	}

	write(t, filepath.Join(secrets, RoleAccessToken, "0"), "second")
	write(t, file, smallest+own+"processing: {debounce: 3s}\n")
	live.Reload()

	got := live.Current()
	if diff := cmp.Diff(Secrets{AccessToken: "second", AppSecrets: []string{"value 0"}}, got.Secrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}

	if got.Processing.Debounce != 3*time.Second || !strings.Contains(got.Problem, "secret app-secret has 5 values") {
		t.Errorf("debounce %v and problem %q, want the new one and the reason", got.Processing.Debounce, got.Problem)
	}
}
