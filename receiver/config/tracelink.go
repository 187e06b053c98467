// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"strings"
)

// TraceIDPlace is where a link template has the id of the trace.
const TraceIDPlace = "{traceID}"

// Link returns the URL of a trace for people, or "" without a template.
func (t Tracing) Link(traceID string) string {
	if traceID == "" {
		return ""
	}

	return strings.Replace(t.LinkTemplate, TraceIDPlace, url.PathEscape(traceID), 1)
}
