// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/logs"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// logsFlags are the flags of the command logs.
type logsFlags struct {
	follow   bool
	previous bool
	tail     int64
	since    time.Duration
}

func newLogsCommand(g *global) *cobra.Command {
	var f logsFlags

	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show the logs of all receivers of a resource",
		Long: "Show the logs of all receivers of a resource, each line with its pod. With --follow, receivers that come later\n" +
			"and containers that restart are followed too. -o json writes the lines as the receivers wrote them, and -o yaml each as\n" +
			"a document of YAML.",
		Example: g.example(
			"logs sales --since 10m",
			"logs sales -f",
			"logs sales -o json | jq 'select(.level == \"ERROR\")'",
		),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: g.webhookNames,
		RunE:              func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), g, args[0]) },
	}

	cmd.Flags().BoolVarP(&f.follow, "follow", "f", false, "follow the logs until Ctrl-C, including those of new receivers")
	cmd.Flags().BoolVarP(&f.previous, "previous", "p", false, "the logs of the containers before their last restart")
	cmd.Flags().Int64Var(&f.tail, "tail", -1, "only the last `lines` of each pod")
	cmd.Flags().DurationVar(&f.since, "since", 0, "only lines of this `time`, such as 10m")
	cmd.MarkFlagsMutuallyExclusive("follow", "previous")

	return cmd
}

func (f *logsFlags) run(ctx context.Context, g *global, name string) error {
	if f.since < 0 {
		return output.Usage("Write a time like 10m, or leave it out.", "--since %s is in the future", f.since)
	}

	if f.tail < -1 {
		return output.Usage("Give a number of lines, or leave it out.", "--tail %d is not a number of lines", f.tail)
	}

	if g.address != "" {
		return output.Usage("Read the log where the receiver runs.", "logs reads the logs of a cluster, not of --address")
	}

	found, err := g.cluster()
	if err != nil {
		return err
	}

	p := g.printer()
	reader := &logs.Reader{
		Cluster: found,
		Name:    name,
		Options: cluster.LogOptions{Previous: f.previous},
		Write:   func(line logs.Line) { printLogLine(p, line) },
		Lost:    func(pod, why string) { p.Warn("the log of pod %s: %s", pod, why) },
	}

	if f.tail >= 0 {
		reader.Options.Tail = &f.tail
	}

	if f.since > 0 {
		reader.Options.Since = time.Now().Add(-f.since)
	}

	if f.follow {
		return reader.Follow(ctx)
	}

	return reader.Read(ctx)
}

// levelTones are the colors of the levels of a log.
var levelTones = map[string]output.Tone{
	"DEBUG": output.Faint,
	"WARN":  output.Warning,
	"ERROR": output.Bad,
}

// printLogLine writes a line of a log with its pod. For programs it writes the line as it is, with escaped control characters, or as
// a document of YAML.
func printLogLine(p *output.Printer, line logs.Line) {
	text := strings.TrimRight(line.Text, "\n")

	switch p.Format {
	case output.JSON:
		fmt.Fprintf(p.Out, "%s\n", output.Document([]byte(text)))
		return
	case output.YAML:
		var document any = text
		if json.Valid([]byte(text)) {
			document = json.RawMessage(text)
		}

		_ = p.Line(document, nil) // as for the other formats: a reader that has gone ends the tool

		return
	case output.Text:
	}

	pod := p.Paint(output.Faint, line.Pod)

	entry, ok := logs.Parse(text)
	if !ok {
		p.Printf("%s %s\n", pod, output.CleanLine(text))
		return
	}

	p.Printf("%s %s %s %s %s\n", pod, output.CleanLine(entry.Time),
		p.Paint(levelTones[entry.Level], output.CleanLine(entry.Level)), output.CleanLine(entry.Message),
		p.Paint(output.Faint, output.CleanLine(entry.Attributes)))
}
