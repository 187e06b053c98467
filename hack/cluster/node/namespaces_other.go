// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package node

import (
	"context"
	"errors"
	"syscall"
)

// Elsewhere the cluster is made with kind, and a node of its own refused before any of these is called.

var errNotLinux = errors.New("a node of its own needs Linux")

func inNamespaces() *syscall.SysProcAttr { return nil }

// Init is the node's first process.
func Init(context.Context, string) error { return errNotLinux }

func unmount(string) error { return errNotLinux }

func snapshotter(string) string { return "" }
