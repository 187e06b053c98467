// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/lasthour"
)

// maxRates bounds the phone numbers whose rate the figures have.
const maxRates = 100

// Figures are the figures of the last hour, the oldest first, and the rates of the busiest phone numbers of this receiver.
type Figures struct {
	Points []lasthour.Point `json:"points"`
	Rates  []gate.Rate      `json:"rates"`
}

// status answers with the report of the receiver.
func (a *api) status(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, a.Report(r.Context()))
}

// figures answers with the figures of the last hour.
func (a *api) figures(w http.ResponseWriter, _ *http.Request) {
	rates := a.Rates()

	answer(w, http.StatusOK, Figures{Points: a.LastHour(), Rates: rates[:min(len(rates), maxRates)]})
}
