// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

// versionInfo is the result of the command version.
type versionInfo struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersionCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version of this tool",
		Example: g.example("version -o json"),
		Args:    cobra.ExactArgs(0),
		RunE: func(*cobra.Command, []string) error {
			info := versionInfo{
				Version:  version,
				Go:       runtime.Version(),
				Platform: runtime.GOOS + "/" + runtime.GOARCH,
			}

			p := g.printer()

			return p.Result(info, func() { p.Printf("%s (%s, %s)\n", info.Version, info.Go, info.Platform) })
		},
	}
}
