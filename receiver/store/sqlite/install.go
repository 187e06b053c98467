// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
)

// installedSuffix follows the name of the database in the name of an incomplete copy.
const installedSuffix = ".restored"

var (
	errUnsound = errors.New("the backup is damaged: its pages do not fit together")
	errNoStore = errors.New("the backup is not a store of a receiver")
)

// Exists reports whether there is a store at path. An empty file is none: a process that ends while it opens a new store leaves
// one. All else counts as a store, so that nothing replaces it.
func Exists(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}

	if err != nil {
		return false, fmt.Errorf("look for the store: %w", err)
	}

	return !info.Mode().IsRegular() || info.Size() > 0, nil
}

// Install makes a copy of a store, of size bytes, the store at path. It changes nothing if there is one. write writes the copy;
// if it fails, or if the copy is damaged or too new for this program, there is no store afterwards. A process that dies
// meanwhile leaves no store or the entire copy.
func Install(ctx context.Context, path string, size int64, write func(io.Writer) error) error {
	return install(ctx, path, size, write, diskSpace)
}

func install(
	ctx context.Context,
	path string,
	size int64,
	write func(io.Writer) error,
	space func(folder string) (total, free int64, err error),
) (err error) {
	lock, err := acquire(path + ".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()

	if exists, err := Exists(path); exists || err != nil {
		return err
	}

	written := path + installedSuffix
	if err := ignoreMissing(os.Remove(written)); err != nil {
		return err // of a process that ended meanwhile
	}

	if err := roomToInstall(filepath.Dir(path), size, space); err != nil {
		return err
	}

	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(written)))
		}
	}()

	if err := writeFile(written, write); err != nil {
		return withEnlargeHint(err)
	}

	if err := checkInstalled(ctx, written); err != nil {
		return err
	}

	// A log without its database would be applied to the copy, and damage it.
	for _, suffix := range []string{"-journal", "-wal", "-shm"} {
		if err := ignoreMissing(os.Remove(path + suffix)); err != nil {
			return err
		}
	}

	if err := syncFile(filepath.Dir(path)); err != nil {
		return err
	}

	if err := os.Rename(written, path); err != nil {
		return err
	}

	return syncFile(filepath.Dir(path))
}

// roomToInstall returns an error if the disk has no room for a copy besides its reserve.
func roomToInstall(folder string, size int64, space func(string) (total, free int64, err error)) error {
	total, free, err := space(folder)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil // the disk says when it is full
	}

	if err != nil {
		return fmt.Errorf("read the space of the disk: %w", err)
	}

	if left := free - reserveOf(total); left < size {
		return fmt.Errorf("%w: the backup needs %d MiB, and %d MiB may be used: enlarge the volume",
			store.ErrDiskFull, size>>20+1, max(left, 0)>>20)
	}

	return nil
}

// withEnlargeHint names the disk in the error of a file that could not be written for lack of space.
func withEnlargeHint(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: enlarge the volume", store.ErrDiskFull)
	}

	return err
}

// writeFile writes a new file, readable by its owner only, durably.
func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}

	buffered := bufio.NewWriterSize(file, 1<<20)

	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}

	if err == nil {
		err = file.Sync()
	}

	return errors.Join(err, file.Close())
}

// checkInstalled returns an error if a file is not a sound store, or too new for this program. It does not change it.
func checkInstalled(ctx context.Context, path string) error {
	err := checkCopy(ctx, path)
	if errors.Is(err, store.ErrBackupDamaged) {
		return errUnsound
	}

	if failed, ok := errors.AsType[*sqlite.Error](err); ok && failed.Code()&0xff == sqlite3.SQLITE_NOTADB {
		return errNoStore
	}

	if err != nil {
		return fmt.Errorf("check the backup: %w", err)
	}

	err = withMigrations(dsn(path, []string{"query_only(1)"})+"&mode=ro&immutable=1", func(db *sql.DB, provider *goose.Provider) error {
		var tables int

		row := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name IN ('events', 'goose_db_version')")
		if err := row.Scan(&tables); err != nil {
			return err
		}

		if tables != 2 {
			return errNoStore
		}

		return schema.Check(ctx, db, provider)
	})
	if err != nil {
		return fmt.Errorf("check the backup: %w", err)
	}

	return nil
}
