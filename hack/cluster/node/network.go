// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
)

// A single link connects the machine and the node. It carries the machine's routes to pods and Services.
const (
	addresses     = "10.213.0.0/16" // contains all of the following
	hostAddress   = "10.213.0.1"
	nodeAddress   = "10.213.0.2"
	linkBits      = "/30"
	clusterPods   = "10.213.16.0/20"
	nodePods      = "10.213.16.0/24"
	services      = "10.213.32.0/20"
	apiAddress    = "10.213.32.1" // of the Service kubernetes
	dnsAddress    = "10.213.32.10"
	hostLink      = "whatsapp-node"
	nodeLink      = "eth0"
	apiServerPort = "6443"
)

const apiServerURL = "https://" + nodeAddress + ":" + apiServerPort

// connect creates the link, its addresses and its routes.
func (n *Node) connect(ctx context.Context) error {
	pid, err := n.supervisorPID()
	if err != nil {
		return err
	}

	if !linkExists() {
		if err := addressesFree(ctx); err != nil {
			return err
		}

		err := ip(ctx, "link", "add", hostLink, "type", "veth", "peer", "name", nodeLink, "netns", strconv.Itoa(pid))
		if err != nil {
			return err
		}
	}

	for _, args := range [][]string{
		{"address", "replace", hostAddress + linkBits, "dev", hostLink},
		{"link", "set", hostLink, "up"},
		{"route", "replace", clusterPods, "via", nodeAddress, "dev", hostLink},
		{"route", "replace", services, "via", nodeAddress, "dev", hostLink},
	} {
		if err := ip(ctx, args...); err != nil {
			return err
		}
	}

	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"address", "replace", nodeAddress + linkBits, "dev", nodeLink},
		{"link", "set", nodeLink, "up"},
		{"route", "replace", "default", "via", hostAddress, "dev", nodeLink},
	} {
		command, err := n.Exec(ctx, append([]string{"ip"}, args...)...)
		if err != nil {
			return err
		}

		if err := runCommand(command); err != nil {
			return fmt.Errorf("in the node: %w", err)
		}
	}

	return nil
}

func linkExists() bool {
	_, err := net.InterfaceByName(hostLink)
	return err == nil
}

// addressesFree returns an error if the machine has another route to the node's addresses.
func addressesFree(ctx context.Context) error {
	for _, relation := range []string{"root", "match"} {
		routes, err := exec.CommandContext(ctx, "ip", "-4", "route", "show", relation, addresses).Output() //nolint:gosec // constants
		if err != nil {
			return fmt.Errorf("list the machine's routes: %w", err)
		}

		for route := range strings.Lines(string(routes)) {
			if !strings.HasPrefix(route, "default ") {
				return fmt.Errorf("the machine has a route to the node's addresses %s: %q; remove it", addresses, strings.TrimSpace(route))
			}
		}
	}

	return nil
}

// removeLink removes the machine's end of the link, if it still exists.
func removeLink(ctx context.Context) error {
	if !linkExists() {
		return nil
	}

	if err := ip(ctx, "link", "delete", hostLink); err != nil && linkExists() {
		return err
	}

	return nil
}

func ip(ctx context.Context, args ...string) error {
	return runCommand(exec.CommandContext(ctx, "ip", args...)) //nolint:gosec // the caller is this package
}

// runCommand runs a command. The error contains its output.
func runCommand(command *exec.Cmd) error {
	var printed bytes.Buffer

	command.Stdout = &printed
	command.Stderr = &printed

	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, strings.TrimSpace(printed.String()))
	}

	return nil
}
