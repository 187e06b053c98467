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
		"events --address http://localhost:1 --where state=dead,human":                  "state=dead|human",
		"events --address http://localhost:1 --where received_after=-2h":                "is not a time",
	} {
		got := runTool(t, strings.Fields(args)...)
		if got.code != output.CodeUsage || !strings.Contains(got.err, want) || got.out != "" {
			t.Errorf("kubectl whatsapp %s: exit code %d, output %q, errors %q, want 2 and %q", args, got.code, got.out, got.err, want)
		}
	}
}

// TestFlagsThatMeanNothing gives flags that a command would ignore. No cluster and no receiver is called.
func TestFlagsThatMeanNothing(t *testing.T) {
	for args, want := range map[string]string{
		"events sales ID --limit 5":                                                        "--limit means nothing here: it is for lists of events",
		"events sales ID --before 42":                                                      "--before means nothing here",
		"events sales ID --watch":                                                          "--watch means nothing here",
		"events ID --address http://localhost:1 --where a=":                                "--where means nothing here",
		"events sales --watch --before 42":                                                 "[before watch] were all set",
		"dead-letters list sales --by-cause --limit 5":                                     "[by-cause limit] were all set",
		"console sales --address http://localhost:1":                                       "--address names the receiver already",
		"simulate --list text":                                                             "--list lists all types",
		"simulate --list --to http://localhost:1":                                          "--to means nothing here: --list only lists the types",
		"simulate text --dry-run --duplicates":                                             "--duplicates means nothing here",
		"simulate text --app-secret-file a --app-secret-env A --dry-run":                   "were all set",
		"simulate text --dry-run --address http://localhost:1":                             "--address means nothing here",
		"lint - --address http://localhost:1":                                              "--address means nothing here",
		"bridge test http://localhost:1 --signing-key a":                                   "without --signature-header nothing is signed",
		"bridge test http://localhost:1 --later-text a":                                    "without --later-url later answers are not tested",
		"bridge test http://localhost:1 --flow --auth-scheme None --key a":                 "with --auth-scheme None no key is sent",
		"listen sales --forward-to http://a --flow --auth-scheme None --key a":             "with --auth-scheme None no key is sent",
		"report --address http://localhost:1 --lines 5":                                    "--lines means nothing here",
		"report sales --lines 0":                                                           "--lines 0 is not a number of lines",
		"logs sales --tail -2":                                                             "--tail -2 is not a number of lines",
		"conversations show --address http://localhost:1 ID --messages 501":                "Give a number from 1 to 500.",
		"conversations show --address http://localhost:1 ID --messages 0":                  "--messages 0 cannot be shown",
		"conversations takeover --address http://localhost:1 ID --for 1ms":                 "Write a time from 1s to 720h",
		"conversations takeover --address http://localhost:1 ID --for 0":                   "--for 0s is too short or too long",
		"conversations takeover --address http://localhost:1 ID --for 721h":                "--for 721h0m0s is too short or too long",
		"bridge test http://localhost:1 --method image --later-url http://a --later-key b": "Add --method text",
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
