// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/json"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/jsonyaml"
)

// configuration shows the effective configuration, with the presence of each secret and no value.
func (c *console) configuration(v *view) error {
	effective, err := Get[json.RawMessage](v.request.Context(), v.api, "/configuration", nil)
	if err != nil {
		return err
	}

	text, err := jsonyaml.Convert(effective)
	if err != nil {
		return err
	}

	v.render(http.StatusOK, "configuration", string(text))

	return nil
}

// Pretty returns a JSON document with indentation, as a page shows it.
func (v *view) Pretty(document json.RawMessage) string {
	var decoded any
	if err := json.Unmarshal(document, &decoded); err != nil {
		return string(document)
	}

	indented, err := json.MarshalIndent(decoded, "", "  ")
	if err != nil {
		return string(document)
	}

	return string(indented)
}
