// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// copiedStore is a store whose backup has a fixed result.
type copiedStore struct {
	store.Store
	err error
}

func (s copiedStore) Backup(context.Context) (store.Copy, int64, error) {
	return closedCopy{strings.NewReader("a copy")}, 6, s.err
}

type closedCopy struct{ *strings.Reader }

func (closedCopy) Close() error { return nil }

func TestBackup(t *testing.T) {
	inbox := openStore(t)

	for name, c := range map[string]struct {
		store  store.Store
		status int
		want   string
	}{
		"complete":  {copiedStore{inbox, nil}, http.StatusOK, "a copy"},
		"running":   {copiedStore{inbox, store.ErrBackupRunning}, http.StatusConflict, "another backup"},
		"full disk": {copiedStore{inbox, fmt.Errorf("%w: enlarge the volume", store.ErrDiskFull)}, http.StatusInsufficientStorage, "enlarge the volume"},
		"aborted":   {copiedStore{inbox, store.ErrBackupAborted}, http.StatusServiceUnavailable, "many events"},
		"a server":  {struct{ store.Store }{inbox}, http.StatusNotImplemented, "pg_dump"},
	} {
		t.Run(name, func(t *testing.T) {
			console := newTestConsole(t, metrics.New(clockwork.NewFakeClockAt(now)).CountStore(c.store))

			code, body := console.call(http.MethodGet, "/v1/backup")
			if code != c.status || !strings.Contains(body, c.want) {
				t.Errorf("GET /v1/backup = %d %q, want %d with %q", code, body, c.status, c.want)
			}

			if !strings.Contains(console.log.String(), `act="back up"`) {
				t.Error("the audit log has no line")
			}
		})
	}
}

func TestConfigurationHasNoSecrets(t *testing.T) {
	console := newTestConsole(t, openStore(t))

	code, body := console.call(http.MethodGet, "/v1/configuration")

	var got Configuration
	if err := json.Unmarshal([]byte(body), &got); code != http.StatusOK || err != nil {
		t.Fatalf("GET /v1/configuration = %d %s", code, body)
	}

	if got.Version != "test" || got.Secrets["app-secret"] != 1 || got.Secrets["access-token"] != 0 || strings.Contains(body, `"secret"`) {
		t.Errorf("the configuration is %s, want the presence of secrets and no value", body)
	}
}
