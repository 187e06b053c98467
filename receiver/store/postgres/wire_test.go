// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
)

// statement is one that went over the wire.
type statement struct {
	sql   string
	types []uint32
	bound pgproto3.Bind
}

// watched is a database whose statements are shown to see, those of a round trip at a time. It may be called concurrently.
func watched(tb testing.TB, access Access, see func([]statement)) *database {
	tb.Helper()

	d := newDatabase(access, testOptions(Options{MaxConnections: 16}))
	config := d.pool.Config()
	d.pool.Close()

	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		return &wire{Conn: c, see: see}, err
	}

	var err error
	if d.pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		tb.Fatal(err)
	}

	return d
}

// wire shows what is written. A round trip is written at once, from its first statement on.
type wire struct {
	net.Conn
	see func([]statement)
}

func (w *wire) Write(b []byte) (int, error) {
	var sent []statement
	for left := b; len(left) >= 5 && left[0] != 0; { // a connection begins with a message that has no type
		size := 1 + int(binary.BigEndian.Uint32(left[1:]))

		body := slices.Clone(left[5:size])
		switch left[0] {
		case 'P':
			var parse pgproto3.Parse
			if err := parse.Decode(body); err != nil {
				return 0, err
			}

			sent = append(sent, statement{sql: parse.Query, types: parse.ParameterOIDs})
		case 'B':
			if err := sent[len(sent)-1].bound.Decode(body); err != nil {
				return 0, err
			}
		}

		left = left[size:]
	}

	if len(sent) > 0 {
		w.see(sent)
	}

	return w.Conn.Write(b)
}
