// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// extras are the properties that a request may omit, because its text contains the same information. They have no limit of
// their own.
var extras = []string{
	"message",
	"referral",
	"context",
	"contacts",
	"order",
	"response",
	"errors",
	"pricing",
	"payment",
	"caption",
	"list_description",
}

// fit encodes the request within its limit. It omits the largest properties first, and then cuts the text: a flow that gets
// less still answers. The property truncated names the changed properties.
func (r *request) fit() error {
	var truncated []string

	for {
		if err := r.encode(); err != nil || int64(len(r.body)) <= r.limit {
			return err
		}

		property, err := r.shrink()
		if err != nil || property == "" {
			return err
		}

		if !slices.Contains(truncated, property) {
			truncated = append(truncated, property)
		}

		if err := r.set("truncated", truncated); err != nil {
			return err
		}
	}
}

// shrink makes one property smaller, and returns its name, or "" if there is nothing left to shrink.
func (r *request) shrink() (string, error) {
	var largest string

	for _, property := range extras {
		if len(r.properties[property]) > max(len(r.properties[largest]), len("null")) {
			largest = property
		}
	}

	if largest != "" {
		r.properties[largest] = json.RawMessage("null")

		return largest, nil
	}

	var text string
	if err := json.Unmarshal(r.properties["text"], &text); err != nil {
		return "", fmt.Errorf("cut the text: %w", err)
	}

	const ellipsis = "…"

	text = strings.TrimSuffix(text, ellipsis)
	if len(text) < 2 {
		return "", nil
	}

	excess := int64(len(r.body)) - r.limit
	keep := max(len(text)/2, len(text)-int(min(excess, int64(len(text))))) // escaped characters are longer in the body

	return "text", r.set("text", strings.ToValidUTF8(text[:keep], "")+ellipsis)
}
