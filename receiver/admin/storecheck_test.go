// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// damagedStore is a store whose check finds damages.
type damagedStore struct {
	store.Store
	damages []string
	err     error
}

func (s damagedStore) Check(context.Context) ([]string, error) { return s.damages, s.err }

func TestStoreCheck(t *testing.T) {
	parts := newParts(t, allSecrets)

	for name, c := range map[string]struct {
		store  store.Store
		status int
		want   []string
	}{
		"sound":        {parts.Store, http.StatusOK, []string{}},
		"damaged":      {damagedStore{parts.Store, []string{"page 7 is bad"}, nil}, http.StatusOK, []string{"page 7 is bad"}},
		"aborted":      {damagedStore{parts.Store, nil, store.ErrCheckAborted}, http.StatusServiceUnavailable, nil},
		"not possible": {struct{ store.Store }{parts.Store}, http.StatusNotImplemented, nil},
	} {
		t.Run(name, func(t *testing.T) {
			console := NewConsole(Console{
				Store: parts.Metrics.CountStore(c.store),
				Clock: clockwork.NewFakeClockAt(now),
				Log:   slog.New(slog.DiscardHandler),
			})
			w := httptest.NewRecorder()
			console.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://localhost/store/check", http.NoBody))

			if w.Code != c.status {
				t.Fatalf("POST /store/check = %d %s, want %d", w.Code, w.Body, c.status)
			}

			if c.want == nil {
				return
			}

			var got Check
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(c.want, got.Damages); diff != "" {
				t.Errorf("damages (-want +got):\n%s", diff)
			}
		})
	}
}
