// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/status"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// severityTones are the colors of severities.
var severityTones = map[status.Severity]output.Tone{
	status.Failing: output.Bad,
	status.Warning: output.Warning,
	status.Fine:    output.Good,
}

// printStatus writes one status with all that is known, or a table of all.
func printStatus(p *output.Printer, all []status.Status, one bool) error {
	if one {
		return p.Result(all[0], func() { printOneStatus(p, all[0]) })
	}

	document := struct {
		Resources []status.Status `json:"resources"`
	}{all}

	return p.Result(document, func() {
		if len(all) == 0 {
			p.Note("There are no WhatsAppWebhooks. Look into other namespaces with -n or -A.")
			return
		}

		p.Table(statusTable(all))
	})
}

func statusTable(all []status.Status) output.Table {
	namespaces := map[string]bool{}
	for _, s := range all {
		namespaces[s.Namespace] = true
	}

	table := output.Table{Headers: []string{
		"NAME", "READY", "REASON", "RECEIVERS", "SUBSCRIPTION", "TOKEN", "PENDING", "OLDEST", "DEAD", "PEOPLE WAIT", "URL",
	}}
	if len(namespaces) > 1 {
		table.Headers = append([]string{"NAMESPACE"}, table.Headers...)
	}

	for _, s := range all {
		row := statusRow(s)
		if len(namespaces) > 1 {
			row = append([]output.Cell{output.C(s.Namespace)}, row...)
		}

		table.Add(row...)
	}

	return table
}

func statusRow(s status.Status) []output.Cell {
	var subscription, token, oldest, waiting string

	if r := s.Report; r != nil {
		subscription = subscriptionText(r)
		token = tokenText(r)

		if r.Backlog != nil {
			oldest = oldestText(r)
			waiting = waitingText(r.WaitingForPeople)
		}
	}

	return []output.Cell{
		{Text: s.Name, Tone: severityTones[s.Severity]},
		output.C(string(s.Ready.Status)),
		output.C(s.Ready.Reason),
		output.C(s.Receivers),
		output.C(subscription),
		output.C(token),
		output.C(count(s.Pending)),
		output.C(oldest),
		output.C(count(s.DeadLetters)),
		output.C(waiting),
		output.C(s.URL),
	}
}

func count(n *int64) string {
	if n == nil {
		return ""
	}

	return strconv.FormatInt(*n, 10)
}

func subscriptionText(r *health.Report) string {
	return strings.ReplaceAll(string(r.Subscription.State), "_", " ")
}

// tokenText says whether Meta accepts the token, and how long it is valid.
func tokenText(r *health.Report) string {
	if r.TokenExpiresAt == nil {
		return string(r.Token)
	}

	left := time.Until(*r.TokenExpiresAt)
	if left <= 0 {
		return "expired"
	}

	return fmt.Sprintf("%s, expires in %s", r.Token, output.Seconds(left.Seconds()))
}

func oldestText(r *health.Report) string {
	if r.Pending == 0 {
		return ""
	}

	return output.Seconds(r.OldestPendingSecs)
}

// printOneStatus writes all that is known of a resource: what needs attention first.
func printOneStatus(p *output.Printer, s status.Status) {
	name := s.Name
	if s.Namespace != "" {
		name = s.Namespace + "/" + name
	}

	readiness := string(s.Ready.Status) + ", " + s.Ready.Reason
	p.Printf("%s  ready: %s\n", p.Paint(output.Bold, name), p.Paint(severityTones[s.Severity], readiness))

	switch {
	case s.Ready.Status == "True" || s.Ready.Message == "":
	case s.IsScaledToZero():
		p.Printf("  – %s\n", output.CleanLine(s.Ready.Message))
	default:
		p.Printf("  %s %s\n", p.Paint(output.Bad, "✗"), output.CleanLine(s.Ready.Message))
	}

	for _, finding := range s.Findings {
		mark := "!"
		if finding.Severity == status.Failing {
			mark = "✗"
		}

		p.Printf("  %s %s: %s\n", p.Paint(severityTones[finding.Severity], mark), output.CleanLine(finding.Subject),
			output.CleanLine(finding.Text))
	}

	if s.Unreachable != "" {
		p.Printf("  %s no receiver answers: %s\n", p.Paint(output.Warning, "!"), output.CleanLine(s.Unreachable))
	}

	p.Printf("\n")

	fields := [][2]string{
		{"URL", s.URL},
		{"Receivers", s.Receivers},
	}

	if s.Report == nil {
		fields = append(fields, [2]string{"Pending", count(s.Pending)}, [2]string{"Dead letters", count(s.DeadLetters)})
	} else {
		fields = append(fields, reportFields(s)...)
	}

	p.Fields(fields...)
}

// reportFields returns what a receiver says of itself.
func reportFields(s status.Status) [][2]string {
	r := s.Report
	fields := [][2]string{
		{"Asked", strings.TrimSpace(s.Pod + " " + r.Version)},
		{"Subscription", subscriptionText(r)},
		{"Token", tokenText(r)},
	}

	if r.Backlog != nil {
		fields = append(fields,
			[2]string{"Pending", backlogText(r.Pending, oldestText(r), "oldest ")},
			[2]string{"Dead letters", strconv.FormatInt(r.DeadLetters, 10)},
			[2]string{"Quarantined", strconv.FormatInt(r.Quarantined, 10)},
			[2]string{"Conversations", fmt.Sprintf("%d active, %d taken over", r.ActiveConversations, r.HumanConversations)},
		)

		if waiting := r.WaitingForPeople; waiting != nil {
			fields = append(fields, [2]string{"People wait", withAge(waitingText(waiting), longestText(waiting), "longest ")})
		}
	}

	m := r.Metrics

	return append(fields, [2]string{
		"Since " + cmp.Or(output.Time(m.Since), "start"),
		fmt.Sprintf("%d received, %d processed, %d failed, %.0f ms on average",
			m.MessagesReceived, m.MessagesProcessed, m.MessagesFailed, m.AvgProcessingTimeMS),
	})
}

// waitingText returns how many persons wait for people, or nothing if the receiver does not say.
func waitingText(waiting *health.WaitingForPeople) string {
	if waiting == nil {
		return ""
	}

	text := strconv.FormatInt(waiting.Conversations, 10)
	if waiting.IsCut {
		text = "at least " + text
	}

	return text
}

func longestText(waiting *health.WaitingForPeople) string {
	if waiting.Conversations == 0 {
		return ""
	}

	return output.Seconds(waiting.OldestSecs)
}

// backlogText returns a count with the age of the oldest.
func backlogText(n int64, age, label string) string {
	return withAge(strconv.FormatInt(n, 10), age, label)
}

// withAge returns a text with the age of the oldest of what it counts, if there is one.
func withAge(text, age, label string) string {
	if age != "" {
		text += ", " + label + age
	}

	return text
}
