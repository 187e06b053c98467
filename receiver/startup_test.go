// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	_ "modernc.org/sqlite" // locks the store's file

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// freeAddress returns a local address on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	return address
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

	settings := config.Config{
		Listen: config.Listen{
			Webhook: "127.0.0.1:0",
			Admin:   freeAddress(t),
			Console: "127.0.0.1:0",
		},
		Store: config.Store{Embedded: &config.EmbeddedStore{Path: path}},
	}

	opened := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())

	go func() {
		r, err := Open(ctx, config.Fixed(settings, config.Secrets{}), "test", clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
		if err == nil {
			r.Close()
		}

		opened <- err
	}()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	page := func(name string) (int, string) {
		response, err := client.Get("http://" + settings.Listen.Admin + name)
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()

		body, _ := io.ReadAll(response.Body)

		return response.StatusCode, string(body)
	}

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
