// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// keep shows how to try the receiver by hand, and what comes of it, until ctx ends.
func (s *scene) keep(ctx context.Context) {
	title("Try it (Ctrl-C ends it)")

	query := url.Values{
		"hub.mode":         {"subscribe"},
		"hub.verify_token": {s.pod.secrets.VerifyToken},
		"hub.challenge":    {"42"},
	}
	line("The handshake:\n\n  curl -sS '%s?%s'\n", s.url, query.Encode())

	for i, text := range []string{"What does it cost?", "And in blue?"} {
		body := s.text(standin.Wamid(fmt.Sprint("keep-", i)), text)

		line("A message, with a valid signature (again, it is a duplicate):\n")
		line("  curl -sS -w '%%{http_code}\\n' -H 'Content-Type: application/json' -H 'X-Hub-Signature-256: %s' \\\n    --data-binary '%s' \\\n    '%s'\n",
			standin.Sign(s.appSecret(), body), body, s.url)
	}

	line("A signature for a body of your own:\n\n  openssl dgst -sha256 -hmac '%s' body.json\n", s.appSecret())
	admin := "http://" + s.receiver.AdminAddr()
	line("Health, figures, metrics:\n\n  curl -sS %s/readyz\n  curl -sS %s/status\n  curl -sS %s/metrics\n", admin, admin, admin)
	line("Dead letters:\n\n  curl -sS http://%s/dead-letters\n", s.receiver.ConsoleAddr())
	line("Faults, such as Bird being down for three calls:\n\n  curl -sS -d '{\"pathPrefix\":\"/v1/messages\",\"status\":503,\"times\":3}' %s/_standin/faults\n", s.pod.config.Bird.BaseURL)

	for s.graph.SentLog.Wait(ctx, func(sent []standin.SentMessage) bool { return len(sent) > s.sent }) == nil {
		for _, m := range s.graph.Sent()[s.sent:] {
			line("  %-11s %s got %q", "person", m.To, m.Text)

			s.sent++
		}
	}
}
