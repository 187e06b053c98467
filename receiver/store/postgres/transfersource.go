// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
)

// Source is a store that is moved to another one. It implements [transfer.Source].
type Source struct{ stopped }

// OpenSource opens the store that access leads to, to read it only. Receivers can write nothing before Close.
func OpenSource(ctx context.Context, access Access, options TransferOptions) (_ *Source, err error) {
	s := &Source{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the store: %w", err), s.Close())
		}
	}()

	if err := s.connect(ctx, access, options); err != nil {
		return nil, err
	}

	if err := s.checkSchema(ctx, schema.Require); err != nil {
		return nil, err
	}

	if err := s.checkUnused(ctx, s.conn); err != nil {
		return nil, err
	}

	if err := s.begin(ctx, "READ ONLY", "SHARE"); err != nil {
		return nil, err
	}

	if err := s.checkUnused(ctx, s.tx); err != nil { // none has begun before the locks
		return nil, err
	}

	return s, nil
}

// Rows implements transfer.Source.
func (s *Source) Rows(ctx context.Context, table *transfer.Table, each func([]any) error) error {
	statement := "SELECT " + strings.Join(table.Names(), ", ") + " FROM " + table.Name + " ORDER BY " + table.Key

	rows, err := s.tx.Query(ctx, statement)
	if err != nil {
		return sanitizeError(ctx, err)
	}
	defer rows.Close()

	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return sanitizeError(ctx, err)
		}

		for i, value := range values {
			values[i] = neutral(value)
		}

		if err := each(values); err != nil {
			return err
		}
	}

	return sanitizeError(ctx, rows.Err())
}

// neutral returns a value as it is moved.
func neutral(value any) any {
	switch v := value.(type) {
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case [16]byte:
		return v[:]
	default:
		return value
	}
}
