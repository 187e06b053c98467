// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import "strings"

// maxLabel bounds the label of a reference link in bytes, as in CommonMark.
const maxLabel = 999

// definition is the address of reference links, as in [1]: https://example.com.
type definition struct {
	address string
	isUsed  bool
}

// writtenDefinition is the place of a definition in the output.
type writtenDefinition struct {
	*definition
	start, end int
}

// collectDefinitions returns the definitions by label. The first of a label counts.
func collectDefinitions(lines []line) map[string]*definition {
	definitions := map[string]*definition{}
	isPossible := true // a definition cannot continue a paragraph

	for _, l := range lines {
		label, address, ok := cutDefinition(strings.TrimSpace(l.text))
		if ok && isPossible && definitions[label] == nil {
			definitions[label] = &definition{address: address}
		}

		isPossible = ok && isPossible || strings.TrimSpace(l.text) == ""
	}

	return definitions
}

// cutDefinition returns the label and the address of a definition. "[Note]: see below" is none.
func cutDefinition(body string) (label, address string, ok bool) {
	if !strings.HasPrefix(body, "[") || strings.HasPrefix(body, "[^") {
		return "", "", false
	}

	end := strings.IndexByte(body, ']')
	if end < 0 || !strings.HasPrefix(body[end:], "]:") {
		return "", "", false
	}

	rest := strings.TrimLeft(body[end+2:], " \t")

	address, length, ok := cutTarget(rest)
	if !ok || !hasScheme(address) || cutTitle(rest[length:]) != "" {
		return "", "", false
	}

	return normalize(body[1:end]), address, true
}

// normalize returns the form in which labels are compared.
func normalize(label string) string { return strings.ToLower(strings.Join(strings.Fields(label), " ")) }

func (c *converter) isDefinition(body string) bool {
	if len(c.paragraph) > 0 || !strings.HasPrefix(body, "[") {
		return false
	}

	label, _, ok := cutDefinition(strings.TrimSpace(body))

	return ok && c.definitions[label] != nil
}

// copyDefinition writes the next line, which is removed at the end if a link has its address.
func (c *converter) copyDefinition() {
	start := len(c.out)
	_, body, _ := cutQuote(c.lines[c.next].text, c.quoteDepth)
	label, _, _ := cutDefinition(strings.TrimSpace(body))

	c.copyLine()

	c.written = append(c.written, writtenDefinition{
		definition: c.definitions[label],
		start:      start,
		end:        len(c.out),
	})
}

// withoutUsedDefinitions returns the output. The links contain the addresses of the definitions that it omits.
func (c *converter) withoutUsedDefinitions() string {
	var kept []byte

	start := 0
	isCut := false

	for _, w := range c.written {
		if w.isUsed {
			kept = append(kept, c.out[start:w.start]...)
			start = w.end
			isCut = true
		}
	}

	if !isCut {
		return string(c.out)
	}

	if start < len(c.out) {
		return string(append(kept, c.out[start:]...))
	}

	return strings.TrimRight(string(kept), "\r\n") // the blank line above the definitions
}
