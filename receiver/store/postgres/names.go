// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// namesOf returns all names of the person with a name, that of the lane first; none for the empty name.
func (t *tx) namesOf(ctx context.Context, name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}

	var names []string

	t.query(`
		WITH person AS (SELECT coalesce((SELECT n.person FROM names n WHERE n.name = $1), $1) AS lane)
		SELECT lane FROM person UNION ALL SELECT n.name FROM person p JOIN names n ON n.person = p.lane`,
		func(rows pgx.Rows) error {
			var found string

			err := rows.Scan(&found)
			names = append(names, found)

			return err
		}, name)

	err := t.flush(ctx)

	return names, err
}
