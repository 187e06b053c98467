// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

const (
	leftOut = "[left out]"
	// shownDigits is how many of the last digits of a number stay, so that two numbers differ.
	shownDigits = 4
	// minOpaque is the length from which a mix of letters and digits is taken for a secret.
	minOpaque = 24
)

// rules replace secrets and personal data. They are applied in order, to every text of a bundle.
var rules = []struct {
	pattern *regexp.Regexp
	replace func(match string) string
}{
	{regexp.MustCompile(`(?s)-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|$)`), constant("[PEM]")},
	{regexp.MustCompile(`(?i)wamid[.:_=]?[\w+/=.\-]*`), constant("[message id]")},
	// A query may hold a key under any name. The path stays, so that addresses can be compared. Slashes may be escaped.
	{regexp.MustCompile(`:\\?/\\?/[^\s"?]*\?[^\s"]+`), beforeQuery},
	{regexp.MustCompile(`:\\?/\\?/[^/?\s"]+@`), constant("://" + leftOut + "@")},
	{regexp.MustCompile(`(?i)\b(bearer|basic|apikey|accesskey|token)( +|: *)[^\s"',;]{6,}`), constant("[credential]")},
	{regexp.MustCompile(`(?i)\b[\w.\-]*(token|secret|password|passwd|signature|proof|api_?key|access_?key)=[^\s&"',;]+`), afterEquals},
	{regexp.MustCompile(`\beyJ[\w\-]+\.[\w\-]+(\.[\w\-]+)?`), constant("[token]")},
	{regexp.MustCompile(`\bEAA[A-Za-z0-9]{8,}`), constant("[token]")},
	{regexp.MustCompile(`[\w.+\-]+@[\w\-]+\.[\w.\-]+`), constant("[address]")},
	{regexp.MustCompile(`\b[A-Z]{2}(\.[A-Z]+)*\.\d{4,}[\w.]*`), constant("[user id]")},
	{regexp.MustCompile(`[A-Za-z0-9+/_=\-]{24,}`), opaque},
	{regexp.MustCompile(`(?:\b|_)\d(?:[ ().\-]{0,2}\d){7,18}(?:\b|_)`), digits},
}

func constant(text string) func(string) string { return func(string) string { return text } }

func beforeQuery(match string) string {
	address, _, _ := strings.Cut(match, "?")

	return address + "?" + leftOut
}

func afterEquals(match string) string {
	name, _, _ := strings.Cut(match, "=")

	return name + "=" + leftOut
}

// opaque replaces a text that looks like a random one: it has upper and lower case letters and digits. Hashes in hexadecimal,
// names and paths stay.
func opaque(match string) string {
	var upper, lower, digit bool

	for _, r := range match {
		upper = upper || unicode.IsUpper(r)
		lower = lower || unicode.IsLower(r)
		digit = digit || unicode.IsDigit(r)
	}

	if len(match) >= minOpaque && upper && lower && digit {
		return leftOut
	}

	return match
}

// dateTime matches dates and times, which have as many digits as a phone number.
var dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d|^\d{1,3}(\.\d{1,3}){3}$|^\d+\.\d+$`)

// digits masks what may be a phone number, and the ID of one.
func digits(match string) string {
	if dateTime.MatchString(match) {
		return match
	}

	var only strings.Builder

	for _, r := range match {
		if unicode.IsDigit(r) {
			only.WriteRune(r)
		}
	}

	masked := "…" + only.String()[only.Len()-shownDigits:]
	if strings.HasPrefix(match, "_") {
		masked = "_" + masked
	}

	return masked
}

// redact returns a text without secrets and personal data.
func redact(text string) string {
	for _, rule := range rules {
		text = rule.pattern.ReplaceAllStringFunc(text, rule.replace)
	}

	return text
}

// quoted matches a string in JSON, and the value of a label of a metric.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// redactQuoted redacts the strings only: numbers of JSON and of metrics are figures.
func redactQuoted(text []byte) []byte {
	return quoted.ReplaceAllFunc(text, func(match []byte) []byte {
		var decoded string
		if err := json.Unmarshal(match, &decoded); err != nil {
			return []byte(`"` + redact(string(match[1:len(match)-1])) + `"`)
		}

		encoded, err := marshal(redact(decoded))
		if err != nil {
			return []byte(`"` + leftOut + `"`)
		}

		return bytes.TrimSpace(encoded)
	})
}

// redactLog redacts the lines of a log, which are JSON or not.
func redactLog(text []byte) []byte {
	var all bytes.Buffer

	for line := range bytes.Lines(text) {
		if json.Valid(line) {
			all.Write(redactQuoted(line))
		} else {
			all.WriteString(redact(string(line)))
		}
	}

	return all.Bytes()
}
