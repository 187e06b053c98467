// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Level says how much a finding matters.
type Level string

// The levels.
const (
	// LevelError is for what the API server, the operator or the receiver refuses.
	LevelError Level = "error"
	// LevelWarning is for a value that is accepted, and likely a mistake.
	LevelWarning Level = "warning"
)

// Finding is a problem at a place of a file.
type Finding struct {
	File string `json:"file"`
	Line int    `json:"line"`

	Level Level `json:"level"`
	// Resource is the namespace and name of the object.
	Resource string `json:"resource,omitempty"`
	// Field is the path of the field. It is empty if the finding is about the object or the file.
	Field string `json:"field,omitempty"`
	// Message describes the fault. For a refusal of the API server it is the API server's message.
	Message string `json:"message"`
	// Fix says how to fix the fault, if the message does not.
	Fix string `json:"fix,omitempty"`
}

// redundantPrefix matches what the API server puts before a message without the value itself.
var redundantPrefix = regexp.MustCompile(`^Invalid value: (?:(?:"object"|"array"|null): |([a-z]))`)

// String returns the finding as compilers print theirs, so that editors find the place.
func (f Finding) String() string {
	var text strings.Builder

	fmt.Fprintf(&text, "%s:%d: ", f.File, f.Line)

	if f.Level == LevelWarning {
		text.WriteString("warning: ")
	}

	if f.Field != "" {
		text.WriteString(f.Field + ": ")
	}

	message := redundantPrefix.ReplaceAllString(f.Message, "$1")
	text.WriteString(strings.ReplaceAll(message, f.Field+" in body ", ""))

	if f.Fix != "" {
		text.WriteString("; " + f.Fix)
	}

	return text.String()
}

func sortFindings(findings []Finding, files []File) {
	order := map[string]int{}
	for i, file := range files {
		order[file.Name] = i
	}

	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(order[a.File], order[b.File]),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Level, b.Level),
		)
	})
}
