// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
)

// migrateTimeout is the maximum time of a command's migration while another session uses the tables.
const migrateTimeout = 5 * time.Minute

// MigrateStopped migrates the schema of the store that access leads to. It returns an error if a receiver uses the store, if
// another program writes to it, such as a restore of a dump, or if its schema is newer than this program.
//
// A store that [Open] returns migrates its schema too, within the timeout of a call, and while receivers run.
func MigrateStopped(ctx context.Context, access Access, options TransferOptions) (err error) {
	s := &stopped{}
	defer func() {
		if err = errors.Join(err, s.Close()); err != nil {
			err = fmt.Errorf("prepare the store: %w", err)
		}
	}()

	if err := s.connect(ctx, access, options); err != nil {
		return err
	}

	if err := s.checkSchema(ctx, schema.RequireNotNewer); err != nil {
		return err
	}

	if err := s.checkUnused(ctx, s.conn); err != nil {
		return err
	}

	if err := s.migrate(ctx); err != nil {
		return err
	}

	if err := s.begin(ctx, "READ ONLY", "SHARE"); err != nil {
		return err
	}

	return s.checkUnused(ctx, s.tx) // none has begun before the locks
}

// migrate migrates the schema. It retries while another session uses the tables, for migrateTimeout at most: a person may wait
// for the command.
func (s *stopped) migrate(ctx context.Context) error {
	until := s.options.Clock.Now().Add(migrateTimeout)

	for reported := false; ; reported = true {
		err := s.database.ensureSchema(ctx)
		if err == nil {
			return nil
		}

		if failed, ok := errors.AsType[*fault](err); !ok || failed.code != lockNotAvailable {
			return fmt.Errorf("migrate its schema: %w", err)
		}

		if !reported && s.options.Waiting != nil {
			s.options.Waiting(err.Error())
		}

		if !s.options.Clock.Now().Before(until) {
			return errors.New("migrate its schema: a session uses the tables of the store, such as a dump: end it, and run the command again")
		}

		select {
		case <-s.options.Clock.After(schemaBackoff):
		case <-ctx.Done():
			return fmt.Errorf("migrate its schema: %w", sanitizeError(ctx, ctx.Err()))
		}
	}
}
