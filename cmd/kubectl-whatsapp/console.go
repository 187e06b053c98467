// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/console"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

func newConsoleCommand(g *global) *cobra.Command {
	var (
		port          uint16
		allNamespaces bool
	)

	cmd := &cobra.Command{
		Use:   "console [NAME]",
		Short: "Serve the console of all receivers, or of one, on a local port",
		Long: "Serve the pages by which you see and repair what receivers do on a port of this machine until Ctrl-C: those of all\n" +
			"resources of the namespace, or with NAME those of one, with its API. When a receiver goes away, the next one is used.\n" +
			"Your rights decide what you see, and your name goes with each call to the receiver's audit log.",
		Example:           g.example("console", "console -A", "console sales --port 9191"),
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: g.webhookNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.checkAll(args, allNamespaces); err != nil {
				return err
			}

			if len(args) > 0 && g.address != "" {
				return errNameAndAddress
			}

			if len(args) == 0 && g.address == "" {
				return g.serveFleet(cmd.Context(), allNamespaces, port)
			}

			called, _, err := g.receiver(cmd.Context(), args)
			if err != nil {
				return err
			}
			defer called.Close()

			return serveConsole(cmd.Context(), g.printer(), called, port)
		},
	}

	cmd.Flags().Uint16Var(&port, "port", 0, "local `port`; a free one if not set")
	cmd.Flags().BoolVarP(&allNamespaces, "all-namespaces", "A", false, "the resources of all namespaces")

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

	// Fail before the address is printed if there is no receiver.
	if err := called.check(ctx); err != nil {
		return err
	}

	server := &console.Server{
		Transport: called.HTTP.Transport,
		Scheme:    target.Scheme,
		Host:      target.Host,
		Header:    http.Header{consoleapi.ActorHeader: []string{called.Actor}},
		Failed:    func(err error) { p.Warn("%v", err) },
	}

	return serveLocally(ctx, p, called.Name, port, server.Handler())
}

// serveFleet serves the pages of all resources.
func (g *global) serveFleet(ctx context.Context, allNamespaces bool, port uint16) error {
	found, err := g.cluster()
	if err != nil {
		return err
	}

	actor, err := found.Actor(ctx)
	if err != nil && output.ExitCode(err) == output.CodeUnreachable {
		return err
	}

	namespace := found.Namespace
	served := "the namespace " + namespace

	if allNamespaces {
		namespace = ""
		served = "all namespaces"
	}

	// Fail before the address is printed if the resources cannot be read.
	if _, err := found.Webhooks(ctx, namespace); err != nil {
		return err
	}

	fleet := console.NewFleet(found, namespace, actor)
	defer fleet.Close()

	p := g.printer()

	pages, err := fleet.Handler(slog.New(slog.NewTextHandler(g.err, nil)))
	if err != nil {
		return err
	}

	return serveLocally(ctx, p, served, port, pages)
}

// serveLocally serves a handler on a port of this machine, and says where.
func serveLocally(ctx context.Context, p *output.Printer, served string, port uint16, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return output.Failed("Choose another --port, or leave it out for a free one.", "listen on port %d: %w", port, err)
	}

	info := consoleInfo{URL: "http://" + listener.Addr().String()}

	if err := p.Line(info, func() { p.Printf("%s\n", info.URL) }); err != nil {
		return err
	}

	p.Note("The console of %s is at this address until you press Ctrl-C.", served)

	return console.Serve(ctx, listener, handler)
}
