// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

func newRoot(g *global) *cobra.Command {
	root := &cobra.Command{
		Use:               "whatsapp-webhook",
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: g.name},
		Short:             "Build, run and repair a WhatsApp number with an AI",
		SilenceErrors:     true,
		SilenceUsage:      true,
		Version:           version,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return g.check(cmd) },
	}

	root.SetIn(g.in)
	root.SetOut(g.out)
	root.SetErr(g.err)
	root.SetFlagErrorFunc(flagError)
	g.addFlags(root)

	root.AddCommand(
		newBackupCommand(g),
		newBridgeCommand(g),
		newConsoleCommand(g),
		newConversationsCommand(g),
		newDeadLettersCommand(g),
		newDevCommand(g),
		newDoctorCommand(g),
		newEventsCommand(g),
		newLintCommand(g),
		newListenCommand(g),
		newLogsCommand(g),
		newQuarantineCommand(g),
		newRenderCommand(g),
		newReportCommand(g),
		newSimulateCommand(g),
		newStatusCommand(g),
		newVersionCommand(g),
	)
	group(root)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	prepare(g, root)

	return root
}

// prepare lets each command record that it runs: every error before that is one of usage. A command with subcommands and
// nothing else prints its help.
func prepare(g *global, cmd *cobra.Command) {
	for _, child := range cmd.Commands() {
		prepare(g, child)
	}

	if cmd.Name() == "help" {
		cmd.Args = isCommand
	}

	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}

			return unknownCommand(cmd, args[0])
		}
	}

	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			g.ran = true
			return run(cmd, args)
		}
	}
}

// isCommand is the check of the arguments of the command help, which name a command.
func isCommand(help *cobra.Command, args []string) error {
	found, rest, err := help.Root().Find(args)
	if err == nil && len(rest) > 0 {
		return unknownCommand(found, rest[0])
	}

	return err
}

// usage returns err as an error of usage, unless it has an exit code already.
func usage(cmd *cobra.Command, err error) error {
	if _, known := errors.AsType[*output.Error](err); known {
		return err
	}

	return output.Usage(fmt.Sprintf("Usage: %s\n%s --help explains it.", cmd.UseLine(), cmd.CommandPath()), "%w", err)
}

func unknownCommand(cmd *cobra.Command, name string) error {
	fix := fmt.Sprintf("%s --help lists the commands.", cmd.CommandPath())

	cmd.SuggestionsMinimumDistance = 2
	if similar := cmd.SuggestionsFor(name); len(similar) > 0 {
		fix = fmt.Sprintf("Did you mean %s %s? %s", cmd.CommandPath(), strings.Join(similar, " or "), fix)
	}

	return output.Usage(fix, "unknown command %q of %s", name, cmd.CommandPath())
}

// flagError adds to an error of flags what the person may have meant.
func flagError(cmd *cobra.Command, err error) error {
	fix := fmt.Sprintf("%s --help lists the flags.", cmd.CommandPath())

	missing, ok := errors.AsType[*pflag.NotExistError](err)
	if ok && missing.GetSpecifiedShortnames() == "" {
		if similar := similarFlags(cmd, missing.GetSpecifiedName()); len(similar) > 0 {
			fix = fmt.Sprintf("Did you mean %s? %s", strings.Join(similar, " or "), fix)
		}
	}

	return output.Usage(fix, "%w", err)
}

// similarFlags returns the flags whose names are similar. Cobra compares names of commands, so the flags are made commands.
func similarFlags(cmd *cobra.Command, name string) []string {
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			flags.AddCommand(&cobra.Command{
				Use: flag.Name,
				Run: func(*cobra.Command, []string) {},
			})
		}
	})

	similar := flags.SuggestionsFor(name)
	for i := range similar {
		similar[i] = "--" + similar[i]
	}

	return similar
}
