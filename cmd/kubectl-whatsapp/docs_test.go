// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/docs"
)

// TestCommandsInDocs parses each command of the tool that a page shows: its name, flags and arguments.
func TestCommandsInDocs(t *testing.T) {
	commands, err := docs.AllCommands(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	parsed := 0

	for _, command := range commands {
		args := toolArguments(command.Words)
		if args == nil {
			continue
		}

		parsed++

		if err := parseArguments(args); err != nil {
			t.Errorf("%s: %s: %v", command.Block, strings.Join(command.Words, " "), err)
		}
	}

	if parsed < 40 {
		t.Errorf("parsed %d commands, want at least 40", parsed)
	}
}

// toolArguments returns the arguments of a command of the tool, and nil of another one.
func toolArguments(words []string) []string {
	for _, tool := range [][]string{
		{"whatsapp-webhook"},
		{"kubectl-whatsapp"},
		{"bin/whatsapp-webhook"},
		{"kubectl", "whatsapp"},
		{"go", "run", "./cmd/kubectl-whatsapp"},
	} {
		if len(words) >= len(tool) && slices.Equal(words[:len(tool)], tool) {
			return append([]string{}, words[len(tool):]...)
		}
	}

	return nil
}

// parseArguments returns the error that the command line would end with before the command runs.
func parseArguments(args []string) error {
	root := newRoot(&global{
		name: "whatsapp-webhook",
		in:   strings.NewReader(""),
		out:  io.Discard,
		err:  io.Discard,
	})

	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}

	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}

	rest = cmd.Flags().Args()
	if cmd.HasSubCommands() && len(rest) > 0 {
		return fmt.Errorf("%s has no command %s", cmd.CommandPath(), rest[0])
	}

	if err := cmd.ValidateArgs(rest); err != nil {
		return err
	}

	return cmd.ValidateRequiredFlags()
}

func TestParseArguments(t *testing.T) {
	for args, valid := range map[string]bool{
		"status sales --watch":       true,
		"dead-letters list sales":    true,
		"dead-letters lists sales":   false,
		"status sales --wach":        false,
		"nothing":                    false,
		"events sales id another id": false,
	} {
		if err := parseArguments(strings.Fields(args)); (err == nil) != valid {
			t.Errorf("%s: %v, want valid %t", args, err, valid)
		}
	}
}
