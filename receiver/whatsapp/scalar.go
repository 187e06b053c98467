// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Text is a string that Meta may also send as a number or a boolean. Any other value, including null, decodes as empty: an
// unexpected property must not make the whole message fail.
type Text string

// UnmarshalJSON never fails on valid JSON.
func (t *Text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		// Fast path for strings without escapes, which nearly all are: the decoder would take a quarter of the parse time.
		if plain := data[1 : len(data)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
			*t = Text(plain)
			return nil
		}

		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}

		*t = Text(s)
	case '{', '[', 'n':
		*t = ""
	default:
		*t = Text(data)
	}

	return nil
}

// Flag is a boolean that Meta may also send as a string or a number. Every value but true and 1 decodes as false.
type Flag bool

// UnmarshalJSON never fails on valid JSON.
func (f *Flag) UnmarshalJSON(data []byte) error {
	var t Text
	if err := t.UnmarshalJSON(data); err != nil {
		return err
	}

	*f = t == "true" || t == "1"

	return nil
}

// Number parses t as a finite number, which JSON can represent.
func (t Text) Number() (float64, bool) {
	n, err := strconv.ParseFloat(string(t), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// UnixTime parses a timestamp in unix seconds. It returns fallback if t is not a timestamp.
func UnixTime(t Text, fallback time.Time) time.Time {
	seconds, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return fallback
	}

	return time.Unix(seconds, 0).UTC()
}

// maxDeliveryAge is how long after an event Meta may deliver it: it repeats failed deliveries for up to 7 days.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
const maxDeliveryAge = 8 * 24 * time.Hour

// SentAt returns when an event happened, by Meta's timestamp. It returns the time of receipt if there is no timestamp, and
// for a time that cannot be Meta's: later than the receipt, or earlier than Meta can still deliver.
func SentAt(timestamp Text, received time.Time) time.Time {
	at := UnixTime(timestamp, received)
	if at.After(received) || received.Sub(at) > maxDeliveryAge {
		return received
	}

	return at
}

var errNotObject = errors.New("not a JSON object")

// readObject decodes a JSON object into target. The fields or values of target have the types Text, Flag and
// json.RawMessage, which accept any JSON value.
func readObject(raw json.RawMessage, target any) error {
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, target) != nil {
		return errNotObject
	}

	return nil
}

// readList returns the elements of a JSON array. A single object counts as a list of one.
func readList(raw json.RawMessage) []json.RawMessage {
	if list, ok := elements(raw); ok {
		return list
	}

	if isObject(raw) {
		return []json.RawMessage{raw}
	}

	return nil
}
