// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Entry is a line that the receiver wrote.
type Entry struct {
	Time       string
	Level      string
	Message    string
	Attributes string // key=value, in the order of the line
}

// Parse returns the parts of a line in the receiver's format, and false for any other line.
func Parse(line string) (Entry, bool) {
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()

	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return Entry{}, false
	}

	var (
		entry      Entry
		attributes []string
	)

	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return Entry{}, false
		}

		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return Entry{}, false
		}

		switch text := plain(value); key {
		case "time":
			entry.Time = text
		case "level":
			entry.Level = text
		case "msg":
			entry.Message = text
		default:
			if strings.ContainsAny(text, " \"=") || text == "" {
				text = fmt.Sprintf("%q", text)
			}

			attributes = append(attributes, fmt.Sprintf("%s=%s", key, text))
		}
	}

	entry.Attributes = strings.Join(attributes, " ")

	return entry, entry.Message != ""
}

// plain returns a JSON string without quotes, and any other value as it is.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}

	return string(value)
}
