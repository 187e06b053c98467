// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/dev"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// chatPort is the first port that is tried for the page.
const chatPort = 8090

// stayUp serves the page on which one chats, until ctx ends: in a terminal, or with -keep. Otherwise it returns at once.
func stayUp(ctx context.Context, f flags, ai dev.AIOptions) error {
	chats := f.keep || f.inTerminal && f.deliveries == "" // who delivers files wants the report
	if !chats || ctx.Err() != nil {
		return nil
	}

	title("Chat with it")

	printer := output.New(output.Settings{
		In:      os.Stdin,
		Out:     os.Stdout,
		Err:     os.Stderr,
		NoColor: os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb",
	})

	return dev.Serve(ctx, printer, dev.Options{
		AI:      ai,
		Port:    chatPort,
		Version: "demo",
	})
}

// printCommands prints commands to try the receiver of the demo by hand.
func (d *demo) printCommands() {
	title("Try it with curl")

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
}
