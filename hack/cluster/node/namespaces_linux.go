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

// kernelSettings are the settings that kubelet requires (setupKernelTunables of pkg/kubelet/cm). They apply to the whole
// machine, so the node has files in their place.
var kernelSettings = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// inNamespaces starts a process in new namespaces, and in its own session that gets no signals of the terminal.
func inNamespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Setsid:     true,
	}
}

// Init is the node's first process. It sets up the namespaces, and then serves the supervisor.
func Init(ctx context.Context, state string) error {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)

	if err := ownMounts(state); err != nil {
		return err
	}

	if err := syscall.Sethostname([]byte(nodeName)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}

	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("enable IP forwarding: %w", err)
	}

	socket := filepath.Join(state, "supervisor.sock")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the socket of an earlier node: %w", err)
	}

	listener, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listen on the supervisor's socket: %w", err)
	}

	server := &http.Server{
		Handler:           supervisor.Handler(supervisor.New(children)),
		ReadHeaderTimeout: 10 * time.Second,
	}

	return server.Serve(listener)
}

// ownMounts changes the node's mounts. The machine's stay the same.
func ownMounts(state string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("separate the mounts from the machine's: %w", err)
	}

	// Containers with mountPropagation need mounts that are shared within the node.
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

	// No image can be pulled, and this name server reports that immediately. One out of reach would cause timeouts.
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

// bind mounts a file or folder over another.
func bind(source, target string) error {
	if err := syscall.Mount(source, target, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s over %s: %w", source, target, err)
	}

	return nil
}

func unmount(point string) error { return syscall.Unmount(point, syscall.MNT_DETACH) }

// snapshotter returns the snapshotter for containerd. An overlay cannot be stacked on another overlay.
func snapshotter(folder string) string {
	const overlay = 0x794c7630

	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err == nil && fs.Type == overlay {
		return "native"
	}

	return "overlayfs"
}
