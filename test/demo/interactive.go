// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// stayUp prints commands to try the receiver by hand, and the messages that people get, until ctx ends.
func (d *demo) stayUp(ctx context.Context) {
	title("Try it (stop with Ctrl-C)")

	query := url.Values{
		"hub.mode":         {"subscribe"},
		"hub.verify_token": {d.pod.secrets.VerifyToken},
		"hub.challenge":    {"42"},
	}
	line("The handshake:\n\n  curl -sS '%s?%s'\n", d.url, query.Encode())

	for i, text := range []string{"What does it cost?", "And in blue?"} {
		body := d.text(standin.Wamid(fmt.Sprint("keep-", i)), text)

		line("A message with a valid signature (a second time it is a duplicate):\n")
		line("  curl -sS -w '%%{http_code}\\n' -H 'Content-Type: application/json' "+
			"-H 'X-Hub-Signature-256: %s' \\\n    --data-binary '%s' \\\n    '%s'\n",
			standin.Sign(d.appSecret(), body), body, d.url)
	}

	line(
		"The signature of another body:\n\n  openssl dgst -sha256 -hmac '%s' body.json\n",
		d.appSecret(),
	)

	admin := "http://" + d.Local.AdminAddr()
	line(
		"Readiness, status, metrics:\n\n  curl -sS %s/readyz\n  curl -sS %s/status\n  curl -sS %s/metrics\n",
		admin,
		admin,
		admin,
	)
	line("Dead letters:\n\n  curl -sS http://%s/dead-letters\n", d.Local.ConsoleAddr())
	line("A fault: Bird answers 503 to three calls:\n\n"+
		"  curl -sS -d '{\"pathPrefix\":\"/v1/messages\",\"status\":503,\"times\":3}' %s/_standin/faults\n",
		d.pod.config.Bird.BaseURL)

	more := func(sent []standin.SentMessage) bool { return len(sent) > d.sent }
	for d.Graph.SentLog.Wait(ctx, more) == nil {
		for _, m := range d.Graph.Sent()[d.sent:] {
			line("  %-11s %s got %q", "person", m.To, m.Text)

			d.sent++
		}
	}
}
