// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package schema migrates the schema of a store, step by step, and decides which programs may use a newer one.
//
// Every store records the oldest version of the schema whose programs can still work on it, its compatibility. A program
// refuses a store only if that is above the program's own version. So after most upgrades the previous release can be
// started again. The compatibility may depend on what is stored: compatibility is a view, which needs a newer program while
// an event is pending that older ones do not know.
package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// IncompatibleError means that a store is too new for this program.
type IncompatibleError struct {
	Version int64 // of the store
	Oldest  int64 // version whose programs can work on it
	Own     int64 // version of this program
}

// Error describes the versions and the remedy.
func (e *IncompatibleError) Error() string {
	return fmt.Sprintf("the schema of the store has version %d and needs a program that supports version %d, this one supports %d: "+
		"run the newer version again, or restore a backup of the older store", e.Version, e.Oldest, e.Own)
}

// Migrate migrates a store to the schema version of the program. Programs from version oldest on must be able to use the
// result. It does not change a store of a newer version that this program can use.
func Migrate(ctx context.Context, db *sql.DB, provider *goose.Provider, oldest int64, progress func(store.Migration)) error {
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}

	if current > target {
		return compatible(ctx, db, current, target)
	}

	// The compatibility is raised first: an older program must not use a store that is migrated in part.
	if err := raise(ctx, db, oldest); err != nil {
		return fmt.Errorf("record which programs can work on the store: %w", err)
	}

	return up(ctx, provider, progress)
}

// Check returns an error if this program cannot work on a store. It changes nothing in a store that has a version.
func Check(ctx context.Context, db *sql.DB, provider *goose.Provider) error {
	current, target, err := provider.GetVersions(ctx)
	if err != nil || current <= target {
		return err
	}

	return compatible(ctx, db, current, target)
}

func up(ctx context.Context, provider *goose.Provider, progress func(store.Migration)) error {
	states, err := provider.Status(ctx)
	if err != nil {
		return err
	}

	pending := 0

	for _, s := range states {
		if s.State == goose.StatePending {
			pending++
		}
	}

	for step := 1; step <= pending; step++ {
		if progress != nil {
			progress(store.Migration{Step: step, Of: pending})
		}

		if _, err := provider.UpByOne(ctx); err != nil && !errors.Is(err, goose.ErrNoNextVersion) {
			return err
		}
	}

	return nil
}

// compatible returns an error unless the program of version own can work on a store of a newer version.
func compatible(ctx context.Context, db *sql.DB, version, own int64) error {
	oldest, err := read(ctx, db)
	if err != nil {
		oldest = version // a store without a record is only for its own version
	}

	if oldest > own {
		return &IncompatibleError{
			Version: version,
			Oldest:  oldest,
			Own:     own,
		}
	}

	return nil
}

func read(ctx context.Context, db *sql.DB) (oldest int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT max(oldest) FROM compatibility").Scan(&oldest)
	return oldest, err
}

// raise records the compatibility. It writes only if that changes something.
func raise(ctx context.Context, db *sql.DB, oldest int64) error {
	if recorded, err := read(ctx, db); err == nil && recorded >= oldest {
		return nil
	}

	for _, statement := range []string{
		"CREATE TABLE IF NOT EXISTS compatibility (oldest BIGINT NOT NULL)",
		fmt.Sprintf("INSERT INTO compatibility (oldest) VALUES (%d)", oldest), // the greatest row counts
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}

	return nil
}

// VersionError means that the schema of a store does not have the version that a program needs.
type VersionError struct {
	Version int64 // of the store
	Own     int64 // version of this program
}

// Error says what to do.
func (e *VersionError) Error() string {
	if e.Version > e.Own {
		return fmt.Sprintf("the schema of the store has version %d, and this program supports %d: use the newer program", e.Version, e.Own)
	}

	return fmt.Sprintf("the schema of the store has version %d, and this program needs %d: start a receiver of this version on it, "+
		"which migrates it, and stop that receiver; but on a store that was restored from a snapshot or a dump, run end-pending, "+
		"since a receiver would answer what is pending there", e.Version, e.Own)
}

// versions returns the version of the schema of a store, and that of the program's migrations. It changes nothing.
func versions(ctx context.Context, db *sql.DB, provider *goose.Provider) (stored, own int64, err error) {
	for _, source := range provider.ListSources() {
		own = max(own, source.Version)
	}

	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&stored)
	if err != nil {
		return 0, own, fmt.Errorf("read the version of the schema, which every store of a receiver has: %w", err)
	}

	return stored, own, nil
}

// Require returns an error unless the schema of a store has the version of the program's migrations. It changes nothing.
func Require(ctx context.Context, db *sql.DB, provider *goose.Provider) error {
	stored, own, err := versions(ctx, db, provider)
	if err == nil && stored != own {
		err = &VersionError{Version: stored, Own: own}
	}

	return err
}

// RequireNotNewer returns an error if the schema of a store has a newer version than the program's migrations.
func RequireNotNewer(ctx context.Context, db *sql.DB, provider *goose.Provider) error {
	err := Require(ctx, db, provider)
	if older, ok := errors.AsType[*VersionError](err); ok && older.Version < older.Own {
		return nil
	}

	return err
}
