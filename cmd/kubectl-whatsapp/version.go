// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/buildinfo"
)

func newVersionCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version of this tool",
		Example: g.example("version -o json"),
		Args:    cobra.ExactArgs(0),
		RunE: func(*cobra.Command, []string) error {
			info := buildinfo.Read(version)
			p := g.printer()

			return p.Result(info, func() { p.Printf("%s\n", info) })
		},
	}
}
