// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "errors"

// ErrDiskFull means that new events are refused because the disk of the store is nearly full. The rest is reserved for
// the work on stored events and for purges.
var ErrDiskFull = errors.New("the disk of the store is nearly full")

// Disk is implemented by an engine that knows the disk of its file.
type Disk interface {
	// Space returns the latest figures of the disk. They are zero if the system does not provide them.
	Space() Space
}

// Space is the space of a disk in bytes.
type Space struct {
	Total    int64
	Free     int64 // for new events and work, including the space that purged events left inside the file
	Reserved int64 // new events are refused while less is free
}
