// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// TrustRegistry lets the node pull images from a registry without TLS, by its address and port. containerd reads the file at
// the next pull (https://github.com/containerd/containerd/blob/main/docs/hosts.md).
func (n *Node) TrustRegistry(address string) error {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return fmt.Errorf("registry %q: want an address and a port, such as %s:5000: %w", address, hostAddress, err)
	}

	if _, err := n.supervisorPID(); err != nil {
		return err
	}

	folder := n.path("etc", "certs.d", address)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}

	return os.WriteFile(filepath.Join(folder, "hosts.toml"), []byte("server = \"http://"+address+"\"\n"), 0o600)
}
