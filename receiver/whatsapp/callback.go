// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"strconv"
	"strings"
)

// Callback is the biz_opaque_callback_data of one part of an answer to an event.
func Callback(eventID string, part int) string {
	return eventID + ":" + strconv.Itoa(part)
}

// ParseCallback reads what Callback wrote; ok is false for anything else, such as another application's data.
func ParseCallback(data string) (eventID string, part int, ok bool) {
	eventID, number, found := strings.Cut(data, ":")
	part, err := strconv.Atoi(number)

	return eventID, part, found && err == nil && part >= 0 && part < 1000
}
