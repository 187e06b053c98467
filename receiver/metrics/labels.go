// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"slices"
	"sync"
)

// maxCodes bounds how many error codes are told apart; Meta's table and HTTP's together have fewer.
const maxCodes = 128

const other = "other"

var (
	messageTypes = []string{
		"audio", "button", "contacts", "document", "edit", "image", "interactive", "location", "order", "reaction",
		"request_welcome", "revoke", "sticker", "system", "template", "text", "unknown", "unsupported", "video",
	}
	statuses = []string{"captured", "delivered", "failed", "pending", "played", "read", "sent"}
)

func known(values []string, value string) string {
	if _, ok := slices.BinarySearch(values, value); ok {
		return value
	}

	return other
}

// labelSet admits the first values it sees, and calls the rest other.
type labelSet struct {
	mu   sync.Mutex
	most int
	seen map[string]struct{}
}

func newLabelSet(most int) *labelSet { return &labelSet{most: most, seen: map[string]struct{}{}} }

func (s *labelSet) admit(value string) string {
	s.mu.Lock()
	defer s.mu.Unlock()

	if value == "" {
		return other
	}

	if _, ok := s.seen[value]; !ok {
		if len(s.seen) >= s.most {
			return other
		}

		s.seen[value] = struct{}{}
	}

	return value
}
