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

// onOneProcessor gives the processes that start starts, and all that they start, one processor of those that there are.
func onOneProcessor(start func() error) (err error) {
	runtime.LockOSThread()

	defer runtime.UnlockOSThread()

	var all, one unix.CPUSet

	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return fmt.Errorf("find out which processors there are: %w", err)
	}

	for cpu := range 64 * len(all) {
		if all.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}

	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("keep to one processor: %w", err)
	}
	defer func() { err = errors.Join(err, unix.SchedSetaffinity(0, &all)) }()

	return start()
}

// ownMounts marks a process whose mounts are its own.
const ownMounts = "PRESSURE_OWN_MOUNTS"

// withOwnMounts makes this program run anew with mounts of its own, which nobody else sees and which end with it: as root,
// or as somebody who is root in a namespace of users.
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
		return fmt.Errorf("keep mounts to this process: %w", err)
	}

	if err := unix.Mount("overload", folder, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		return fmt.Errorf("mount a file system for the store: %w", err)
	}

	return nil
}

// mountReadOnly covers a folder by itself, for reading alone.
func mountReadOnly(folder string) error {
	if err := unix.Mount(folder, folder, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cover the store: %w", err)
	}

	if err := unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("cover the store for reading alone: %w", err)
	}

	return nil
}

// unmount takes away what was mounted last. What is open there stays open.
func unmount(folder string) error {
	if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", folder, err)
	}

	return nil
}

func freeBytes(folder string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("find out what is free in %s: %w", folder, err)
	}

	return int64(s.Bavail) * s.Bsize, nil //nolint:gosec // it is what mountMemory was asked for, at most
}

// limitFiles lets a process write no file beyond a size in bytes.
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
