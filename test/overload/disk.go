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
	// freeWhenFull is the space that fill leaves to the receiver.
	freeWhenFull = 1 << 20
	ballastPart  = 1 << 20
)

// volume holds the embedded store.
type volume struct {
	folder string
	// mounted means that the volume is a separate file system. Where mounting is not allowed, a limit on the process stops
	// its writes instead: SQLite then gets EFBIG in place of ENOSPC (full) or EROFS (read-only), but from the same calls.
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
		progress("limiting the writes of the process instead: %v", err)

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

// fill fills the volume up to freeWhenFull. The receiver fills the rest.
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

		if free <= freeWhenFull {
			return nil
		}

		if _, err := f.Write(part[:min(int64(len(part)), free-freeWhenFull)]); err != nil {
			return fmt.Errorf("fill the disk: %w", err)
		}
	}
}

// diskFull lets the receiver fill its disk, and then frees space.
func diskFull(ctx context.Context, t trial) ([]finding, error) {
	return onVolume(ctx, t, func(v *volume, s *subject) failure {
		if !v.mounted {
			return unwritable(s)
		}

		return failure{
			begin: func(context.Context) error { return v.fill() },
			end:   func(context.Context) error { return os.Remove(v.ballast()) },
		}
	})
}

// readOnly makes the receiver's disk read-only, as a kernel does when it finds a damaged file system: writes to open files
// fail, and files can be opened only for reading.
func readOnly(ctx context.Context, t trial) ([]finding, error) {
	return onVolume(ctx, t, func(v *volume, s *subject) failure {
		closed := unwritable(s)
		if !v.mounted {
			return closed
		}

		return failure{
			begin: func(ctx context.Context) error { return errors.Join(mountReadOnly(v.folder), closed.begin(ctx)) },
			end:   func(ctx context.Context) error { return errors.Join(unmount(v.folder), closed.end(ctx)) },
		}
	})
}

// unwritable stops the receiver from writing to any file.
func unwritable(s *subject) failure {
	return failure{
		begin: func(context.Context) error { return limitFiles(s.Child.PID(), 0) },
		end:   func(context.Context) error { return unlimitFiles(s.Child.PID()) },
	}
}

func onVolume(ctx context.Context, t trial, fails func(*volume, *subject) failure) (_ []finding, err error) {
	v, err := newVolume(t.ownMounts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.remove()) }()

	t.folder = v.folder
	t.statuses = true

	s, err := launch(ctx, t.settings)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, s.close()) }()

	return s.inject(ctx, fails(v, s), t.down)
}
