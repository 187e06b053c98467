// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
)

// MigrateStopped migrates the schema of the store that access leads to. It returns an error if a receiver works on the store,
// if another program writes to it, such as one that restores a dump, or if its schema is newer than this program.
//
// A store that [Open] returns migrates its schema too, but only for as long as a call may take, and whether receivers run or
// not.
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

	if err := s.database.ensureSchema(ctx); err != nil {
		return fmt.Errorf("migrate its schema: %w", err)
	}

	if err := s.begin(ctx, "READ ONLY", "SHARE"); err != nil {
		return err
	}

	return s.checkUnused(ctx, s.tx) // none has begun before the locks
}
