// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"strconv"
	"strings"
)

const (
	// maxParts bounds the numbers of parts and resends that ParseCallback accepts.
	maxParts = 1000
	// fallbackMark ends the callback of a part that takes the place of an answer.
	fallbackMark = ":fallback"
)

// Callback returns the biz_opaque_callback_data for one send of one part of the answer to an event. Meta returns it with
// each status of that message. Resend is 0 for the first send of the part, which is not written.
func Callback(eventID string, part, resend int) string {
	data := eventID + ":" + strconv.Itoa(part)
	if resend > 0 {
		data += ":" + strconv.Itoa(resend)
	}

	return data
}

// FallbackCallback returns the Callback of a part that takes the place of an answer. After a replay the answer can have a part
// with the same number.
func FallbackCallback(eventID string, part, resend int) string {
	return Callback(eventID, part, resend) + fallbackMark
}

// IsFallbackCallback reports whether data is the result of FallbackCallback.
func IsFallbackCallback(data string) bool { return strings.HasSuffix(data, fallbackMark) }

// ParseCallback parses the result of Callback or FallbackCallback. ok is false for anything else, such as another application's
// data.
func ParseCallback(data string) (eventID string, part, resend int, ok bool) {
	eventID, numbers, found := strings.Cut(strings.TrimSuffix(data, fallbackMark), ":")
	first, second, again := strings.Cut(numbers, ":")
	part, isPart := parseCount(first)

	isResend := true
	if again {
		resend, isResend = parseCount(second)
	}

	return eventID, part, resend, found && isPart && isResend
}

func parseCount(s string) (n int, ok bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n < maxParts
}
