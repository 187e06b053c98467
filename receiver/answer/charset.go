// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// byteOrderMark begins the texts of some programs for Windows.
var byteOrderMark = []byte("\ufeff")

// controls are the characters of windows-1252 from 0x80 to 0x9f. Its others have the same numbers in Unicode.
//
// Source: https://encoding.spec.whatwg.org/index-windows-1252.txt
var controls = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")

// decoded returns a body in UTF-8 without a byte order mark. The declared charset counts only for a body that is not UTF-8
// already, since many programs declare the wrong one. Bytes of a body without a charset stay as they are.
func decoded(body []byte, charset string) ([]byte, error) {
	charset = strings.ToLower(charset)
	isWide := strings.HasPrefix(charset, "utf-16") || strings.HasPrefix(charset, "utf-32") ||
		bytes.HasPrefix(body, []byte("\xff\xfe")) || bytes.HasPrefix(body, []byte("\xfe\xff"))

	switch {
	case len(body) == 0:
		return nil, nil
	case isWide:
		return nil, errors.New("the answer is in UTF-16 or UTF-32, not UTF-8")
	case utf8.Valid(body), charset == "", charset == "utf-8", charset == "utf8", charset == "us-ascii":
		return bytes.TrimPrefix(body, byteOrderMark), nil
	case slices.Contains([]string{"iso-8859-1", "iso8859-1", "latin1", "windows-1252", "cp1252"}, charset):
		return fromWindows(body), nil
	}

	return nil, errors.New("the answer is in a charset other than UTF-8, ISO-8859-1 and windows-1252")
}

// fromWindows converts windows-1252. Browsers read ISO-8859-1 as windows-1252 too, which differs in control characters only.
func fromWindows(body []byte) []byte {
	converted := make([]byte, 0, len(body)+len(body)/4)

	for _, b := range body {
		r := rune(b)
		if b >= 0x80 && b < 0xa0 {
			r = controls[b-0x80]
		}

		converted = utf8.AppendRune(converted, r)
	}

	return converted
}
