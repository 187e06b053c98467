// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// checkTimeout bounds a check of the store, which reads the whole file.
const checkTimeout = 10 * time.Minute

// Check is the result of POST /store/check.
type Check struct {
	Damages []string `json:"damages"` // empty if the file is sound; at most store.MaxDamages
	TookMS  int64    `json:"took_ms"`
}

// checkStore checks the file of the embedded store for damage, beside deliveries and work.
func (a *api) checkStore(w http.ResponseWriter, r *http.Request) {
	checker, ok := a.Store.(store.Checker)
	if !ok {
		http.Error(w, "only the embedded store can be checked here", http.StatusNotImplemented)
		return
	}

	began := a.Clock.Now()

	ctx, cancel := a.long(context.WithoutCancel(r.Context()), w, checkTimeout)
	defer cancel()

	damages, err := checker.Check(ctx)

	switch {
	case errors.Is(err, errors.ErrUnsupported):
		http.Error(w, "only the embedded store can be checked here", http.StatusNotImplemented)
		return
	case err != nil:
		a.Log.Error("the check of the store failed", "error", err)
		http.Error(w, err.Error(), http.StatusServiceUnavailable)

		return
	}

	if damages == nil {
		damages = []string{}
	}

	if len(damages) > 0 {
		a.Log.Error("the file of the store is damaged", "damages", len(damages))
	}

	w.Header().Set("Content-Type", "application/json")

	_ = json.NewEncoder(w).Encode(Check{Damages: damages, TookMS: a.Clock.Since(began).Milliseconds()})
}
