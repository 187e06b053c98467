// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	_ "modernc.org/sqlite" // locks the store's file

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

// localSettings returns the configuration of a receiver with a store at path.
func localSettings(path, adminAddress string) config.Config {
	return config.Config{
		Listen: config.Listen{
			Webhook: "127.0.0.1:0",
			Admin:   adminAddress,
			Console: "127.0.0.1:0",
		},
		Store: config.Store{Embedded: &config.EmbeddedStore{Path: path}},
	}
}

// page returns the status and body of a page, and the error as the body if there is no answer.
func page(address, name string) (int, string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

	response, err := client.Get("http://" + address + name)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()

	body, _ := io.ReadAll(response.Body)

	return response.StatusCode, string(body)
}

// Another program holds the file, so that the store cannot be opened yet.
func TestProbesAreAnsweredBeforeTheStoreIsOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")

	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = db.Close() })

	holder, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = holder.Close() })

	if _, err := holder.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}

	settings := localSettings(path, port.Address(t))
	opened := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())

	go func() {
		r, err := Open(ctx, config.Fixed(settings, config.Secrets{}), "test", clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
		if err == nil {
			r.Close()
		}

		opened <- err
	}()

	page := func(name string) (int, string) { return page(settings.Listen.Admin, name) }
	deadline := time.After(time.Minute)

	for code := 0; code != http.StatusOK; code, _ = page("/healthz") {
		select {
		case err := <-opened:
			t.Fatalf("Open returned %v while the file was locked", err)
		case <-deadline:
			t.Fatal("GET /healthz was not answered")
		case <-time.After(time.Millisecond):
		}
	}

	if code, body := page("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "the store") {
		t.Errorf("GET /readyz = %d %q, want 503 that names the store", code, body)
	}

	cancel()

	if _, err := holder.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}

	<-opened //nolint:errcheck // canceled in time or not
}

// A caller of Open must not read the pages that are served while the store is opened.
func TestOpenReceiverReportsItsOwnReadiness(t *testing.T) {
	settings := localSettings(filepath.Join(t.TempDir(), "inbox.db"), "127.0.0.1:0")

	r, err := Open(t.Context(), config.Fixed(settings, config.Secrets{}), "test", clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	if code, body := page(r.AdminAddr(), "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "missing secrets") {
		t.Errorf("GET /readyz = %d %q, want 503 that names the missing secrets", code, body)
	}
}
