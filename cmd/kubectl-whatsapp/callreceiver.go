// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
)

// revealUsage is the help of the flag --reveal.
const revealUsage = "show phone numbers, names and texts; the receiver logs it with your name"

// receiverCommand is a command that calls the API of a receiver with the arguments after the NAME.
type receiverCommand func(ctx context.Context, api *receiverapi.Client, args []string) error

// callReceiver returns the function of a cobra command that calls a receiver. reveal is the flag; it may be nil.
func (g *global) callReceiver(reveal *bool, do receiverCommand) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		called, rest, err := g.receiver(cmd.Context(), args)
		if err != nil {
			return err
		}
		defer called.Close()

		return do(cmd.Context(), &receiverapi.Client{
			HTTP:   called.HTTP,
			URL:    called.URL,
			Actor:  called.Actor,
			Reveal: reveal != nil && *reveal,
		}, rest)
	}
}
