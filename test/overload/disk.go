// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	volumeSize = 96 << 20
	// freeAtFirst is what the receiver has of it until there is room again.
	freeAtFirst = 1 << 20
	ballastPart = 1 << 20
)

// volume is where an embedded store lies.
type volume struct {
	folder string
	// mounted says that it is a file system of its own. Where none can be had, the receiver's process is kept from writing
	// instead: what SQLite is told then (EFBIG) is another error than that of a full disk (ENOSPC) or one that can only be
	// read (EROFS), but it comes at the same place.
	mounted bool
}

func newVolume(mounted bool) (_ *volume, err error) {
	v := &volume{mounted: mounted}
	if v.folder, err = os.MkdirTemp("", "overload-volume-"); err != nil {
		return nil, fmt.Errorf("make a folder for the store: %w", err)
	}

	if !mounted {
		return v, nil
	}

	if err := mountMemory(v.folder, volumeSize); err != nil {
		progress("the receiver is kept from writing instead: %v", err)

		v.mounted = false
	}

	return v, nil
}

func (v *volume) remove() error {
	if v.mounted {
		if err := unmount(v.folder); err != nil {
			return err
		}
	}

	return os.RemoveAll(v.folder)
}

func (v *volume) ballast() string { return filepath.Join(v.folder, "ballast") }

// fill leaves freeAtFirst of the volume, and its user to fill that.
func (v *volume) fill() error {
	f, err := os.Create(v.ballast())
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	defer f.Close()

	for free, part := int64(0), make([]byte, ballastPart); ; {
		if free, err = freeBytes(v.folder); err != nil {
			return err
		}

		if free <= freeAtFirst {
			return nil
		}

		if _, err := f.Write(part[:min(int64(len(part)), free-freeAtFirst)]); err != nil {
			return fmt.Errorf("fill the disk: %w", err)
		}
	}
}

// diskFull lets the receiver fill its disk, and then gives it room.
func diskFull(ctx context.Context, t trial) ([]finding, error) {
	return onVolume(ctx, t, func(v *volume, p *place) failure {
		if !v.mounted {
			return unwritable(p)
		}

		return failure{
			strike: func(context.Context) error { return v.fill() },
			heal:   func(context.Context) error { return os.Remove(v.ballast()) },
		}
	})
}

// readOnly makes the receiver's disk one that can only be read, as a kernel does that finds a file system damaged: what is
// open takes no more writes, and what is opened is opened for reading alone.
func readOnly(ctx context.Context, t trial) ([]finding, error) {
	return onVolume(ctx, t, func(v *volume, p *place) failure {
		closed := unwritable(p)
		if !v.mounted {
			return closed
		}

		return failure{
			strike: func(ctx context.Context) error { return errors.Join(mountReadOnly(v.folder), closed.strike(ctx)) },
			heal:   func(ctx context.Context) error { return errors.Join(unmount(v.folder), closed.heal(ctx)) },
		}
	})
}

// unwritable keeps the receiver from writing to any file.
func unwritable(p *place) failure {
	return failure{
		strike: func(context.Context) error { return limitFiles(p.receiver.PID(), 0) },
		heal:   func(context.Context) error { return unlimitFiles(p.receiver.PID()) },
	}
}

func onVolume(ctx context.Context, t trial, fails func(*volume, *place) failure) (_ []finding, err error) {
	v, err := newVolume(t.ownMounts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.remove()) }()

	t.folder = v.folder
	t.statuses = true

	p, err := settle(ctx, t.settings)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, p.leave()) }()

	return p.suffer(ctx, fails(v, p), t.down)
}
