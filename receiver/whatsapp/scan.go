// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// This file reads JSON without copying or checking it. Split and Decode check a document once with encoding/json, and return
// parts of it. The result for invalid JSON is undefined, but reading ends, and never goes beyond the document.

// members walks over the members of an object.
type members struct {
	raw   json.RawMessage
	at    int             // of the next member's name
	name  []byte          // of the member that next found, unescaped
	value json.RawMessage // part of the object
}

// membersOf returns the members of an object in their order, duplicates included. Any other value has none.
func membersOf(raw json.RawMessage) members {
	if !isObject(raw) {
		return members{}
	}

	return members{raw: raw, at: space(raw, space(raw, 0)+1)}
}

// next reads the next member. It reports false if there is none.
func (m *members) next() bool {
	if m.at >= len(m.raw) || m.raw[m.at] != '"' {
		return false
	}

	end := stringEnd(m.raw, m.at)
	begin := space(m.raw, space(m.raw, end)+1) // after the colon

	valueEnd := valueEnd(m.raw, begin)
	if begin >= valueEnd {
		return false
	}

	m.name = unescaped(m.raw[m.at:end])
	m.value = m.raw[begin:valueEnd:valueEnd]
	m.at = next(m.raw, valueEnd)

	return true
}

// field returns the name of the field of a struct into which encoding/json decodes the member: it ignores case.
func (m *members) field() []byte {
	isLower := true

	for _, c := range m.name {
		isLower = isLower && c < utf8.RuneSelf && (c < 'A' || c > 'Z')
	}

	if isLower {
		return m.name
	}

	return bytes.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r == '\u017f': // long s
			return 's'
		case r == '\u212a': // Kelvin sign
			return 'k'
		}

		return r
	}, m.name)
}

// elements returns the elements of an array, which are parts of raw. ok is false for any other value; null is an array
// without elements.
func elements(raw json.RawMessage) (list []json.RawMessage, ok bool) {
	at := space(raw, 0)

	switch {
	case at >= len(raw):
		return nil, false
	case raw[at] == 'n':
		return nil, true
	case raw[at] != '[':
		return nil, false
	}

	for at = space(raw, at+1); at < len(raw) && raw[at] != ']'; at = next(raw, at) {
		begin := at
		if at = valueEnd(raw, begin); begin >= at {
			break
		}

		list = append(list, raw[begin:at:at])
	}

	return list, true
}

// property returns the value of the member of an object with this name, the last one if there are several, or nil.
func property(raw json.RawMessage, name string) (value json.RawMessage) {
	for m := membersOf(raw); m.next(); {
		if string(m.name) == name {
			value = m.value
		}
	}

	return value
}

// isObject reports whether a value is an object.
func isObject(raw json.RawMessage) bool {
	at := space(raw, 0)

	return at < len(raw) && raw[at] == '{'
}

// isNull reports whether a value is null.
func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// next returns the position of the next member or element after one that ends at at.
func next(raw []byte, at int) int {
	if at = space(raw, at); at < len(raw) && raw[at] == ',' {
		at = space(raw, at+1)
	}

	return at
}

// space returns the position of the first byte from at on that is not white space.
func space(raw []byte, at int) int {
	for at < len(raw) && (raw[at] == ' ' || raw[at] == '\n' || raw[at] == '\r' || raw[at] == '\t') {
		at++
	}

	return at
}

// valueEnd returns the end of the value that begins at begin.
func valueEnd(raw []byte, begin int) int {
	if begin >= len(raw) {
		return begin
	}

	switch raw[begin] {
	case '"':
		return stringEnd(raw, begin)
	case '{', '[':
		return containerEnd(raw, begin)
	default:
		at := begin
		for at < len(raw) && strings.IndexByte(" \n\r\t,]}", raw[at]) < 0 {
			at++
		}

		return at
	}
}

// containerEnd returns the end of the object or array that begins at begin.
func containerEnd(raw []byte, begin int) int {
	depth := 0

	for at := begin; at < len(raw); {
		switch raw[at] {
		case '"':
			at = stringEnd(raw, at)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		}

		at++
	}

	return len(raw)
}

// stringEnd returns the end of the string whose quotation mark is at begin.
func stringEnd(raw []byte, begin int) int {
	for at := begin + 1; at < len(raw); at++ {
		switch raw[at] {
		case '"':
			return at + 1
		case '\\':
			at++
		}
	}

	return len(raw)
}

// unescaped returns the content of a string with its quotation marks. Invalid UTF-8 is replaced, as by encoding/json.
func unescaped(quoted []byte) []byte {
	if plain, ok := plain(quoted); ok {
		return plain
	}

	var s string

	_ = json.Unmarshal(quoted, &s) // it is valid

	return []byte(s)
}

// plain returns the content of a string without escapes and of valid UTF-8, which nearly all are. ok is false for others.
func plain(quoted []byte) (content []byte, ok bool) {
	if len(quoted) < len(`""`) {
		return nil, false
	}

	content = quoted[1 : len(quoted)-1]
	isASCII := true

	for _, c := range content {
		if c == '\\' {
			return nil, false
		}

		isASCII = isASCII && c < utf8.RuneSelf
	}

	return content, isASCII || utf8.Valid(content)
}

// textOf returns a value as a text.
func textOf(value json.RawMessage) (t Text) {
	if value[0] == '"' {
		return Text(unescaped(value))
	}

	_ = t.UnmarshalJSON(value) // it is valid

	return t
}
