// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// onOneProcessor restricts the processes that start launches, and their children, to one processor.
func onOneProcessor(start func() error) (err error) {
	runtime.LockOSThread()

	defer runtime.UnlockOSThread()

	var all, one unix.CPUSet

	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return fmt.Errorf("read the allowed processors: %w", err)
	}

	for cpu := range 64 * len(all) {
		if all.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}

	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("restrict to one processor: %w", err)
	}
	defer func() { err = errors.Join(err, unix.SchedSetaffinity(0, &all)) }()

	return start()
}

// ownMounts is set in the environment of a process with its own mounts.
const ownMounts = "OVERLOAD_OWN_MOUNTS"

// withOwnMounts makes a command run in its own mount namespace, which ends with it. Without root it also gets a user
// namespace.
func withOwnMounts(command *exec.Cmd) {
	command.Env = append(os.Environ(), ownMounts+"=1")

	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{
			ContainerID: 0,
			HostID:      os.Getuid(),
			Size:        1,
		}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{
			ContainerID: 0,
			HostID:      os.Getgid(),
			Size:        1,
		}}
	}
}

// mountMemory mounts an empty file system of a size in bytes.
func mountMemory(folder string, size int64) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}

	if err := unix.Mount("overload", folder, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		return fmt.Errorf("mount file system of the store: %w", err)
	}

	return nil
}

// mountReadOnly mounts a folder over itself, read-only.
func mountReadOnly(folder string) error {
	if err := unix.Mount(folder, folder, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind-mount the store: %w", err)
	}

	if err := unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("remount the store read-only: %w", err)
	}

	return nil
}

// unmount removes the newest mount of a folder. Open files stay open.
func unmount(folder string) error {
	if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", folder, err)
	}

	return nil
}

func freeBytes(folder string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("read free space of %s: %w", folder, err)
	}

	return int64(s.Bavail) * s.Bsize, nil //nolint:gosec // at most the size that mountMemory set
}

// limitFiles limits the size in bytes up to which a process may write any file.
func limitFiles(pid int, size uint64) error {
	var limit unix.Rlimit

	err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &limit)
	if err == nil {
		limit.Cur = min(size, limit.Max)
		err = unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil)
	}

	if err != nil {
		return fmt.Errorf("limit the files of process %d: %w", pid, err)
	}

	return nil
}

func unlimitFiles(pid int) error { return limitFiles(pid, unix.RLIM_INFINITY) }
