// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"slices"
	"sync"
)

// maxCodes bounds the distinct error codes; Meta's table and HTTP's together have fewer.
const maxCodes = 128

// other is the label of values that are not known.
const other = "other"

var (
	messageTypes = []string{
		"audio", "button", "contacts", "document", "edit", "image", "interactive", "location", "order", "reaction",
		"request_welcome", "revoke", "sticker", "system", "template", "text", "unknown", "unsupported", "video",
	}
	statuses = []string{"captured", "delivered", "failed", "pending", "played", "read", "sent"}
)

// known returns value if it is one of the sorted values.
func known(values []string, value string) string {
	if _, ok := slices.BinarySearch(values, value); ok {
		return value
	}

	return other
}

// labelSet admits the first values up to a limit. The label of all further values is other.
type labelSet struct {
	mu    sync.Mutex
	limit int
	seen  map[string]struct{}
}

func newLabelSet(limit int) *labelSet { return &labelSet{limit: limit, seen: map[string]struct{}{}} }

func (s *labelSet) admit(value string) string {
	s.mu.Lock()
	defer s.mu.Unlock()

	if value == "" {
		return other
	}

	if _, ok := s.seen[value]; !ok {
		if len(s.seen) >= s.limit {
			return other
		}

		s.seen[value] = struct{}{}
	}

	return value
}
