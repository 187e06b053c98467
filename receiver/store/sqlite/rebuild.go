// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// rebuiltSuffix follows the name of the database in the name of a rebuilt file, before it replaces the database.
const rebuiltSuffix = ".rebuilt"

// rebuild replaces a file of an earlier version by a copy that can shrink and that contains no purged data. It runs once,
// before the store is opened. It does not change the file if the disk has no space for the copy, or if a page is damaged; the
// next start tries again.
func rebuild(ctx context.Context, path string, options Options) error {
	if err := os.Remove(path + rebuiltSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // of a process that ended meanwhile
	}

	needed, err := rebuildSize(ctx, path)
	if err != nil || needed == 0 {
		return ignoreDamage(err)
	}

	total, free, err := options.space(filepath.Dir(path))
	if err == nil && free < needed+reserveOf(total) {
		options.Log.Warn("the store's file cannot shrink and may hold purged texts: free space on its disk, and restart the receiver",
			"needed_bytes", needed+reserveOf(total), "free_bytes", free)

		return nil
	}

	options.Log.Info("rebuilding the store's file, so that it can shrink", "bytes", needed)

	err = replace(ctx, path)
	if err != nil {
		err = errors.Join(err, ignoreMissing(os.Remove(path+rebuiltSuffix)))
	}

	if isDamage(err) || isFull(err) {
		options.Log.Warn("the store's file was not rebuilt", "error", err)

		return nil
	}

	return err
}

// rebuildSize returns the size of the copy of a file that must be rebuilt, and 0 for any other.
func rebuildSize(ctx context.Context, path string) (needed int64, err error) {
	c, err := connect(ctx, dsn(path, []string{"busy_timeout(5000)"}))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	var pages, free, mode int64

	for name, value := range map[string]*int64{"page_count": &pages, "freelist_count": &free, "auto_vacuum": &mode} {
		if err := c.query(ctx, "PRAGMA "+name, func(r row) error { *value = r.int(0); return nil }); err != nil {
			return 0, err
		}
	}

	if mode != 0 {
		return 0, nil
	}

	return (pages - free) * pageSize, nil
}

// replace copies a file, and puts the copy in its place. A process that dies leaves one of the two complete.
func replace(ctx context.Context, path string) error {
	if err := create(path + rebuiltSuffix); err != nil { // readable by its owner only
		return err
	}

	if err := copyInto(ctx, path, path+rebuiltSuffix); err != nil {
		return err
	}

	return putInPlace(path+rebuiltSuffix, path)
}

// putInPlace puts a complete database in the place of another one. No process has either of them open.
func putInPlace(from, path string) error {
	// The last connection has copied the log into the file. If it could not, the log belongs to the old file.
	if size(path+"-wal") > 0 {
		return fmt.Errorf("the log %s-wal was not copied into the file", path)
	}

	for _, name := range []string{path + "-wal", path + "-shm"} {
		if err := ignoreMissing(os.Remove(name)); err != nil {
			return err
		}
	}

	if err := syncFile(from); err != nil {
		return err
	}

	if err := os.Rename(from, path); err != nil {
		return err
	}

	return syncFile(filepath.Dir(path))
}

// copyInto copies a database into a file that can shrink.
func copyInto(ctx context.Context, path, to string) (err error) {
	c, err := connect(ctx, dsn(path, []string{"busy_timeout(5000)", "auto_vacuum(INCREMENTAL)"}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	_, err = c.exec(ctx, "VACUUM INTO ?", to)

	return err
}

// syncFile makes a file, or the names in a folder, durable.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}

	return errors.Join(f.Sync(), f.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}

	return err
}

// ignoreDamage ignores the damage of a file: later steps of open handle it.
func ignoreDamage(err error) error {
	if isDamage(err) {
		return nil
	}

	return err
}
