// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Values of each type must arrive in the database unchanged.
func TestValuesOfStatements(t *testing.T) {
	s := openStore(t, newAccess(t))

	id := store.ID{0x01, 15: 0xff}
	for _, c := range []struct {
		value any
		want  string // as PostgreSQL prints it
	}{
		{"ö\x00\"", `"ö` + "\uFFFD" + `\""`},
		{"", `""`},
		{[]byte{0, 1, 0xff}, `"\\x0001ff"`},
		{[]byte{}, "null"},
		{[]byte(nil), "null"},
		{id, `"01000000-0000-0000-0000-0000000000ff"`},
		{true, "true"},
		{-1, "-1"},
		{store.Class(-2), "-2"},
		{int64(1) << 60, "1152921504606846976"},
		{new(int64(3)), "3"},
		{(*int64)(nil), "null"},
		{[]string{"a", "", "{,\""}, `["a","","{,\""]`},
		{[]string(nil), "[]"},
		{[][]byte{{1}, nil, {}}, `["\\x01",null,null]`},
		{[]store.ID{id}, `["01000000-0000-0000-0000-0000000000ff"]`},
		{[]bool{true, false}, "[true,false]"},
		{[]int16{-3, 4}, "[-3,4]"},
		{[]int{-5, 6}, "[-5,6]"},
		{[]int64{-7, 8}, "[-7,8]"},
		{[]*int64{nil, new(int64(9))}, "[null,9]"},
	} {
		var got string

		err := s.write(t.Context(), func(_ context.Context, tx *tx) error {
			tx.query("SELECT coalesce(to_json($1), 'null')::text", func(rows pgx.Rows) error { return rows.Scan(&got) }, c.value)
			return nil
		})
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%#v: %v, (-want +got)\n%s", c.value, err, diff)
		}
	}

	err := s.write(t.Context(), func(_ context.Context, tx *tx) error { tx.exec("SELECT $1", 1.5); return nil })
	if err == nil || !strings.Contains(err.Error(), "argument $1: values of type float64 are not supported") {
		t.Errorf("a value of an unsupported type is reported as %v", err)
	}
}

// If a statement or the handler of its rows fails, the transaction fails and the connection stays usable.
func TestFailedStatementAmongOthers(t *testing.T) {
	access := newAccess(t)
	s := openLive(t, func() Access { return access }, Options{MaxConnections: 1})

	odd := &fault{text: "odd"}
	for _, c := range []struct {
		sql, want string
		each      func(pgx.Rows) error
	}{
		{"SELECT 1 / 0", "SQLSTATE 22012", func(pgx.Rows) error { return nil }},
		{"SELECT generate_series(1, 1000)", "odd", func(pgx.Rows) error { return odd }},
	} {
		err := s.write(t.Context(), func(_ context.Context, tx *tx) error {
			tx.exec("INSERT INTO pauses (scope, until, level, code) VALUES ('a', 1, 1, '')")
			tx.query(c.sql, c.each)
			tx.exec("INSERT INTO pauses (scope, until, level, code) VALUES ('b', 1, 1, '')")

			return tx.flush(t.Context())
		})
		wantFault(t, err, c.want)

		if got := pauses(t, s); got != "" {
			t.Errorf("%q was written, want nothing", got)
		}
	}
}
