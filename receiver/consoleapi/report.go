// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/lasthour"
)

// Figures are the figures of the last hour, the oldest first.
type Figures struct {
	Points []lasthour.Point `json:"points"`
}

// status answers with the report of the receiver.
func (a *api) status(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, a.Report(r.Context()))
}

// figures answers with the figures of the last hour.
func (a *api) figures(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, Figures{Points: a.LastHour()})
}
