// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"errors"
	"os/exec"
)

const ownMounts = "OVERLOAD_OWN_MOUNTS"

var errNotLinux = errors.New("confining processes requires Linux")

func onOneProcessor(func() error) error { return errNotLinux }

// withOwnMounts makes the command fail to start.
func withOwnMounts(command *exec.Cmd) { command.Err = errNotLinux }

func mountMemory(string, int64) error { return errNotLinux }

func mountReadOnly(string) error { return errNotLinux }

func unmount(string) error { return errNotLinux }

func freeBytes(string) (int64, error) { return 0, errNotLinux }

func limitFiles(int, uint64) error { return errNotLinux }

func unlimitFiles(int) error { return errNotLinux }
