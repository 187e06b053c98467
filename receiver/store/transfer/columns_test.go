// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	_ "modernc.org/sqlite" // the driver of database/sql

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
)

// left are the tables that are not moved, with the reason.
var left = map[string]string{
	"duties":                 "leaderships, which end with their receivers",
	"counts":                 "figures, which are counted anew",
	"damaged":                "marks of damaged pages of the file",
	"probe":                  "written to see whether the disk works",
	"transcripts":            "moved as a column of events",
	"goose_db_version":       "the version of the schema",
	"recorded_compatibility": "which programs can work with the schema",
}

// TestColumns fails if an engine has a table or a column that is not moved: add it to Tables, and to the other engine, or to
// left.
func TestColumns(t *testing.T) {
	moved := map[string][]string{}
	for _, table := range transfer.Tables {
		moved[table.Name] = table.Names()
	}

	embedded := newFile(t.TempDir())

	database, err := newDatabase()
	if err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct {
		place   place
		columns func(*testing.T, place) map[string][]string
		apart   string // a column that the engine has in its own table
	}{
		"embedded":   {embedded, embeddedColumns, "transcript"},
		"PostgreSQL": {database, databaseColumns, ""},
	} {
		t.Run(name, func(t *testing.T) {
			migrate(t, c.place)

			want := map[string][]string{}

			for table, columns := range moved {
				for _, column := range columns {
					if table != "events" || column != c.apart {
						want[table] = append(want[table], column)
					}
				}
			}

			got := c.columns(t, c.place)
			for table := range left {
				delete(got, table)
			}

			sets := cmp.Transformer("set", func(columns []string) map[string]bool {
				set := map[string]bool{}
				for _, column := range columns {
					set[column] = true
				}

				return set
			})
			if diff := cmp.Diff(want, got, sets); diff != "" {
				t.Errorf("columns that are moved (-), and that the engine has (+):\n%s", diff)
			}
		})
	}
}

// migrate creates the schema of a store.
func migrate(t *testing.T, p place) {
	t.Helper()

	s, err := p.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if _, err := s.Stats(t.Context(), now); err != nil {
		t.Error(err)
	}

	closeStore(t, p, s)
}

func closeStore(t *testing.T, p place, s store.Store) {
	t.Helper()

	if err := errors.Join(s.Close(), p.ended(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func embeddedColumns(t *testing.T, p place) map[string][]string {
	t.Helper()

	db, err := sql.Open("sqlite", p.file)
	if err != nil {
		t.Fatal(err)
	}

	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()

	rows, err := db.QueryContext(t.Context(), `
		SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'`)
	if err != nil {
		t.Fatal(err)
	}

	defer func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}()

	columns := map[string][]string{}

	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}

		columns[table] = append(columns[table], column)
	}

	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}

	return columns
}

func databaseColumns(t *testing.T, p place) map[string][]string {
	t.Helper()

	columns := map[string][]string{}

	err := withDatabase(t.Context(), p, func(c *pgx.Conn) error {
		rows, err := c.Query(t.Context(), `
			SELECT c.table_name, c.column_name FROM information_schema.columns c
			JOIN information_schema.tables t USING (table_schema, table_name)
			WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'`)
		if err != nil {
			return err
		}

		var table, column string

		_, err = pgx.ForEachRow(rows, []any{&table, &column}, func() error {
			columns[table] = append(columns[table], column)
			return nil
		})

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return columns
}

func withDatabase(ctx context.Context, p place, run func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }() // the session of a test

	return run(c)
}

// TestEveryValue moves rows in which each column has its own value, and rows in which what can be missing is missing,
// through both engines and back.
func TestEveryValue(t *testing.T) {
	first := newFile(t.TempDir())
	last := newFile(t.TempDir())

	between, err := newDatabase()
	if err != nil {
		t.Fatal(err)
	}

	rows := everyValue()

	if err := load(t.Context(), first, rows); err != nil {
		t.Fatal(err)
	}

	for _, step := range [][2]place{{first, between}, {between, last}} {
		if _, err := move(t.Context(), step[0], step[1], now); err != nil {
			t.Fatal(err)
		}
	}

	for name, p := range map[string]place{"embedded": first, "PostgreSQL": between, "embedded again": last} {
		got, err := dump(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(rows, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}

	if entries, err := filepath.Glob(filepath.Dir(last.file) + "/*"); err != nil || len(entries) == 0 ||
		strings.Contains(strings.Join(entries, " "), ".moving") {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

// optional are the columns that can be missing.
var optional = map[string]bool{
	"events.finished_at": true, "events.bound_to": true, "events.replay_job": true, "events.payload": true, "events.transcript": true,
	"replies.body": true, "replies.started_at": true, "pauses.set_at": true,
}

// everyValue returns two rows of each table.
func everyValue() map[string][][]any {
	rows := map[string][][]any{}
	n := 100

	for _, table := range transfer.Tables {
		for missing := range 2 {
			var row []any

			for _, c := range table.Columns {
				n++
				column := table.Name + "." + c.Name
				inLane := table.Name == "conversations" && c.Name != "lane" && c.Name != "class" && c.Name != "starts" &&
					c.Name != "template_required"

				switch {
				case missing == 1 && (optional[column] || inLane), column == "conversations.token":
					row = append(row, nil) // a lease is not moved
				case column == "events.class", column == "conversations.class":
					row = append(row, int64(missing))
				case column == "events.state":
					row = append(row, string([]store.State{store.Pending, store.Dead}[missing]))
				default:
					row = append(row, valueOf(c.Kind, n))
				}
			}

			rows[table.Name] = append(rows[table.Name], row)
		}
	}

	return rows
}

func valueOf(kind transfer.Kind, n int) any {
	switch kind {
	case transfer.Integer:
		return int64(n)
	case transfer.Boolean:
		return n%2 == 0
	case transfer.LongText:
		return strings.Repeat("á ", 1000) + fmt.Sprint(n)
	case transfer.Text:
		return fmt.Sprintf("text %d, ñandú", n)
	case transfer.ID:
		id := store.NewID(store.KindMessage, fmt.Sprint(n))
		return id[:]
	default:
		return append([]byte{0, 1, 0xff}, fmt.Sprint(n)...)
	}
}

// given is a source of rows that a test has made.
type given map[string][][]any

func (g given) Rows(_ context.Context, table *transfer.Table, each func([]any) error) error {
	for _, row := range g[table.Name] {
		if err := each(append([]any(nil), row...)); err != nil {
			return err
		}
	}

	return nil
}

func load(ctx context.Context, p place, rows map[string][][]any) error {
	t, err := p.target(ctx, now)
	if err != nil {
		return err
	}

	if _, err = transfer.Run(ctx, given(rows), t, clockwork.NewFakeClockAt(now), func(transfer.Moved) {}); err != nil {
		_ = t.Close() // the failure of the move is the one to report
		return err
	}

	return t.Close()
}

func dump(ctx context.Context, p place) (rows map[string][][]any, err error) {
	s, err := p.source(ctx, now)
	if err != nil {
		return nil, err
	}
	defer func() {
		if end := s.Close(); err == nil {
			err = end
		}
	}()

	rows = map[string][][]any{}

	for _, table := range transfer.Tables {
		if err := s.Rows(ctx, table, func(row []any) error {
			rows[table.Name] = append(rows[table.Name], row)
			return nil
		}); err != nil {
			return nil, err
		}
	}

	return rows, nil
}
