// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// ranTool is a run of the tool that has ended.
type ranTool struct {
	code int
	out  string
	err  string
}

// runTool runs the tool as a plugin of kubectl.
func runTool(t *testing.T, args ...string) ranTool {
	t.Helper()

	return runToolUntil(t.Context(), args...)
}

// runToolUntil runs the tool until it ends or is interrupted, which is the end of the context.
func runToolUntil(ctx context.Context, args ...string) ranTool {
	var out, err bytes.Buffer

	code := run(ctx, &global{
		name: "kubectl whatsapp",
		in:   strings.NewReader(""),
		out:  &out,
		err:  &err,
	}, args)

	return ranTool{
		code: code,
		out:  out.String(),
		err:  err.String(),
	}
}

func TestWrongUsage(t *testing.T) {
	for args, want := range map[string]string{
		"versio":                    "Did you mean kubectl whatsapp version?",
		"unheard-of":                "kubectl whatsapp --help lists the commands.",
		"version --otput json":      "Did you mean --output?",
		"version --unheard-of":      "kubectl whatsapp version --help lists the flags.",
		"version -o xml":            "Use -o json or -o yaml",
		"version -o":                "flag needs an argument",
		"version now":               "Usage: kubectl whatsapp version",
		"version --address here":    "Write it like http://localhost:9091.",
		"completion powershel":      "Did you mean kubectl whatsapp completion powershell?",
		"help version --unheard-of": "unknown flag",
		"help versio":               "Did you mean kubectl whatsapp version?",
		"help conversations lst":    "Did you mean kubectl whatsapp conversations list?",
		"status sales -A":           "Leave -A out",
		"backup --address http://localhost:1 --file /does/not/exist/x.db": "a folder that exists",
		"backup --address http://localhost:1 --file . --overwrite":        ". is a folder",
		"console sales -A": "Leave -A out",
		"dead-letters discard --address http://localhost:1 --yes --where code=1,code=2": `the key "code" twice`,
		"events --address http://localhost:1 --where state=dead --where state=human":    "state=dead|human",
	} {
		got := runTool(t, strings.Fields(args)...)
		if got.code != output.CodeUsage || !strings.Contains(got.err, want) || got.out != "" {
			t.Errorf("kubectl whatsapp %s: exit code %d, output %q, errors %q, want 2 and %q", args, got.code, got.out, got.err, want)
		}
	}
}

func TestCommandName(t *testing.T) {
	for arg0, want := range map[string]string{
		"/usr/local/bin/kubectl-whatsapp": "kubectl whatsapp",
		"kubectl-whatsapp.exe":            "kubectl whatsapp",
		"kubectl_complete-whatsapp":       "kubectl whatsapp",
		"./bin/whatsapp-webhook":          "whatsapp-webhook",
		"whatsapp-webhook.exe":            "whatsapp-webhook",
	} {
		if got := commandName(arg0); got != want {
			t.Errorf("commandName(%q) = %q, want %q", arg0, got, want)
		}
	}
}

func TestHelpNamesTheCommandAsTyped(t *testing.T) {
	got := runTool(t, "version", "--help")
	if got.code != 0 || !strings.Contains(got.out, "Usage:\n  kubectl whatsapp version") ||
		!strings.Contains(got.out, "  kubectl whatsapp version -o json\n") {
		t.Errorf("exit code %d, help:\n%s", got.code, got.out)
	}
}

func TestCommandsHaveGroupAndExample(t *testing.T) {
	root := newRoot(&global{name: "kubectl whatsapp"})

	for _, cmd := range root.Commands() {
		isOther := slices.Contains([]string{"completion", "help", "version"}, cmd.Name())
		if (cmd.GroupID == "") != isOther {
			t.Errorf("%s is in the group %q of the help", cmd.Name(), cmd.GroupID)
		}

		if cmd.Name() != "completion" && cmd.Name() != "help" {
			checkExample(t, cmd)
		}
	}
}

// checkExample checks that a command has a short text, and examples with the name as typed unless it only has commands.
func checkExample(t *testing.T, cmd *cobra.Command) {
	t.Helper()

	if cmd.Short == "" || !cmd.HasSubCommands() && !strings.Contains(cmd.Example, cmd.CommandPath()+" ") {
		t.Errorf("%s has the text %q and the examples\n%s", cmd.CommandPath(), cmd.Short, cmd.Example)
	}

	for _, child := range cmd.Commands() {
		checkExample(t, child)
	}
}
