// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// partialSuffix ends the name of an incomplete file.
const partialSuffix = ".partial"

var errFull = errors.New("the volume of the backups is full: enlarge it, or keep fewer backups")

// folder stores copies in a folder.
type folder string

// List implements Target.
func (f folder) List(context.Context) ([]File, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, fmt.Errorf("list the backups: %w", err)
	}

	var found listing

	for _, entry := range entries {
		if !isOurs(entry.Name()) {
			continue
		}

		info, err := entry.Info()
		if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue
		}

		if err != nil {
			return nil, fmt.Errorf("list the backups: %w", err)
		}

		found.add(entry.Name(), info.Size())
	}

	return found.newest(), nil
}

// Put implements Target.
func (f folder) Put(ctx context.Context, name string, content Content, size int64) error {
	err := f.put(ctx, name, content, size)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = errFull
	}

	if err != nil {
		return fmt.Errorf("write a backup: %w", err)
	}

	return nil
}

func (f folder) put(ctx context.Context, name string, content Content, size int64) (err error) {
	path := f.path(name)

	file, err := os.OpenFile(path+partialSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}

	defer func() {
		if err != nil {
			_ = os.Remove(path + partialSuffix) // else Sweep does
		}
	}()

	written, err := io.Copy(file, contextReader{ctx, content})
	if err == nil && written != size {
		err = io.ErrUnexpectedEOF
	}

	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}

	if err := os.Rename(path+partialSuffix, path); err != nil {
		return err
	}

	return syncFolder(string(f))
}

// Open implements Target.
func (f folder) Open(_ context.Context, name string) (io.ReadCloser, error) {
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, fmt.Errorf("read a backup: %w", err)
	}

	return file, nil
}

// Delete implements Target.
func (f folder) Delete(_ context.Context, name string) error {
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("delete a backup: %w", err)
	}

	return nil
}

// Sweep implements Target.
func (f folder) Sweep(ctx context.Context) error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("list interrupted backups: %w", err)
	}

	for _, entry := range entries {
		name, partial := strings.CutSuffix(entry.Name(), partialSuffix)
		if !partial || !isOurs(name) {
			continue
		}

		if err := f.Delete(ctx, entry.Name()); err != nil {
			return err
		}
	}

	return nil
}

// Close implements Target.
func (f folder) Close() {}

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	opened, err := os.Open(path)
	if err != nil {
		return err
	}

	// Some filesystems cannot sync a folder, and keep its names in order without it.
	if err := opened.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return errors.Join(err, opened.Close())
	}

	return opened.Close()
}

// contextReader reads until ctx ends.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}

	return c.from.Read(p)
}
