// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// showEvent writes the details of an event as a timeline.
func showEvent(ctx context.Context, p *output.Printer, api *receiverapi.Client, id string) error {
	detail, err := api.Event(ctx, id)
	if err != nil {
		return err
	}

	return p.Result(detail, func() { printEvent(p, detail) })
}

func printEvent(p *output.Printer, detail consoleapi.EventDetail) {
	title := strings.TrimSpace(string(detail.Kind) + " " + detail.Type)
	p.Printf("%s  %s\n\n", p.Paint(output.Bold, output.CleanLine(title)),
		p.Paint(stateTones[string(detail.State)], string(detail.State)))

	person := detail.Person
	if detail.Name != "" {
		person = detail.Name
	}

	p.Fields(
		[2]string{"ID", detail.ID},
		[2]string{"Person", person},
		[2]string{"Conversation", detail.Conversation},
		[2]string{"Phone number", detail.PhoneNumberID},
		[2]string{"Attempts", tries(detail.Event)},
		[2]string{"Answered with", detail.CoalescedWith},
		[2]string{"Answers also", strings.Join(detail.Coalesced, ", ")},
		[2]string{"Trace", detail.TraceID},
		[2]string{"Text", detail.Text},
	)
	p.Printf("\n")

	table := output.Table{Headers: []string{"TIME", "AFTER", "WHAT"}}

	for i, step := range detail.Steps {
		after := ""
		if i > 0 {
			after = "+" + step.At.Sub(detail.Steps[0].At).Round(time.Millisecond).String()
		}

		table.Add(
			output.C(step.At.UTC().Format("2006-01-02T15:04:05.000Z")),
			output.C(after),
			output.Cell{Text: stepText(step), Tone: stepTone(step)},
		)
	}

	p.Table(table)

	if len(detail.Replies) > 0 {
		p.Printf("\n")
		p.Table(replyTable(detail.Replies))
	}
}

// stepText returns what happened as a text.
func stepText(step consoleapi.Step) string {
	part := "the answer"
	if step.Part != nil {
		part = fmt.Sprintf("part %d of the answer", *step.Part+1)
	}

	switch step.Step {
	case "written":
		return "the person sent it"
	case "received":
		return "stored"
	case "attempt_failed":
		return strings.TrimRight(fmt.Sprintf("attempt failed (%s %s): %s", step.Class, step.Code, step.Text), ": ")
	case "send_started":
		return "began to send " + part
	case "status":
		return fmt.Sprintf("Meta reports %s as %s", part, step.Status)
	case "related":
		return strings.Join(strings.Fields(fmt.Sprintf("caused %s %s %s", step.Kind, step.Type, step.Event)), " ")
	case "finished":
		return "ended as " + step.Status
	default:
		return strings.Join(strings.Fields(strings.ReplaceAll(step.Step, "_", " ")+" "+step.Text), " ")
	}
}

func stepTone(step consoleapi.Step) output.Tone {
	switch step.Step {
	case "attempt_failed":
		return output.Bad
	case "finished":
		return stateTones[step.Status]
	default:
		return output.Plain
	}
}

// replyTable shows the parts of an answer.
func replyTable(replies []consoleapi.EventReply) output.Table {
	table := output.Table{Headers: []string{"PART", "TYPE", "STATE", "RESENDS", "STATUSES", "TEXT"}}

	for _, reply := range replies {
		var statuses []string

		for _, status := range reply.Statuses {
			text := status.Status
			if status.ErrorCode != 0 {
				text += fmt.Sprintf(" (%d)", status.ErrorCode)
			}

			if status.Participant != "" {
				text += " by " + status.Participant
			}

			statuses = append(statuses, text)
		}

		table.Add(
			output.C(strconv.Itoa(reply.Part+1)),
			output.C(reply.Type),
			output.C(string(reply.State)),
			output.C(strconv.Itoa(reply.Resends)),
			output.C(strings.Join(statuses, ", ")),
			output.C(reply.Text),
		)
	}

	return table
}
