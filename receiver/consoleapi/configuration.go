// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import "net/http"

// Configuration is the effective configuration, without secrets.
type Configuration struct {
	Version       string         `json:"version"`
	Configuration map[string]any `json:"configuration"` // by the keys of the configuration file
	Secrets       map[string]int `json:"secrets"`       // number of values by role
}

// configuration answers with the effective configuration.
func (a *api) configuration(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r) {
		return
	}

	current := a.Live.Current()

	shown, err := current.Shown()
	if err != nil {
		a.Log.Error("encoding the configuration for the console failed", "error", err)
		http.Error(w, "the configuration cannot be shown: see the log of the receiver", http.StatusInternalServerError)

		return
	}

	answer(w, http.StatusOK, Configuration{
		Version:       a.Version,
		Configuration: shown,
		Secrets:       current.Secrets.Counts(),
	})
}
