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

// The known values of labels. The lists that [known] searches are sorted.
var (
	kinds         = []string{"answered", "error", "field", "message", "notice", "outbound", "status", "unknown"}
	initialStates = []string{"done", "pending", "quarantined", "skipped"} // in which events are stored
	messageTypes  = []string{
		"audio", "button", "contacts", "document", "edit", "image", "interactive", "location", "order", "reaction",
		"request_welcome", "revoke", "sticker", "system", "template", "text", "unknown", "unsupported", "video",
	}
	sentTypes = []string{
		"audio", "contacts", "document", "image", "interactive", "location", "reaction", "sticker", "template", "text",
		"video",
	}
	statuses = []string{"captured", "delivered", "failed", "pending", "played", "read", "sent"}
	// The categories and types of pricing, and those types with what they mean for the bill.
	priceCategories = []string{
		"authentication", "authentication_international", "marketing", "marketing_lite", "referral_conversion", "service",
		"utility",
	}
	priceTypes  = []string{"free_customer_service", "free_entry_point", "regular"}
	usualPrices = map[string]string{
		"free_customer_service": "false",
		"free_entry_point":      "false",
		"regular":               "true",
	}
	billables = []string{"false", "true", "unknown"}
	methods   = []string{
		"analyze_image", "analyze_video", "notify_bird_status_change", "parse_document", "process_audio_message",
		"process_button_interaction", "process_contacts_message", "process_document_message",
		"process_flow_response", "process_image_message", "process_list_interaction", "process_location_message",
		"process_message_edit", "process_message_revoke", "process_order", "process_other_message",
		"process_text_message", "process_undelivered_message", "process_video_message", "transcribe_audio",
	}
	storeOperations = []string{
		"advance", "check", "claim", "history", "ingest", "leadership", "pause", "peek", "ping", "purge", "release", "renew",
		"schedule",
	}
	messagesOperations = map[string][]int{ // of the messages API, with the statuses that it answers
		"send":        {200, 202, 400, 401, 403, 404, 409, 413, 422, 429, 503},
		"get_message": {200, 401, 404, 429, 503},
		"get_handler": {200, 401, 404, 429, 503},
		"set_handler": {200, 400, 401, 403, 404, 409, 413, 422, 429, 503},
	}
	requestStatuses = []int{200, 400, 401, 403, 405, 408, 413, 415, 503} // that the webhook answers
)

// The targets of calls.
const (
	targetAI   = "bird"
	targetMeta = "meta"
	targetSink = "sink"
	targetDesk = "desk"
)

var targets = []string{targetAI, targetMeta, targetSink, targetDesk}

// targetOf returns the target of a call by its operation: the AI, the sink, the desk, or Meta.
func targetOf(operation string) string {
	if _, ok := slices.BinarySearch(methods, operation); ok {
		return targetAI
	}

	switch operation {
	case "send notice":
		return targetSink
	case "call the desk":
		return targetDesk
	default:
		return targetMeta
	}
}

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

// LinkResult is the result of a request for linked media.
type LinkResult string

// The results: the file was sent; the link is wrong, has expired or its file is gone; too many files are served; Meta or the
// client failed.
const (
	LinkServed  LinkResult = "served"
	LinkUnknown LinkResult = "unknown"
	LinkBusy    LinkResult = "busy"
	LinkFailed  LinkResult = "failed"
)

var linkResults = []LinkResult{LinkServed, LinkUnknown, LinkBusy, LinkFailed}
