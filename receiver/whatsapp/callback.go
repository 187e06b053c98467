// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"strconv"
	"strings"
)

// maxParts bounds the numbers of parts and resends that ParseCallback accepts.
const maxParts = 1000

// Callback returns the biz_opaque_callback_data for one send of one part of the answer to an event. Meta returns it with
// each status of that message. Resend is 0 for the first send of the part, which is not written.
func Callback(eventID string, part, resend int) string {
	data := eventID + ":" + strconv.Itoa(part)
	if resend > 0 {
		data += ":" + strconv.Itoa(resend)
	}

	return data
}

// ParseCallback parses the result of Callback. ok is false for anything else, such as another application's data.
func ParseCallback(data string) (eventID string, part, resend int, ok bool) {
	eventID, numbers, found := strings.Cut(data, ":")
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
