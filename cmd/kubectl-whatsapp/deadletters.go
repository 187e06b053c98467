// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func newDeadLettersCommand(g *global) *cobra.Command {
	return unanswered{
		use:   "dead-letters",
		what:  "dead letters",
		state: "dead",
		why:   "Dead letters are events that failed permanently.",
		where: "code=131026",
	}.command(g)
}

func newQuarantineCommand(g *global) *cobra.Command {
	return unanswered{
		use:   "quarantine",
		what:  "quarantined events",
		state: "quarantined",
		why:   "Quarantined events are of phone numbers that the resource does not serve: see spec.cloudAPI.phoneNumberIDs.",
		where: "number=106540352242922",
	}.command(g)
}

func (u unanswered) command(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     u.use,
		Short:   "Show " + u.what + " and their causes, replay or discard them",
		Long:    "Show " + u.what + " and their causes, replay or discard them. " + u.why,
		Example: g.example(u.use+" list sales --by-cause", u.use+" replay sales --where "+u.where),
	}
	cmd.AddCommand(u.listCommand(g), u.showCommand(g), u.replayCommand(g), u.discardCommand(g))

	return cmd
}

func (u unanswered) listCommand(g *global) *cobra.Command {
	var (
		selected where
		limit    int
		byCause  bool
	)

	cmd := &cobra.Command{
		Use:               "list NAME",
		Short:             "List " + u.what + ", or their causes",
		Long:              "List " + u.what + " in the order in which they were received, or count them by cause.\n" + whereHelp(replayableHelp),
		Example:           g.example(u.use+" list sales", u.use+" list sales --by-cause", u.use+" list sales --where "+u.where),
		Args:              g.nameAnd(0, 0),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(nil, func(ctx context.Context, api *receiverapi.Client, _ []string) error {
			u, filter, err := u.filter(&selected)
			if err != nil {
				return err
			}

			if byCause {
				return u.listCauses(ctx, g.printer(), api, filter)
			}

			return u.list(ctx, g.printer(), api, filter, limit)
		}),
	}

	selected.addFlag(cmd)
	cmd.Flags().IntVar(&limit, "limit", 100, "the `number` of events")
	cmd.Flags().BoolVar(&byCause, "by-cause", false, "count the events by phone number and code, the most frequent first")
	cmd.MarkFlagsMutuallyExclusive("by-cause", "limit")

	return cmd
}

func (u unanswered) list(ctx context.Context, p *output.Printer, api *receiverapi.Client, filter receiverapi.Filter, limit int) error {
	if err := checkLimit(limit); err != nil {
		return err
	}

	var read pages

	all := receiverapi.DeadLetterPage{DeadLetters: []consoleapi.DeadLetter{}}

	for len(all.DeadLetters) < limit {
		page, err := api.DeadLetters(ctx, filter, all.Next, min(limit-len(all.DeadLetters), maxPage))
		if err != nil {
			return err
		}

		if err := read.check(len(page.DeadLetters), page.Next == 0 || page.Next > all.Next); err != nil {
			return err
		}

		all.DeadLetters = append(all.DeadLetters, page.DeadLetters...)
		all.Next = page.Next

		if page.Next == 0 {
			break
		}
	}

	return p.Result(all, func() {
		if len(all.DeadLetters) == 0 {
			p.Note("There are no such %s.", u.what)
			return
		}

		p.Table(deadLetterTable(all.DeadLetters))

		if all.Next > 0 {
			p.Note("There are more: raise --limit, or count them with --by-cause.")
		}
	})
}

func deadLetterTable(letters []consoleapi.DeadLetter) output.Table {
	table := output.Table{Headers: []string{"RECEIVED", "STATE", "TYPE", "PERSON", "CODE", "REPLAYS", "ID", "LAST FAILURE"}}

	for _, letter := range letters {
		var code, text string
		if n := len(letter.Failures); n > 0 {
			code = letter.Failures[n-1].Code
			text = letter.Failures[n-1].Text
		}

		kind := letter.Type
		if letter.Kind != "message" {
			kind = string(letter.Kind) + " " + letter.Type
		}

		table.Add(
			output.C(output.Time(letter.ReceivedAt)),
			output.Cell{Text: string(letter.State), Tone: stateTones[string(letter.State)]},
			output.C(kind),
			output.C(letter.Person),
			output.C(code),
			output.C(fmt.Sprint(letter.Replays)),
			output.C(letter.ID),
			output.C(text),
		)
	}

	return table
}

func (u unanswered) listCauses(ctx context.Context, p *output.Printer, api *receiverapi.Client, filter receiverapi.Filter) error {
	page, err := api.Causes(ctx, filter)
	if err != nil {
		return err
	}

	return p.Result(page, func() {
		if len(page.Causes) == 0 {
			p.Note("There are no such %s.", u.what)
			return
		}

		table := output.Table{Headers: []string{"COUNT", "CODE", "NUMBER", "FIRST", "LAST", "NEWEST"}}

		for _, cause := range page.Causes {
			table.Add(
				output.C(fmt.Sprint(cause.Count)),
				output.C(cmp.Or(cause.Code, store.None)),
				output.C(cmp.Or(cause.PhoneNumberID, store.None)),
				output.C(output.Time(cause.First)),
				output.C(output.Time(cause.Last)),
				output.C(cause.Sample),
			)
		}

		p.Table(table)
		p.Note("Replay those of one cause with: replay NAME --where code=CODE,number=NUMBER")

		if page.IsCut() {
			p.Note("These are the %d most frequent causes. There may be more.", store.MaxCauses)
		}
	})
}

func (u unanswered) showCommand(g *global) *cobra.Command {
	var reveal bool

	cmd := &cobra.Command{
		Use:               "show NAME ID",
		Short:             "Show why an event was not answered",
		Example:           g.example(u.use+" show sales ID", u.use+" show sales ID --reveal"),
		Args:              g.nameAnd(1, 1),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(&reveal, func(ctx context.Context, api *receiverapi.Client, args []string) error {
			letter, err := api.DeadLetter(ctx, args[0])
			if err != nil {
				return err
			}

			p := g.printer()

			return p.Result(letter, func() { printDeadLetter(p, letter) })
		}),
	}

	cmd.Flags().BoolVar(&reveal, "reveal", false, revealUsage)

	return cmd
}

func printDeadLetter(p *output.Printer, letter consoleapi.DeadLetter) {
	p.Printf("%s  %s\n\n", p.Paint(output.Bold, strings.TrimSpace(string(letter.Kind)+" "+output.CleanLine(letter.Type))),
		p.Paint(stateTones[string(letter.State)], string(letter.State)))
	p.Fields(
		[2]string{"ID", letter.ID},
		[2]string{"Person", letter.Person},
		[2]string{"Conversation", letter.Conversation},
		[2]string{"Phone number", letter.PhoneNumberID},
		[2]string{"Received", output.Time(letter.ReceivedAt)},
		[2]string{"Ended", output.Time(letter.FinishedAt)},
		[2]string{"Replays", fmt.Sprint(letter.Replays)},
		[2]string{"Payload", string(letter.Payload)},
	)

	for _, failure := range letter.Failures {
		p.Printf("\n%s  %s %s\n", p.Paint(output.Bold, output.Time(failure.At)), p.Paint(output.Bad, failure.Class), output.CleanLine(failure.Code))
		p.Printf("  %s\n", output.CleanLine(failure.Text))
	}
}
