// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/status"
)

// pollInterval is the time between two polls of a command that watches.
const pollInterval = 2 * time.Second

func newStatusCommand(g *global) *cobra.Command {
	var watch, allNamespaces bool

	cmd := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show the status of resources and their receivers, the most urgent first",
		Long: "Show the status of resources and their receivers, the most urgent first: all of a namespace as a table, or one\n" +
			"resource in detail. With --watch a terminal shows the present state; elsewhere each change is a line.",
		Example:           g.example("status", "status -A --watch", "status sales"),
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: g.webhookNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.checkAll(args, allNamespaces); err != nil {
				return err
			}

			look, end, err := g.statusReader(args, allNamespaces)
			if err != nil {
				return err
			}
			defer end()

			p := g.printer()
			one := len(args) == 1 || g.address != ""

			if watch {
				return watchStatus(cmd.Context(), p, look, one)
			}

			all, err := look(cmd.Context())
			if err != nil {
				return err
			}

			return printStatus(p, all, one)
		},
	}

	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "update the status until Ctrl-C")
	cmd.Flags().BoolVarP(&allNamespaces, "all-namespaces", "A", false, "the resources of all namespaces")

	return cmd
}

// readStatusFunc reads the status of what a command shows.
type readStatusFunc func(context.Context) ([]status.Status, error)

// statusReader returns how to read the status of what the arguments name, and how to end that.
func (g *global) statusReader(args []string, allNamespaces bool) (look readStatusFunc, end func(), err error) {
	if g.address != "" {
		if len(args) > 0 {
			return nil, nil, errNameAndAddress
		}

		called, _, err := g.receiver(context.Background(), nil)
		if err != nil {
			return nil, nil, err
		}

		return func(ctx context.Context) ([]status.Status, error) {
			s, err := status.OfReceiver(ctx, called.HTTP, called.Name, called.URL+"/v1/status")
			return []status.Status{s}, err
		}, called.Close, nil
	}

	found, err := g.cluster()
	if err != nil {
		return nil, nil, err
	}

	forwards := found.NewPool()
	collector := status.NewCollector(found, forwards)

	switch {
	case len(args) == 1:
		look = func(ctx context.Context) ([]status.Status, error) {
			s, err := collector.One(ctx, args[0])
			return []status.Status{s}, err
		}
	case allNamespaces:
		look = func(ctx context.Context) ([]status.Status, error) { return collector.All(ctx, "") }
	default:
		look = func(ctx context.Context) ([]status.Status, error) { return collector.All(ctx, found.Namespace) }
	}

	return look, forwards.Close, nil
}

// watchStatus shows the status until ctx ends.
func watchStatus(ctx context.Context, p *output.Printer, look readStatusFunc, one bool) error {
	before, err := look(ctx)
	if err != nil {
		return err
	}

	if !p.Interactive() {
		if err := printChanges(p, status.Changes(nil, before, time.Now())); err != nil {
			return err
		}
	}

	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()

	seen := time.Now()

	var unreachable error // the failure of the last poll; the state is then that of an earlier one

	for {
		if err := redrawStatus(p, before, one, seen, unreachable); err != nil {
			return err
		}

		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}

		after, err := look(ctx)

		switch {
		case ctx.Err() != nil:
			return nil
		case output.ExitCode(err) == output.CodeUnreachable: // the API server may come back
			unreachable = err

			if !p.Interactive() {
				p.Warn("%v", err)
			}

			continue
		case err != nil:
			return err
		}

		if !p.Interactive() {
			if err := printChanges(p, status.Changes(before, after, time.Now())); err != nil {
				return err
			}
		}

		before = after
		seen = time.Now()
		unreachable = nil
	}
}

// redrawStatus shows the state that was seen last on a terminal, and why there is no newer one.
func redrawStatus(p *output.Printer, shown []status.Status, one bool, seen time.Time, unreachable error) error {
	if !p.Interactive() {
		return nil
	}

	p.Redraw()

	if err := printStatus(p, shown, one); err != nil {
		return err
	}

	if unreachable != nil {
		p.Printf("\n%s\n", p.Paint(output.Warning, "as of "+output.Time(seen)+": "+output.CleanLine(unreachable.Error())))
	}

	return nil
}

func printChanges(p *output.Printer, changes []status.Change) error {
	for _, change := range changes {
		err := p.Line(change, func() {
			name := change.Name
			if change.Namespace != "" {
				name = change.Namespace + "/" + name
			}

			p.Printf("%s %s %s\n", output.Time(change.At), p.Paint(severityTones[change.Severity], name), output.CleanLine(change.Text))
		})
		if err != nil {
			return err
		}
	}

	return nil
}
