// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/supervisor"
)

// kernelSettings are what kubelet insists on (setupKernelTunables of pkg/kubelet/cm). They are the whole machine's, so
// the node gets files in their place.
var kernelSettings = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// inNamespaces makes namespaces for a process that is about to start, and keeps the terminal's signals from it.
func inNamespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Setsid:     true,
	}
}

// Init is the node's first process. It makes the namespaces the node's own, and then runs what it is asked to.
func Init(ctx context.Context, state string) error {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)

	if err := ownMounts(state); err != nil {
		return err
	}

	if err := syscall.Sethostname([]byte(nodeName)); err != nil {
		return fmt.Errorf("name the node: %w", err)
	}

	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("let the node forward to its pods: %w", err)
	}

	socket := filepath.Join(state, "supervisor.sock")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an earlier node's socket: %w", err)
	}

	listener, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listen for what to run: %w", err)
	}

	server := &http.Server{Handler: supervisor.Handler(supervisor.New(children)), ReadHeaderTimeout: 10 * time.Second}

	return server.Serve(listener)
}

// ownMounts changes what the node sees, and nothing that the machine sees.
func ownMounts(state string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("part from the machine's mounts: %w", err)
	}
	// Shared within the node, as containers with mountPropagation need it.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share mounts with containers: %w", err)
	}

	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount the node's processes: %w", err)
	}

	for setting, value := range kernelSettings {
		file := filepath.Join(state, "etc", filepath.Base(setting))
		if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
			return err
		}

		if err := bind(file, "/proc/sys/"+setting); err != nil {
			return err
		}
	}
	// Nothing can be pulled: better to hear it at once than to wait for a name server out of reach.
	names := filepath.Join(state, "etc", "resolv.conf")
	if err := os.WriteFile(names, []byte("nameserver "+dnsAddress+"\noptions timeout:1 attempts:1\n"), 0o600); err != nil {
		return err
	}

	if err := bind(names, "/etc/resolv.conf"); err != nil {
		return err
	}

	for _, folder := range hidden[1:] {
		if err := bind(filepath.Join(state, folder), folder); err != nil {
			return err
		}
	}

	if err := syscall.Mount("run", "/run", "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mount the node's /run: %w", err)
	}

	return nil
}

func bind(source, target string) error {
	if err := syscall.Mount(source, target, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("put %s in the place of %s: %w", source, target, err)
	}

	return nil
}

func unmount(point string) error { return syscall.Unmount(point, syscall.MNT_DETACH) }

// snapshotter is containerd's way to stack an image's layers: an overlay cannot lie on another.
func snapshotter(folder string) string {
	const overlay = 0x794c7630

	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err == nil && fs.Type == overlay {
		return "native"
	}

	return "overlayfs"
}
