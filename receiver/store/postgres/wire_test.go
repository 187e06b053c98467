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

// sentStatement is a statement sent over the wire.
type sentStatement struct {
	sql   string
	types []uint32
	bound pgproto3.Bind
}

// watched returns a database that passes the statements of each round trip to see. It may call see concurrently.
func watched(tb testing.TB, access Access, see func([]sentStatement)) *database {
	tb.Helper()

	d := newDatabase(access, testOptions(Options{MaxConnections: 16}))
	config := d.pool.Config()
	d.pool.Close()

	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		return &wire{Conn: c, see: see, parsed: map[string]pgproto3.Parse{}}, err
	}

	var err error
	if d.pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		tb.Fatal(err)
	}

	return d
}

// wire observes writes. All statements of a round trip arrive in one write.
type wire struct {
	net.Conn
	see    func([]sentStatement)
	parsed map[string]pgproto3.Parse // by name
}

func (w *wire) Write(b []byte) (int, error) {
	var sent []sentStatement
	for rest := b; len(rest) >= 5 && rest[0] != 0; { // the first message of a connection has no type
		size := 1 + int(binary.BigEndian.Uint32(rest[1:]))

		body := slices.Clone(rest[5:size])
		switch rest[0] {
		case 'P':
			var parse pgproto3.Parse
			if err := parse.Decode(body); err != nil {
				return 0, err
			}

			w.parsed[parse.Name] = parse
		case 'B':
			var bind pgproto3.Bind
			if err := bind.Decode(body); err != nil {
				return 0, err
			}

			parse := w.parsed[bind.PreparedStatement]
			sent = append(sent, sentStatement{sql: parse.Query, types: parse.ParameterOIDs, bound: bind})
		}

		rest = rest[size:]
	}

	if len(sent) > 0 {
		w.see(sent)
	}

	return w.Conn.Write(b)
}
