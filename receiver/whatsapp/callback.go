// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"strconv"
	"strings"
)

// maxParts bounds the part numbers that ParseCallback accepts.
const maxParts = 1000

// Callback returns the biz_opaque_callback_data for one part of the answer to an event. Meta returns it with each status
// of that message.
func Callback(eventID string, part int) string {
	return eventID + ":" + strconv.Itoa(part)
}

// ParseCallback parses the result of Callback. ok is false for anything else, such as another application's data.
func ParseCallback(data string) (eventID string, part int, ok bool) {
	eventID, number, found := strings.Cut(data, ":")
	part, err := strconv.Atoi(number)

	return eventID, part, found && err == nil && part >= 0 && part < maxParts
}
