// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command whatsapp-webhook is the tool for people who build, run and repair a WhatsApp number with an AI. Installed as
// kubectl-whatsapp it is a plugin of kubectl: kubectl whatsapp.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// version is set by the linker.
var version = "dev"

func main() {
	// Errors contain the information that the Kubernetes libraries would log.
	klog.SetLogger(logr.Discard())
	ctrllog.SetLogger(logr.Discard())

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once

	code := run(ctx, &global{
		name: commandName(os.Args[0]),
		in:   os.Stdin,
		out:  os.Stdout,
		err:  os.Stderr,
	}, os.Args[1:])

	stop()
	os.Exit(code)
}

// run runs the command that args name, prints its error, and returns the exit code.
func run(ctx context.Context, g *global, args []string) int {
	root := newRoot(g)
	root.SetArgs(args)

	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return output.CodeDone
	}

	if !g.ran {
		err = usage(cmd, err)
	}

	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}

	g.printer().Fail(err)

	return output.ExitCode(err)
}

// commandName returns the command as people type it: "kubectl whatsapp" for the plugin.
func commandName(arg0 string) string {
	name := strings.TrimSuffix(filepath.Base(arg0), ".exe")
	if strings.HasPrefix(name, "kubectl-") || strings.HasPrefix(name, "kubectl_") {
		return "kubectl whatsapp"
	}

	return "whatsapp-webhook"
}
