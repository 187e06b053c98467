// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// record lets bash report each program that a block starts, instead of starting it: no program is found, and bash calls
// this function with the words of the command.
const record = `command_not_found_handle() { printf '%s\0' "$@" "" >&9; }
exec 9>"$RECORD"
`

// variables are the reader's own in a block. placeholder is their value: as long as a key, and in the form of an id.
var variables = regexp.MustCompile(`\$\{?([A-Z][A-Z_]*)`)

const placeholder = "5f0c1d2e3a4b5c6d7e8f901234567890"

// end stands after the last word of each command in the record. No word of the docs is empty.
const end = "\x00\x00"

// Commands returns the words of the commands that the block would run, as bash expands them. It runs none of them. An error
// says why bash cannot read the block.
func Commands(ctx context.Context, block Block) ([][]string, error) {
	folder, err := os.MkdirTemp("", "docs-")
	if err != nil {
		return nil, fmt.Errorf("record the commands of %s: %w", block, err)
	}
	defer os.RemoveAll(folder)

	if err := os.MkdirAll(filepath.Join(folder, ".local", "bin"), 0o700); err != nil {
		return nil, fmt.Errorf("record the commands of %s: %w", block, err)
	}

	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	recorded := filepath.Join(folder, "record")

	bash := exec.CommandContext(ctx, "bash", "--norc", "-e", "-c", record+block.Text+"\nwait\n") //nolint:gosec // a page of ours
	bash.Dir = folder

	for _, variable := range variables.FindAllStringSubmatch(block.Text, -1) {
		bash.Env = append(bash.Env, variable[1]+"="+placeholder)
	}

	bash.Env = append(bash.Env, "PATH="+filepath.Join(folder, "empty"), "HOME="+folder, "RECORD="+recorded)

	var stderr bytes.Buffer

	bash.Stderr = &stderr
	if err := bash.Run(); err != nil {
		return nil, fmt.Errorf("%s: bash cannot read the block: %w\n%s", block, err, stderr.String())
	}

	words, err := os.ReadFile(recorded)
	if err != nil {
		return nil, fmt.Errorf("record the commands of %s: %w", block, err)
	}

	var commands [][]string

	for command := range strings.SplitSeq(strings.TrimSuffix(string(words), end), end) {
		if command != "" {
			commands = append(commands, strings.Split(command, "\x00"))
		}
	}

	return commands, nil
}

// AllCommands returns the commands of all blocks of all pages that a test looks at.
func AllCommands(ctx context.Context) ([]Commanded, error) {
	pages, err := Pages(ctx)
	if err != nil {
		return nil, err
	}

	var (
		all  []Commanded
		errs []error
	)

	for _, page := range pages {
		for _, block := range page.Blocks {
			if _, unchecked := block.Unchecked(); unchecked || block.Language != "sh" {
				continue
			}

			commands, err := Commands(ctx, block)
			if err != nil {
				errs = append(errs, err)
				continue
			}

			for _, words := range commands {
				if words[0] == "sudo" {
					words = words[1:]
				}

				all = append(all, Commanded{
					Block: block,
					Words: words,
				})
			}
		}
	}

	return all, errors.Join(errs...)
}
