// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package node

import (
	"context"
	"errors"
	"syscall"
)

// On other systems the cluster needs kind. checkMachine rejects a node before it calls any of these functions.

var errNotLinux = errors.New("a node without kind needs Linux")

func inNamespaces() *syscall.SysProcAttr { return nil }

// Init is the node's first process.
func Init(context.Context, string) error { return errNotLinux }

func unmount(string) error { return errNotLinux }

func snapshotter(string) string { return "" }
