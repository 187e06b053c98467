// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import "strings"

// Run reports whether the docs' test runs the commands of the block.
func (b Block) Run() bool { return b.Language == "sh" && b.Note == "run" }

// Unchecked returns the reason why no test looks at the block.
func (b Block) Unchecked() (reason string, ok bool) {
	reason, ok = strings.CutPrefix(b.Note, "unchecked: ")
	return reason, ok && reason != ""
}

// Commanded is a command of a block.
type Commanded struct {
	Block Block
	Words []string
}
