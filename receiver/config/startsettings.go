// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"strings"
)

// startSettings are the settings that are read at start only. A Live rejects a file that changes one of them, because the
// receiver would report a configuration that is not in force.
var startSettings = []struct {
	key   string
	value func(Config) any
}{
	{"listen", func(c Config) any { return c.Listen }},
	{"messagesAPI", func(c Config) any { return c.MessagesAPI != nil }}, // its settings can change
	{"webhook.maxInFlightBytes", func(c Config) any { return c.Webhook.MaxInFlightBytes }},
	{"webhook.mutualTLS", func(c Config) any { return c.Webhook.MutualTLS != nil }}, // commonName can change
	{"media.spoolDir", func(c Config) any { return c.Media.SpoolDir }},
	{"media.maxSpoolBytes", func(c Config) any { return c.Media.MaxSpoolBytes }},
	{"store.embedded", func(c Config) any { return withoutBackup(c.Store.Embedded) }}, // its backup can change
	{"store.postgreSQL", func(c Config) any { return c.Store.PostgreSQL }},
	{"tracing", func(c Config) any { return c.Tracing }},
	{"log", func(c Config) any { return c.Log }},
}

func withoutBackup(e *EmbeddedStore) *EmbeddedStore {
	if e == nil {
		return nil
	}

	return &EmbeddedStore{Path: e.Path}
}

// StartSettings returns the values of the settings that are read at start only, by key. A receiver has to restart if one of
// them changes; it takes over any other setting while it runs.
func (c Config) StartSettings() map[string]any {
	values := make(map[string]any, len(startSettings))
	for _, setting := range startSettings {
		values[setting.key] = setting.value(c)
	}

	return values
}

// checkStartSettings returns an error if a setting that is read at start only differs.
func checkStartSettings(running, next Config) error {
	var changed []string
	for _, setting := range startSettings {
		if !reflect.DeepEqual(setting.value(running), setting.value(next)) {
			changed = append(changed, setting.key)
		}
	}

	if len(changed) == 0 {
		return nil
	}

	return fmt.Errorf("restart the receiver to change %s", strings.Join(changed, ", "))
}
