// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/simulate"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func showSimulated(p *output.Printer, r simulate.Result, total int) {
	p.Printf("%d of %d sent: %s acknowledged, %s, %s unanswered\n", r.Sent, total,
		p.Paint(output.Good, fmt.Sprint(r.Acknowledged)),
		p.Paint(toneOf(r.Refused), fmt.Sprintf("%d refused", r.Refused)),
		p.Paint(toneOf(r.Unanswered), fmt.Sprint(r.Unanswered)))

	p.Printf("answered after %s\n", r.Latency)

	for _, status := range refusedStatuses(r) {
		p.Printf("%s  %d times: %s\n", p.Paint(output.Bad, fmt.Sprintf("HTTP %d", status)), r.Statuses[status], refusalFix(status))
	}

	if r.Answer != "" {
		p.Printf("the first refusal says: %s\n", output.CleanLine(r.Answer))
	}
}

func toneOf(bad int) output.Tone {
	if bad > 0 {
		return output.Bad
	}

	return output.Plain
}

func refusedStatuses(r simulate.Result) []int {
	var statuses []int

	for status := range r.Statuses {
		if status != http.StatusOK {
			statuses = append(statuses, status)
		}
	}

	slices.Sort(statuses)

	return statuses
}

// refusalFix returns the meaning of a status of the webhook.
func refusalFix(status int) string {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "the signature is wrong: is it the app secret of the receiver?"
	case status == http.StatusNotFound:
		return "no webhook at this path: it is webhook.path of the configuration, /webhooks/whatsapp by default"
	case status == http.StatusRequestEntityTooLarge:
		return "the body is too large for the receiver, or for the proxy before it"
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return "the receiver sheds load, or its store takes no events: Meta would repeat the delivery"
	case status >= 300 && status <= 399:
		return "a redirect, which Meta does not follow"
	default:
		return "Meta would repeat the delivery"
	}
}

// simulated is a request of a dry run.
type simulated struct {
	Type    string            `json:"type"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// show prints requests. Without an app secret they have no signature.
func (f *simulateFlags) show(ctx context.Context, p *output.Printer, target simulate.Target) error {
	if target.AppSecret == "" && (f.secretFile != "" || f.secretEnv != "") {
		secret, err := f.appSecret()
		if err != nil {
			return err
		}

		target.AppSecret = secret
	}

	for d := range f.deliveries() {
		if err := ctx.Err(); err != nil {
			return err
		}

		request, err := standin.DeliveryRequest(ctx, target.URL, target.AppSecret, d.Body)
		if err != nil {
			return output.Usage("Give a URL with --to.", "%w", err)
		}

		if target.AppSecret == "" {
			request.Header.Del("X-Hub-Signature-256")
		}

		shown := simulated{
			Type:    d.Type,
			Method:  request.Method,
			URL:     target.URL,
			Headers: map[string]string{},
			Body:    string(d.Body),
		}

		var lines []string

		for name := range request.Header {
			shown.Headers[name] = request.Header.Get(name)
			lines = append(lines, name+": "+request.Header.Get(name))
		}

		slices.Sort(lines)

		if err := p.Line(shown, func() {
			p.Printf("POST %s\n%s\n\n%s\n\n", target.URL, strings.Join(lines, "\n"), shown.Body)
		}); err != nil {
			return err
		}
	}

	return nil
}

func listTypes(p *output.Printer) error {
	types := simulate.Types()

	return p.Result(types, func() {
		table := output.Table{Headers: []string{"TYPE", "WHAT IT IS"}}
		for _, t := range types {
			table.Add(output.C(t.Name), output.C(t.About))
		}

		p.Table(table)
		p.Note("status.failed.CODE and error.CODE take every other error code of Meta, too.")
	})
}
