// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
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
	inbox := openStore(t)

	for name, c := range map[string]struct {
		store  store.Store
		status int
		want   []string
	}{
		"sound":        {inbox, http.StatusOK, []string{}},
		"damaged":      {damagedStore{inbox, []string{"page 7 is bad"}, nil}, http.StatusOK, []string{"page 7 is bad"}},
		"aborted":      {damagedStore{inbox, nil, store.ErrCheckAborted}, http.StatusServiceUnavailable, nil},
		"not possible": {struct{ store.Store }{inbox}, http.StatusNotImplemented, nil},
	} {
		t.Run(name, func(t *testing.T) {
			console := newTestConsole(t, metrics.New(clockwork.NewFakeClockAt(now)).CountStore(c.store))

			code, body := console.call(http.MethodPost, "/v1/store/check")
			if code != c.status {
				t.Fatalf("POST /v1/store/check = %d %s, want %d", code, body, c.status)
			}

			if c.want == nil {
				return
			}

			var got Check
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(c.want, got.Damages); diff != "" {
				t.Errorf("damages (-want +got):\n%s", diff)
			}
		})
	}
}
