// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

const (
	// loopbackURL and adminURL are the ports of a receiver in a cluster, through a [cluster.Forward].
	loopbackURL = "http://localhost:9091"
	adminURL    = "http://localhost:9090"
	// checkTimeout is enough to find a receiver through a busy API server.
	checkTimeout = time.Minute
)

// receiver is a receiver that a command calls: one of a resource, or that of --address.
type receiver struct {
	Name  string       // of the resource; the address without a cluster
	Actor string       // who calls; "" if unknown
	HTTP  *http.Client // without a timeout
	URL   string       // of the console port

	forward *cluster.Forward // nil without a cluster
}

// Close ends the connections.
func (r *receiver) Close() {
	if r.forward != nil {
		r.forward.Close()
	}

	r.HTTP.CloseIdleConnections()
}

// receiver returns the receiver that the first argument names, and the other arguments. With --address there is no name. It
// calls no receiver yet.
func (g *global) receiver(ctx context.Context, args []string) (*receiver, []string, error) {
	if g.address != "" {
		return &receiver{
			Name:  g.address,
			Actor: localUser(),
			HTTP:  &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}},
			URL:   strings.TrimRight(g.address, "/"),
		}, args, nil
	}

	found, err := g.cluster()
	if err != nil {
		return nil, nil, err
	}

	actor, err := found.Actor(ctx)
	if err != nil && output.ExitCode(err) == output.CodeUnreachable {
		return nil, nil, err
	}

	forward := found.Forward(args[0])

	return &receiver{
		Name:    args[0],
		Actor:   actor,
		HTTP:    forward.Client(),
		URL:     loopbackURL,
		forward: forward,
	}, args[1:], nil
}

// check returns an error if the receiver does not answer.
func (r *receiver) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodHead, r.URL+"/", http.NoBody)
	if err != nil {
		return fmt.Errorf("prepare a call to %s: %w", r.URL, err)
	}

	response, err := r.HTTP.Do(request)
	if _, known := errors.AsType[*output.Error](err); known {
		return err
	}

	if err != nil {
		return output.Unreachable(
			"Check that a receiver listens there: its console port is listen.console of its configuration.",
			"call the receiver at %s: %w", r.URL, err)
	}

	return response.Body.Close()
}

// localUser returns the name of the user of this machine, or "".
func localUser() string {
	current, err := user.Current()
	if err != nil {
		return ""
	}

	return current.Username
}

// nameAnd returns a check of the arguments: the NAME of a resource, unless --address is set, and from least to most others.
// A negative most means no limit.
func (g *global) nameAnd(least, most int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		others := len(args)
		if g.address == "" {
			others--
		}

		switch {
		case others < 0:
			return errors.New("the NAME of a WhatsAppWebhook is missing; kubectl get whatsappwebhooks lists them")
		case others < least:
			return errors.New("an argument is missing")
		case most >= 0 && others > most:
			return fmt.Errorf("there are too many arguments: %s", strings.Join(args[len(args)-others+most:], " "))
		default:
			return nil
		}
	}
}
