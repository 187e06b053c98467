// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/console"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

func newConsoleCommand(g *global) *cobra.Command {
	var port uint16

	cmd := &cobra.Command{
		Use:   "console NAME",
		Short: "Serve the console of a receiver on a local port",
		Long: "Serve the loopback port of a receiver on a port of this machine until Ctrl-C. When the receiver goes away, the\n" +
			"next one is used. Your name goes with each call to the receiver's audit log.",
		Example:           g.example("console sales", "console sales --port 9191"),
		Args:              g.nameAnd(0, 0),
		ValidArgsFunction: g.webhookNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			called, _, err := g.receiver(cmd.Context(), args)
			if err != nil {
				return err
			}
			defer called.Close()

			return serveConsole(cmd.Context(), g.printer(), called, port)
		},
	}

	cmd.Flags().Uint16Var(&port, "port", 0, "local `port`; a free one if not set")

	return cmd
}

// consoleInfo is the result of the command console.
type consoleInfo struct {
	URL string `json:"url"`
}

func serveConsole(ctx context.Context, p *output.Printer, called *receiver, port uint16) error {
	target, err := url.Parse(called.URL)
	if err != nil {
		return fmt.Errorf("read the address of the receiver: %w", err)
	}

	// Finds out that there is a receiver before it prints an address.
	if err := called.check(ctx); err != nil {
		return err
	}

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return output.Failed("Choose another --port, or leave it out for a free one.", "listen on port %d: %w", port, err)
	}

	info := consoleInfo{URL: "http://" + listener.Addr().String()}

	if err := p.Line(info, func() { p.Printf("%s\n", info.URL) }); err != nil {
		return err
	}

	p.Note("The console of %s is at this address until you press Ctrl-C.", called.Name)

	server := &console.Server{
		Transport: called.HTTP.Transport,
		Scheme:    target.Scheme,
		Host:      target.Host,
		Header:    http.Header{actorHeader: []string{called.Actor}},
		Failed:    func(path string, err error) { p.Warn("%s: %v", path, err) },
	}

	return server.Serve(ctx, listener)
}
