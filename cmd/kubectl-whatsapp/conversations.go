// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

func newConversationsCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "conversations",
		Aliases: []string{"conversation"},
		Short:   "Show conversations and who has them, take them over, give them back",
		Long: "Show conversations and who has them, take them over and give them back to the AI, export or erase one person.\n" +
			"A conversation is named by its ID, which reveals no one, or by its full name.",
		Example: g.example(
			"conversations list sales --state waiting",
			"conversations give-back sales ID",
		),
	}
	cmd.AddCommand(
		newConversationListCommand(g),
		newConversationShowCommand(g),
		newGiveBackCommand(g),
		newTakeOverCommand(g),
		newExportCommand(g),
		newEraseCommand(g),
	)

	return cmd
}

func newConversationListCommand(g *global) *cobra.Command {
	var (
		state  string
		limit  int
		reveal bool
	)

	cmd := &cobra.Command{
		Use:   "list NAME",
		Short: "List conversations",
		Long: "List conversations: all, by last activity; those with a takeover (taken_over); or the taken-over conversations whose person\n" +
			"waits for an answer (waiting).",
		Example:           g.example("conversations list sales", "conversations list sales --state waiting"),
		Args:              g.nameAnd(0, 0),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(&reveal, func(ctx context.Context, api *receiverapi.Client, _ []string) error {
			return listConversations(ctx, g.printer(), api, state, limit)
		}),
	}

	cmd.Flags().StringVar(&state, "state", "all", "all, taken_over or waiting")
	cmd.Flags().IntVar(&limit, "limit", 100, "the `number` of conversations")
	cmd.Flags().BoolVar(&reveal, "reveal", false, revealUsage)

	_ = cmd.RegisterFlagCompletionFunc("state",
		cobra.FixedCompletions([]cobra.Completion{"all", "taken_over", "waiting"}, cobra.ShellCompDirectiveNoFileComp))

	return cmd
}

func listConversations(ctx context.Context, p *output.Printer, api *receiverapi.Client, state string, limit int) error {
	if err := checkLimit(limit); err != nil {
		return err
	}

	var read pages

	all := consoleapi.ConversationPage{Conversations: []consoleapi.Conversation{}}

	for len(all.Conversations) < limit {
		page, err := api.Conversations(ctx, state, all.Next, min(limit-len(all.Conversations), maxPage))
		if err != nil {
			return err
		}

		if err := read.check(len(page.Conversations), page.Next == "" || page.Next != all.Next); err != nil {
			return err
		}

		all.Conversations = append(all.Conversations, page.Conversations...)
		all.Next = page.Next

		if page.Next == "" {
			break
		}
	}

	return p.Result(all, func() {
		if len(all.Conversations) == 0 {
			p.Note("There are no such conversations.")
			return
		}

		p.Table(conversationTable(all.Conversations, time.Now()))

		if all.Next != "" {
			p.Note("There are more: raise --limit.")
		}
	})
}

func conversationTable(conversations []consoleapi.Conversation, now time.Time) output.Table {
	table := output.Table{Headers: []string{"PERSON", "WITH", "SINCE", "WAITS", "LAST MESSAGE", "WINDOW", "NUMBER", "ID"}}

	for _, c := range conversations {
		table.Add(
			output.C(personOf(c)),
			output.Cell{Text: c.By, Tone: holderTone(c)},
			output.C(agoOf(now, c.Since)),
			output.Cell{Text: agoOf(now, c.WaitingSince), Tone: output.Warning},
			output.C(agoOf(now, c.LastMessageAt)),
			output.C(windowOf(now, c)),
			output.C(c.PhoneNumberID),
			output.C(c.ID),
		)
	}

	return table
}

// personOf returns the person of a conversation as the receiver shows it, as one line.
func personOf(c consoleapi.Conversation) string {
	person := c.Person
	if c.Name != "" {
		person = c.Name
	}

	if c.Group {
		person += " (group)"
	}

	return output.CleanLine(person)
}

func holderTone(c consoleapi.Conversation) output.Tone {
	if c.TakenOver {
		return output.Warning
	}

	return output.Plain
}

func agoOf(now time.Time, at *time.Time) string {
	if at == nil {
		return ""
	}

	return output.Ago(now, *at)
}

// windowOf says how long the person can be answered without a template.
func windowOf(now time.Time, c consoleapi.Conversation) string {
	switch {
	case c.TemplateRequired:
		return "template required"
	case c.WindowClosesAt == nil:
		return ""
	case c.WindowClosesAt.After(now):
		return output.Seconds(c.WindowClosesAt.Sub(now).Seconds()) + " left"
	default:
		return "closed"
	}
}

func newConversationShowCommand(g *global) *cobra.Command {
	var (
		messages int
		reveal   bool
	)

	cmd := &cobra.Command{
		Use:               "show NAME ID",
		Short:             "Show a conversation with its last messages",
		Example:           g.example("conversations show sales ID", "conversations show sales ID --reveal --messages 50"),
		Args:              g.nameAnd(1, 1),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(&reveal, func(ctx context.Context, api *receiverapi.Client, args []string) error {
			return showConversation(ctx, g.printer(), api, args[0], messages)
		}),
	}

	cmd.Flags().IntVar(&messages, "messages", 20, "the `number` of messages, at most 500")
	cmd.Flags().BoolVar(&reveal, "reveal", false, revealUsage)

	return cmd
}

// shownConversation is the result of the command that shows a conversation.
type shownConversation struct {
	consoleapi.Conversation

	Messages []consoleapi.Message `json:"messages"` // the newest first
}

func showConversation(ctx context.Context, p *output.Printer, api *receiverapi.Client, id string, messages int) error {
	if messages < 1 || messages > maxPage {
		return output.Usage(fmt.Sprintf("Give a number from 1 to %d.", maxPage), "--messages %d cannot be shown", messages)
	}

	conversation, err := api.Conversation(ctx, id)
	if err != nil {
		return err
	}

	page, err := api.Messages(ctx, id, messages)
	if err != nil {
		return err
	}

	shown := shownConversation{
		Conversation: conversation,
		Messages:     page.Messages,
	}

	return p.Result(shown, func() {
		printConversation(p, conversation)
		p.Printf("\n")
		printMessages(p, page.Messages)
	})
}

func printConversation(p *output.Printer, c consoleapi.Conversation) {
	now := time.Now()

	with := c.By
	if c.Since != nil && c.TakenOver {
		with += ", for " + output.Ago(now, *c.Since)
	}

	if c.Until != nil && c.TakenOver {
		with += ", until " + output.Time(*c.Until)
	}

	p.Fields(
		[2]string{"Person", personOf(c)},
		[2]string{"ID", c.ID},
		[2]string{"Phone number", c.PhoneNumberID},
		[2]string{"With", with},
		[2]string{"Reason", c.Reason},
		[2]string{"Handed off by", c.Event},
		[2]string{"Waits for", agoOf(now, c.WaitingSince)},
		[2]string{"Last message", strings.TrimPrefix(agoOf(now, c.LastMessageAt)+" ago", " ago")},
		[2]string{"Window", windowOf(now, c)},
	)
}

// printMessages writes messages as a chat, the oldest first.
func printMessages(p *output.Printer, messages []consoleapi.Message) {
	for _, message := range slices.Backward(messages) {
		if message.From == "person" {
			p.Printf("%s %s\n", p.Paint(output.Faint, output.Time(message.At)), p.Paint(output.Bold, chatLine("person", message.Type, message.Text)))
		}

		from := message.From
		if from == "person" {
			from = "assistant"
		}

		for _, part := range message.Answer {
			at := ""
			if part.At != nil {
				at = output.Time(*part.At)
			}

			p.Printf("%s   %s %s\n", p.Paint(output.Faint, at), chatLine(from, part.Type, part.Text),
				p.Paint(output.Faint, "["+partState(part)+"]"))
		}

		if len(message.Answer) == 0 && message.State != "done" {
			p.Printf("  %s\n", p.Paint(stateTones[string(message.State)], "["+string(message.State)+"]"))
		}
	}
}

func chatLine(from, kind, text string) string {
	line := from + ": " + kind
	if text != "" {
		line += ": " + text
	}

	return output.CleanLine(line)
}

// partState returns the delivery state of a message: the last status of Meta, or the state in the receiver.
func partState(part consoleapi.Part) string {
	if n := len(part.Statuses); n > 0 {
		return part.Statuses[n-1].Status
	}

	return string(part.State)
}
