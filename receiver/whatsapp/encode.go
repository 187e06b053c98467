// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"strings"
)

// encoder writes an object. It copies values as they are, where encoding/json would check each of them again.
type encoder struct{ buf []byte }

// value writes a member. The value is valid JSON.
func (e *encoder) value(name string, value json.RawMessage) {
	e.name(name)
	e.buf = appendCompact(e.buf, value)
}

// text writes a member that is a string.
func (e *encoder) text(name, text string) {
	e.name(name)

	if isPlain(text) {
		e.buf = append(e.buf, '"')
		e.buf = append(e.buf, text...)
		e.buf = append(e.buf, '"')

		return
	}

	quoted, _ := json.Marshal(text) // a string always encodes
	e.buf = append(e.buf, quoted...)
}

// optional writes a member that is a string, unless it is empty.
func (e *encoder) optional(name, text string) {
	if text != "" {
		e.text(name, text)
	}
}

// name writes the name of a member, which needs no escapes.
func (e *encoder) name(name string) {
	if len(e.buf) == 0 {
		e.buf = append(e.buf, '{')
	} else {
		e.buf = append(e.buf, ',')
	}

	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
}

// end returns the object, which has at least one member.
func (e *encoder) end() []byte { return append(e.buf, '}') }

// isPlain reports whether a string is the same within quotation marks in JSON.
func isPlain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

// appendCompact appends valid JSON without the white space between its tokens.
func appendCompact(buf, raw []byte) []byte {
	begin := 0

	for at := 0; at < len(raw); {
		switch raw[at] {
		case '"':
			at = stringEnd(raw, at)
		case ' ', '\n', '\r', '\t':
			buf = append(buf, raw[begin:at]...)
			at = space(raw, at)
			begin = at
		default:
			at++
		}
	}

	return append(buf, raw[begin:]...)
}
