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

// Text is a string that Meta may also send as a number or a boolean. Anything else, null included, reads as empty: what
// is odd about one property must not cost the message.
type Text string

// UnmarshalJSON never fails on valid JSON.
func (t *Text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		// Nearly all are as they stand; a decoder for each of them would be a quarter of all the work on JSON.
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

// Flag is a boolean that may also come as text or number. What is neither true nor 1 is false.
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

// Number reads t as a finite number, which JSON can hold.
func (t Text) Number() (float64, bool) {
	n, err := strconv.ParseFloat(string(t), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// UnixTime reads a timestamp in unix seconds, and returns fallback where it is none.
func UnixTime(t Text, fallback time.Time) time.Time {
	seconds, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return fallback
	}

	return time.Unix(seconds, 0).UTC()
}

var errNoObject = errors.New("not a JSON object")

// readObject decodes a JSON object into target, whose fields or values are of Text, Flag and json.RawMessage, which take
// anything.
func readObject(raw json.RawMessage, target any) error {
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, target) != nil {
		return errNoObject
	}

	return nil
}

// readList returns the elements of a JSON array. A lone object counts as a list of one.
func readList(raw json.RawMessage) []json.RawMessage {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) == nil {
		return elements
	}

	if len(raw) > 0 && raw[0] == '{' {
		return []json.RawMessage{raw}
	}

	return nil
}
