// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/url"

	"go.yaml.in/yaml/v3"
)

// redacted replaces a credential in a URL.
const redacted = "REDACTED"

// Shown returns the effective configuration as it may be shown, by the keys of the configuration file: without the user,
// the password and the values of the query of a URL.
func (c Config) Shown() (map[string]any, error) {
	encoded, err := yaml.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode the configuration: %w", err)
	}

	var shown map[string]any
	if err := yaml.Unmarshal(encoded, &shown); err != nil {
		return nil, fmt.Errorf("decode the configuration: %w", err)
	}

	redactIn(shown)

	return shown, nil
}

// redactIn redacts the URLs in a decoded document, and returns it.
func redactIn(value any) any {
	switch value := value.(type) {
	case string:
		return redactURL(value)
	case []any:
		for i := range value {
			value[i] = redactIn(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = redactIn(value[key])
		}
	}

	return value
}

func redactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}

	if u.User == nil && u.RawQuery == "" && u.Fragment == "" {
		return text
	}

	if u.User != nil {
		u.User = url.User(redacted)
	}

	if u.RawQuery != "" {
		u.RawQuery = redacted
	}

	u.Fragment = ""

	return u.String()
}
