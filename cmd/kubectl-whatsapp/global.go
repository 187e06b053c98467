// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// global holds what all commands share: the streams, the flags of the root, and what follows from them.
type global struct {
	name string // the command as people type it
	in   io.Reader
	out  io.Writer
	err  io.Writer

	kube    *genericclioptions.ConfigFlags
	address string // of a receiver's console port, instead of a cluster
	format  string
	noColor bool

	ran bool // the command was called in the right way
}

// addFlags adds the flags of the root, which all commands have.
func (g *global) addFlags(root *cobra.Command) {
	all := genericclioptions.NewConfigFlags(true)
	g.kube = &genericclioptions.ConfigFlags{
		KubeConfig:       all.KubeConfig,
		Context:          all.Context,
		Namespace:        all.Namespace,
		Impersonate:      all.Impersonate,
		ImpersonateGroup: all.ImpersonateGroup,
	}

	flags := root.PersistentFlags()
	g.kube.AddFlags(flags)

	for name, usage := range map[string]string{
		"kubeconfig": "path of the kubeconfig `file`",
		"context":    "`name` of the context of the kubeconfig",
		"namespace":  "`name` of the namespace",
		"as":         "`user` to act as, if your rights allow it",
		"as-group":   "`group` to act as; can be repeated",
	} {
		flags.Lookup(name).Usage = usage
	}

	flags.StringVar(&g.address, "address", "", "`URL` of the console port of a receiver, such as http://localhost:9091, instead of a cluster")
	flags.StringVarP(&g.format, "output", "o", "", "`format` of the result: json or yaml; a table or text if not set")
	flags.BoolVar(&g.noColor, "no-color", false, "disable colors; NO_COLOR in the environment does the same")

	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]cobra.Completion{"json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
}

// withoutReceiver are the commands that use no console port of a receiver.
var withoutReceiver = []string{"dev", "lint", "render", "simulate", "test"}

// check checks the flags of the root.
func (g *global) check(cmd *cobra.Command) error {
	if _, err := output.ParseFormat(g.format); err != nil {
		return err
	}

	if g.address == "" {
		return nil
	}

	if !isURL(g.address) {
		return output.Usage("Write it like http://localhost:9091.", "--address %s is not a URL", g.address)
	}

	if slices.Contains(withoutReceiver, cmd.Name()) {
		return refuse(cmd, "the command uses no console port", "address")
	}

	return nil
}

// isURL reports whether a text is the URL of an HTTP server.
func isURL(text string) bool {
	parsed, err := url.Parse(text)

	return err == nil && parsed.Host != "" && (parsed.Scheme == "http" || parsed.Scheme == "https")
}

// errNameAndAddress refuses a NAME of which one of two receivers would be ignored.
var errNameAndAddress = output.Usage("Leave out the NAME.", "--address names the receiver already")

// checkAll refuses the flag for all namespaces where one resource or receiver is named: it would be looked for in one namespace.
func (g *global) checkAll(args []string, allNamespaces bool) error {
	if allNamespaces && (len(args) > 0 || g.address != "") {
		return output.Usage("Leave -A out; -n names the namespace of a NAME.", "--all-namespaces shows all resources, and one is named")
	}

	return nil
}

// refuse refuses flags that were given and mean nothing, since why: they would be ignored silently.
func refuse(cmd *cobra.Command, why string, names ...string) error {
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			return output.Usage(fmt.Sprintf("Leave it out. %s --help explains the flags.", cmd.CommandPath()), "--%s means nothing here: %s", name, why)
		}
	}

	return nil
}

// cluster returns the cluster of the kubeconfig and the flags.
func (g *global) cluster() (*cluster.Cluster, error) {
	const fix = "Set KUBECONFIG or --kubeconfig, and choose a context with --context."

	loader := g.kube.ToRawKubeConfigLoader()

	config, err := loader.ClientConfig()
	if err != nil {
		return nil, output.Unreachable(fix, "no cluster is configured: %w", err)
	}

	// Without any kubeconfig, the library calls a port of this machine.
	if raw, err := loader.RawConfig(); err == nil && len(raw.Clusters) == 0 && config.Host == "http://localhost:8080" {
		return nil, output.Unreachable(fix, "no cluster is configured: there is no kubeconfig")
	}

	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, output.Unreachable(fix, "read the namespace of the kubeconfig: %w", err)
	}

	return cluster.New(config, namespace)
}

// webhookNames completes the names of the resources, as the first argument of a command.
func (g *global) webhookNames(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 || g.address != "" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}

	found, err := g.cluster()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}

	webhooks, err := found.Webhooks(cmd.Context(), found.Namespace)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}

	names := make([]cobra.Completion, 0, len(webhooks))
	for _, webhook := range webhooks {
		names = append(names, webhook.Name)
	}

	return names, cobra.ShellCompDirectiveNoFileComp
}

// printer returns the printer for the flags.
func (g *global) printer() *output.Printer {
	format, err := output.ParseFormat(g.format)
	if err != nil {
		format = output.Text
	}

	return output.New(output.Settings{
		In:      g.in,
		Out:     g.out,
		Err:     g.err,
		Format:  format,
		NoColor: g.noColor || os.Getenv("NO_COLOR") != "",
		Dumb:    os.Getenv("TERM") == "dumb",
	})
}

// example returns an example of the help, with the command as people type it before each line.
func (g *global) example(lines ...string) string {
	for i := range lines {
		lines[i] = "  " + g.name + " " + lines[i]
	}

	return strings.Join(lines, "\n")
}
