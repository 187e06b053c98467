// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// maxPage is the number of entries of the largest page that the receiver answers with.
const maxPage = 500

func newEventsCommand(g *global) *cobra.Command {
	var (
		selected      where
		limit         int
		before        int64
		watch, reveal bool
	)

	cmd := &cobra.Command{
		Use:   "events NAME [ID]",
		Short: "Show the events of a resource, the newest first, or the details of one event",
		Long: "Show the events of a resource, the newest first, or what happened to one since it was received.\n" +
			whereHelp(statesHelp, "  conversation                     the id or the name of a conversation\n"),
		Example: g.example(
			"events sales",
			"events sales --where state=dead,received_after=2h",
			"events sales --watch",
			"events sales 5f0c1d2e3a4b5c6d7e8f901234567890",
		),
		Args:              g.nameAnd(0, 1),
		ValidArgsFunction: g.webhookNames,
		PreRunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || g.address == "" && len(args) == 1 {
				return nil
			}

			return refuse(cmd, "it is for lists of events, and one ID is given", "where", "limit", "before", "watch")
		},
		RunE: g.callReceiver(&reveal, func(ctx context.Context, api *receiverapi.Client, args []string) error {
			filter, err := selected.filter()
			if err != nil {
				return err
			}

			p := g.printer()

			switch {
			case len(args) == 1:
				return showEvent(ctx, p, api, args[0])
			case watch:
				return watchEvents(ctx, p, api, filter, limit)
			default:
				return listEvents(ctx, p, api, filter, before, limit)
			}
		}),
	}

	selected.addFlag(cmd, "conversation")
	cmd.Flags().IntVar(&limit, "limit", 20, "the `number` of events")
	cmd.Flags().Int64Var(&before, "before", 0, "continue before the event with this `seq`, which the end of a list names")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "print new events and changes until Ctrl-C")
	cmd.Flags().BoolVar(&reveal, "reveal", false, revealUsage)
	cmd.MarkFlagsMutuallyExclusive("watch", "before")

	return cmd
}

// checkLimit refuses the number of entries of a list that would have none.
func checkLimit(limit int) error {
	if limit < 1 {
		return output.Usage("Give a positive number.", "--limit %d lists nothing", limit)
	}

	return nil
}

// listEvents writes events. A receiver scans a bounded number of events for a page, so that a page may have few or none
// although there are more.
func listEvents(
	ctx context.Context,
	p *output.Printer,
	api *receiverapi.Client,
	filter receiverapi.Filter,
	before int64,
	limit int,
) error {
	if err := checkLimit(limit); err != nil {
		return err
	}

	progress := p.Progress()
	all, err := readEvents(ctx, progress, api, filter, before, limit)

	progress.End()

	if err != nil {
		return err
	}

	return p.Result(all, func() {
		if len(all.Events) == 0 {
			p.Note("There are no such events.")
			return
		}

		p.Table(eventTable(all.Events))

		if all.Next > 0 {
			p.Note("There are more: continue with --before %d.", all.Next)
		}
	})
}

// readEvents reads the pages of up to limit events.
func readEvents(
	ctx context.Context,
	progress *output.Progress,
	api *receiverapi.Client,
	filter receiverapi.Filter,
	before int64,
	limit int,
) (consoleapi.EventPage, error) {
	var read pages

	all := consoleapi.EventPage{Events: []consoleapi.Event{}}

	for all.Next = before; len(all.Events) < limit; {
		page, err := api.Events(ctx, filter, all.Next, min(limit-len(all.Events), maxPage))
		if err != nil {
			return all, err
		}

		if err := read.check(len(page.Events), page.Next == 0 || all.Next == 0 || page.Next < all.Next); err != nil {
			return all, err
		}

		all.Events = append(all.Events, page.Events...)
		all.Next = page.Next
		all.SearchedTo = page.SearchedTo
		all.SearchedToAt = page.SearchedToAt

		if page.Next == 0 {
			break
		}

		if at := page.SearchedToAt; at != nil {
			progress.Update("searched back to %s: %d found", output.Time(*at), len(all.Events))
		}
	}

	return all, nil
}

// stateTones are the colors of the states of events.
var stateTones = map[string]output.Tone{
	"pending":     output.Warning,
	"done":        output.Good,
	"skipped":     output.Faint,
	"expired":     output.Bad,
	"dead":        output.Bad,
	"quarantined": output.Bad,
	"discarded":   output.Faint,
}

func eventTable(events []consoleapi.Event) output.Table {
	table := output.Table{Headers: []string{"RECEIVED", "KIND", "TYPE", "STATE", "CODE", "TRIES", "PERSON", "ID"}}

	for _, event := range events {
		person := event.Person
		if event.Name != "" {
			person = event.Name
		}

		table.Add(
			output.C(output.Time(event.ReceivedAt)),
			output.C(string(event.Kind)),
			output.C(event.Type),
			output.Cell{Text: string(event.State), Tone: stateTones[string(event.State)]},
			output.C(event.Code),
			output.C(tries(event)),
			output.C(person),
			output.C(event.ID),
		)
	}

	return table
}

// tries returns the attempts that failed and the replays of an event.
func tries(event consoleapi.Event) string {
	switch {
	case event.Attempts == 0 && event.Replays == 0:
		return ""
	case event.Replays == 0:
		return fmt.Sprint(event.Attempts)
	default:
		return fmt.Sprintf("%d, replayed %d", event.Attempts, event.Replays)
	}
}
