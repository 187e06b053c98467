// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// CheckCredential returns the failure of a credential that no header can carry, or nil. The transport would report it like
// a lost connection. The role is that of the credential's secret; the failure closes scope until the secret changes.
func CheckCredential(op string, scope failure.Scope, role, value string) *failure.Error {
	wrong := malformed(value)
	if wrong == "" {
		return nil
	}

	return &failure.Error{
		Class: failure.Configuration,
		Scope: scope,
		Op:    op,
		Code:  CodeBadCredential,
		Text:  fmt.Sprintf("the secret %s %s: store only the value, on one line", role, wrong),
	}
}

// malformed returns why a value cannot be part of a header, or "".
func malformed(value string) string {
	isUsual := func(r rune) bool { return r > ' ' && r <= '~' }

	switch {
	case strings.IndexFunc(value, func(r rune) bool { return !isUsual(r) }) < 0:
		return ""
	case strings.ContainsAny(value, "\r\n"):
		return "has a line break"
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has a control character"
	case strings.ContainsFunc(value, func(r rune) bool { return r > unicode.MaxASCII }):
		return "has a character that is not ASCII, such as a typographic quote or a byte order mark"
	case strings.TrimSpace(value) != value:
		return "begins or ends with a space"
	}

	return ""
}
