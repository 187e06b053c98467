// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build docs

package docs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestCommandsOfOthers lets kubectl and helm parse the commands that the pages show: with --help they check the names of
// subcommands and flags and the values of flags, and call nothing.
func TestCommandsOfOthers(t *testing.T) {
	programs := map[string]string{
		"kubectl": os.Getenv("KUBECTL"),
		"helm":    os.Getenv("HELM"),
	}
	parsed := map[string]int{}

	for _, command := range commands(t) {
		program, words := command.Words[0], command.Words[1:]

		path, other := programs[program]
		if !other || len(words) > 0 && words[0] == "whatsapp" {
			continue
		}

		parsed[program]++

		if err := parseWith(t, path, words); err != nil {
			t.Errorf("%s: %s: %v", command.Block, strings.Join(command.Words, " "), err)
		}
	}

	if parsed["kubectl"] < 20 || parsed["helm"] < 2 {
		t.Errorf("parsed %v, want at least 20 commands of kubectl and 2 of helm", parsed)
	}
}

func TestParseWith(t *testing.T) {
	for command, valid := range map[string]bool{
		"-n messaging get pods -o yaml":                     true,
		"-n messaging get pods --wach":                      false,
		"create secrt generic sales":                        false,
		"wait --for=condition=Ready waw/sales --timeout=5x": false,
		"frobnicate": false,
	} {
		if err := parseWith(t, os.Getenv("KUBECTL"), strings.Fields(command)); (err == nil) != valid {
			t.Errorf("kubectl %s: %v, want valid %t", command, err, valid)
		}
	}
}

func parseWith(t *testing.T, program string, words []string) error {
	t.Helper()

	help := exec.CommandContext(t.Context(), program, append(slices.Clone(words), "--help")...)
	help.Env = []string{"HOME=" + t.TempDir()}

	printed, err := help.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, printed)
	}

	// An unknown subcommand gets the help of its group. The group apply is a command too.
	if strings.Contains(string(printed), "Available Commands:") && !slices.Contains(words, "apply") {
		return errors.New("no such command; the help is that of the group")
	}

	return nil
}
