// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/checkup"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

// doctorFlags are the flags of the command doctor.
type doctorFlags struct {
	file    string
	secrets string
	only    []string
}

func newDoctorCommand(g *global) *cobra.Command {
	var f doctorFlags

	cmd := &cobra.Command{
		Use:   "doctor NAME | --config FILE",
		Short: "Find out why Meta does not call, and why people are not answered",
		Long: `Find out why Meta does not call, and why people are not answered.

doctor NAME checks the resource and its pods with your rights, the public URL from this machine, and lets a receiver check
the rest: its secrets, the URL as it sees it, the account at Meta, the AI, its connections and its store. doctor --config
FILE makes the checks that need no cluster, with the configuration file of a receiver and its secrets.

Nothing is changed, stored or sent, and the AI is asked nothing. No line shows a secret, a phone number or a text. Each line
that is not ok says how to fix it. The exit code is 1 if there is a failure.`,
		Example: g.example(
			"doctor sales",
			"doctor sales --only public-url,token",
			"doctor sales -o json",
			"doctor --config receiver.yaml --secrets ./secrets",
		),
		Args:              func(cmd *cobra.Command, args []string) error { return f.checkArgs(cmd, g, args) },
		ValidArgsFunction: g.webhookNames,
		RunE:              func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), g, args) },
	}

	cmd.Flags().StringVar(&f.file, "config", "", "configuration `file` of a receiver, instead of a cluster")
	cmd.Flags().StringVar(&f.secrets, "secrets", "", "`folder` of the secrets instead of secretsDir of the file; one subfolder for each role")
	cmd.Flags().StringSliceVar(&f.only, "only", nil, "`names` of checks or groups, separated by commas; -o json shows them")

	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(checkup.Names(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagDirname("secrets")

	return cmd
}

func (f *doctorFlags) checkArgs(cmd *cobra.Command, g *global, args []string) error {
	if f.file == "" {
		return g.nameAnd(0, 0)(cmd, args)
	}

	if len(args) > 0 || g.address != "" {
		return errors.New("--config takes the place of a NAME and of --address")
	}

	return nil
}

func (f *doctorFlags) run(ctx context.Context, g *global, args []string) error {
	if err := checkNames(f.only); err != nil {
		return err
	}

	if (f.file != "" || g.address != "") && !checkup.ReceiverMakes(f.only) {
		return output.Usage("Name other checks, or a resource in a cluster instead of --address or --config.",
			"%s: these checks need a cluster", strings.Join(f.only, ","))
	}

	if f.secrets != "" && f.file == "" {
		return output.Usage("Use it with --config, or leave it out.", "--secrets needs --config")
	}

	report, err := g.examine(ctx, args, f.file, f.secrets, f.only)
	if err != nil {
		return err
	}

	p := g.printer()
	if err := p.Result(report, func() { printReport(p, report) }); err != nil {
		return err
	}

	return verdict(report)
}

// examine runs the checks of a file, of a receiver at an address, or of a resource.
func (g *global) examine(ctx context.Context, args []string, file, secrets string, only []string) (doctor.Report, error) {
	if file != "" {
		return checkup.OfFile(ctx, file, secrets, version, only)
	}

	called, _, err := g.receiver(ctx, args)
	if err != nil {
		return doctor.Report{}, err
	}
	defer called.Close()

	api := &receiverapi.Client{
		HTTP:  called.HTTP,
		URL:   called.URL,
		Actor: called.Actor,
	}
	if g.address != "" {
		return checkup.OfReceiver(ctx, api, only)
	}

	found, err := g.cluster()
	if err != nil {
		return doctor.Report{}, err
	}

	progress := g.printer().Progress()
	defer progress.End()

	progress.Update("Checking %s, up to a minute…", args[0])

	return checkup.OfResource(ctx, found, args[0], api, version, only)
}

// checkNames refuses names that are neither a check nor a group.
func checkNames(only []string) error {
	known := checkup.Names()

	for _, name := range only {
		if !slices.Contains(known, name) {
			return output.Usage("There are: "+strings.Join(known, ", ")+".", "no check and no group has the name %q", name)
		}
	}

	return nil
}

// verdict returns the error of a report with failures, and of one in which nothing could be checked.
func verdict(report doctor.Report) error {
	if report.Failures > 0 {
		return output.ErrVerdict
	}

	isSkipped := func(c doctor.Check) bool { return c.State == doctor.Skipped }
	if len(report.Checks) > 0 && !slices.ContainsFunc(report.Checks, func(c doctor.Check) bool { return !isSkipped(c) }) {
		return output.Unreachable("The lines above name the missing parts.", "nothing could be checked")
	}

	return nil
}
