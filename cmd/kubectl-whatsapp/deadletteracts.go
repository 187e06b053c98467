// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

func (u unanswered) replayCommand(g *global) *cobra.Command {
	var flags actionFlags

	cmd := &cobra.Command{
		Use:   "replay NAME [ID...]",
		Short: "Replay " + u.what,
		Long:  "Replay " + u.what + ", so that the receiver processes them again: by their IDs, by --where, or --all.\n" + whereHelp(replayableHelp),
		Example: g.example(
			u.use+" replay sales ID",
			u.use+" replay sales --where "+u.where,
			u.use+" replay sales --all",
		),
		Args:              g.nameAnd(0, -1),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(nil, func(ctx context.Context, api *receiverapi.Client, args []string) error {
			return u.act(ctx, g.printer(), api, args, flags, consoleapi.JobReplay)
		}),
	}
	flags.add(cmd)

	return cmd
}

func (u unanswered) discardCommand(g *global) *cobra.Command {
	var flags actionFlags

	cmd := &cobra.Command{
		Use:   "discard NAME [ID...]",
		Short: "Discard " + u.what + " permanently",
		Long:  "Discard " + u.what + " permanently: by their IDs, by --where, or --all.\n" + whereHelp(replayableHelp),
		Example: g.example(
			u.use+" discard sales ID",
			u.use+" discard sales --where "+u.where+" --yes",
		),
		Args:              g.nameAnd(0, -1),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(nil, func(ctx context.Context, api *receiverapi.Client, args []string) error {
			return u.act(ctx, g.printer(), api, args, flags, consoleapi.JobDiscard)
		}),
	}
	flags.add(cmd)
	cmd.Flags().BoolVarP(&flags.yes, "yes", "y", false, "skip the confirmation")

	return cmd
}

// actionFlags select what a command acts on.
type actionFlags struct {
	selected where
	all      bool
	yes      bool
}

func (f *actionFlags) add(cmd *cobra.Command) {
	f.selected.addFlag(cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "act on all of them")
	cmd.MarkFlagsMutuallyExclusive("where", "all")
}

// verbs are what the jobs have done.
var verbs = map[consoleapi.JobKind]string{
	consoleapi.JobReplay:  "replayed",
	consoleapi.JobDiscard: "discarded",
}

// act replays or discards the events with the ids, or the events that the flags select.
func (u unanswered) act(
	ctx context.Context,
	p *output.Printer,
	api *receiverapi.Client,
	ids []string,
	flags actionFlags,
	kind consoleapi.JobKind,
) error {
	isSelection := flags.all || len(flags.selected.pairs) > 0

	switch {
	case len(ids) > 0 && isSelection:
		return output.Usage("Leave out one of both.", "the IDs and --where or --all exclude each other")
	case len(ids) > 0:
		return u.actOnIDs(ctx, p, api, ids, flags.yes, kind)
	case !isSelection:
		return output.Usage("Name IDs, select events with --where code=131026, or take --all.", "there is nothing to %s", kind)
	}

	u, filter, err := u.filter(&flags.selected)
	if err != nil {
		return err
	}

	return u.applyToSelection(ctx, p, api, filter, flags.yes, kind)
}

// actionResult is the result of a command that replays or discards.
type actionResult struct {
	Act   consoleapi.JobKind `json:"act"`
	Count int64              `json:"count"`
}

func (u unanswered) actOnIDs(
	ctx context.Context,
	p *output.Printer,
	api *receiverapi.Client,
	ids []string,
	yes bool,
	kind consoleapi.JobKind,
) error {
	if kind == consoleapi.JobDiscard {
		if err := p.Confirm(ctx, yes, fmt.Sprintf("Discard %d of the %s?", len(ids), u.what)); err != nil {
			return err
		}
	}

	act := api.Replay
	if kind == consoleapi.JobDiscard {
		act = api.Discard
	}

	for i, id := range ids {
		if err := act(ctx, id); err != nil {
			return fmt.Errorf("%s %s, after %d of %d: %w", kind, id, i, len(ids), err)
		}
	}

	return printAct(p, kind, int64(len(ids)))
}

func (u unanswered) applyToSelection(
	ctx context.Context,
	p *output.Printer,
	api *receiverapi.Client,
	filter receiverapi.Filter,
	yes bool,
	kind consoleapi.JobKind,
) error {
	selected, err := countSelected(ctx, api, filter)
	if err != nil {
		return err
	}

	if selected.events == 0 {
		return printAct(p, kind, 0)
	}

	start := func(expected *int64) error {
		progress := p.Progress()

		job, err := api.Bulk(ctx, kind, filter, expected, func(job consoleapi.Job) {
			progress.Update("%s %d of %s", verbs[kind], job.Done, selected)
		})

		progress.End()

		if err != nil {
			return err
		}

		return printAct(p, kind, job.Done)
	}

	if kind != consoleapi.JobDiscard || yes {
		return start(nil)
	}

	for { // an answer holds for no more events than its question named
		if err := p.Confirm(ctx, yes, u.discardQuestion(selected)); err != nil {
			return err
		}

		err := start(&selected.events)
		if _, ok := errors.AsType[*receiverapi.GrownError](err); !ok {
			if err == nil && selected.isCut {
				p.Note("There may be more %s: repeat the command for the rest.", u.what)
			}

			return err
		}

		p.Note("There are more %s now. Nothing was discarded.", u.what)

		selected, err = countSelected(ctx, api, filter)
		if err != nil {
			return err
		}
	}
}

// discardQuestion returns the question before a discard. The answer to it holds for no more events than it names.
func (u unanswered) discardQuestion(selected eventCount) string {
	if selected.isCut {
		return fmt.Sprintf("Discard %d of %s %s?", selected.events, selected, u.what)
	}

	return fmt.Sprintf("Discard %d %s?", selected.events, u.what)
}

// eventCount is the number of the events that a filter selects.
type eventCount struct {
	events int64
	isCut  bool // there may be further causes, whose events are not counted
}

// String returns the number in words.
func (c eventCount) String() string {
	if c.isCut {
		return fmt.Sprintf("at least %d", c.events)
	}

	return fmt.Sprint(c.events)
}

// countSelected counts the events that a filter selects.
func countSelected(ctx context.Context, api *receiverapi.Client, filter receiverapi.Filter) (eventCount, error) {
	causes, err := api.Causes(ctx, filter)
	if err != nil {
		return eventCount{}, err
	}

	return eventCount{events: causes.Total(), isCut: causes.IsCut()}, nil
}

func printAct(p *output.Printer, kind consoleapi.JobKind, count int64) error {
	return p.Result(actionResult{
		Act:   kind,
		Count: count,
	}, func() { p.Printf("%d %s.\n", count, verbs[kind]) })
}
