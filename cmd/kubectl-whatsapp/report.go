// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/buildinfo"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/report"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// reportResult is the result of the command report.
type reportResult struct {
	File string `json:"file"`
	report.Index
}

func newReportCommand(g *global) *cobra.Command {
	var (
		file  string
		lines int64
	)

	cmd := &cobra.Command{
		Use:   "report NAME",
		Short: "Make a bundle for a bug report, without secrets and personal data",
		Long: `Make a bundle for a bug report, without secrets and personal data.

It has the resource, its objects, pods and events, the last lines of the logs of receivers and operator, and the state, the
configuration, the metrics and the causes of dead letters of a receiver. Values of Secrets are never read. Phone numbers,
message ids, tokens, credentials and the queries of URLs are masked, and there are no texts of people. Look through the files
before you publish them: a key in the path of a URL stays. What you may not read is missing; the file index.json says what and
why. With --address the bundle is about a receiver without a cluster.`,
		Example:           g.example("report sales", "report sales -f sales.zip --lines 5000", "report --address http://localhost:9091"),
		Args:              g.nameAnd(0, 0),
		ValidArgsFunction: g.webhookNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLines(cmd, g, lines); err != nil {
				return err
			}

			if file == "" {
				file = "whatsapp-webhook-report-" + time.Now().UTC().Format("20060102T150405Z") + ".zip"
			}

			index, err := writeReport(cmd.Context(), g, args, file, lines)
			if err != nil {
				return err
			}

			p := g.printer()

			return p.Result(reportResult{file, index}, func() {
				p.Printf("%s has %s. Look through them before you publish them.\n", file, output.Count(len(index.Files), "file"))

				for _, missing := range index.Missing {
					p.Warn("%s is missing: %s", missing.What, missing.Why)
				}
			})
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` to write, which must not exist; defaults to a name with the time")
	cmd.Flags().Int64Var(&lines, "lines", 2000, "last `lines` of each log")

	return cmd
}

// checkLines checks the lines of the logs, of which a receiver without a cluster shows none.
func checkLines(cmd *cobra.Command, g *global, lines int64) error {
	if lines < 1 {
		return output.Usage("Give a positive number.", "--lines %d is not a number of lines", lines)
	}

	if g.address != "" {
		return refuse(cmd, "logs are read in a cluster, not from --address", "lines")
	}

	return nil
}

// writeReport writes the bundle, and removes the file after an error.
func writeReport(ctx context.Context, g *global, args []string, file string, lines int64) (report.Index, error) {
	called, _, err := g.receiver(ctx, args)
	if err != nil {
		return report.Index{}, err
	}
	defer called.Close()

	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return report.Index{}, output.Usage("Name another file with -f.", "%s exists already", file)
	}

	if err != nil {
		return report.Index{}, output.Usage("Name a file in a folder that you may write to with -f.", "create the file: %w", err)
	}

	index, err := g.report(ctx, called, out, lines)
	if err := errors.Join(err, out.Close()); err != nil {
		return report.Index{}, errors.Join(err, os.Remove(file))
	}

	return index, nil
}

func (g *global) report(ctx context.Context, called *receiver, out io.Writer, lines int64) (report.Index, error) {
	bundle := report.New(out, called.Name, buildinfo.Read(version))
	source := report.Receiver{
		HTTP:    called.HTTP,
		Console: called.URL,
		Header:  http.Header{consoleapi.ActorHeader: []string{called.Actor}},
	}
	p := g.printer()

	if called.forward != nil {
		found, err := g.cluster()
		if err != nil {
			return report.Index{}, err
		}

		if _, err := found.Webhook(ctx, called.Name); err != nil {
			return report.Index{}, err
		}

		p.Note("Reading the cluster …")
		bundle.Cluster(ctx, found, called.Name, lines)

		source.Admin = adminURL
	}

	p.Note("Reading a receiver …")
	bundle.Receiver(ctx, source)

	if err := ctx.Err(); err != nil {
		return report.Index{}, err
	}

	index, err := bundle.Close()
	if err != nil {
		return report.Index{}, fmt.Errorf("write the bundle: %w", err)
	}

	if called.forward == nil && len(index.Files) == 0 {
		return report.Index{}, output.Unreachable("Check that a receiver listens there: its console port is listen.console of its configuration.",
			"the receiver at %s says nothing: %s", called.URL, index.Missing[0].Why)
	}

	return index, nil
}
