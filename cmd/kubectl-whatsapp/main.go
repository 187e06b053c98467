// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command whatsapp-webhook is the tool for people who build, run and repair a WhatsApp number with an AI. Installed as
// kubectl-whatsapp it is a plugin of kubectl: kubectl whatsapp.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot(commandName(os.Args[0])).ExecuteContext(ctx)

	stop()

	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// commandName returns the command as people type it: "kubectl whatsapp" for the plugin.
func commandName(arg0 string) string {
	name := strings.TrimSuffix(filepath.Base(arg0), ".exe")
	if strings.HasPrefix(name, "kubectl-") || strings.HasPrefix(name, "kubectl_") {
		return "kubectl whatsapp"
	}

	return "whatsapp-webhook"
}

func newRoot(name string) *cobra.Command {
	return &cobra.Command{
		Use:           "whatsapp-webhook",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: name},
		Short:         "Build, run and repair a WhatsApp number with an AI",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
	}
}
