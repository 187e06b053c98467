// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
)

// maxPrepared limits the statements prepared on one connection. The writes of this package have fewer; those whose text
// is not constant must not fill the memory of the server.
const maxPrepared = 200

// prepared are the statements that one connection has prepared. To parse and plan a statement takes the server longer
// than to run it.
//
// A pooler without support for prepared statements, such as PgBouncer before 1.21, may run a transaction on a session that has
// not prepared its statements, or that prepared them for another receiver. The transaction then fails before it changes
// anything. It is retried, and from then on the statements of this database are sent unprepared.
type prepared struct {
	statements map[string]preparedStatement // by SQL
}

type preparedStatement struct {
	name  string
	types []uint32
}

// preparedName is how a statement is sent: by a name, which must be prepared first if parse is set, or without one.
type preparedName struct {
	name  string
	parse bool
}

// preparedOn returns the statements that are prepared on a connection.
func preparedOn(c *pgx.Conn) *prepared {
	const key = "prepared"

	data := c.PgConn().CustomData()
	if known, ok := data[key].(*prepared); ok {
		return known
	}

	known := &prepared{statements: map[string]preparedStatement{}}
	data[key] = known

	return known
}

// names returns the name of each statement.
func (p *prepared) names(statements []statement) []preparedName {
	names := make([]preparedName, len(statements))
	if p == nil {
		return names
	}

	parsed := map[string]bool{}

	for i := range statements {
		n := p.name(&statements[i])
		if n.parse {
			n.parse = !parsed[n.name]
			parsed[n.name] = true
		}

		names[i] = n
	}

	return names
}

// name returns the name under which a statement is or can be prepared. It is derived from the text and the types, so that
// a name never leads to another statement, whichever session a pooler chooses.
func (p *prepared) name(s *statement) preparedName {
	if known, ok := p.statements[s.sql]; ok {
		if !slices.Equal(known.types, s.types) {
			return preparedName{}
		}

		return preparedName{name: known.name}
	}

	if len(p.statements) >= maxPrepared {
		return preparedName{}
	}

	h := sha256.New()
	_, _ = h.Write([]byte(s.sql)) // never fails
	_ = binary.Write(h, binary.BigEndian, s.types)

	return preparedName{name: "w" + hex.EncodeToString(h.Sum(nil)[:16]), parse: true}
}

// add records that a statement was prepared.
func (p *prepared) add(s *statement, name string) {
	p.statements[s.sql] = preparedStatement{name: name, types: slices.Clone(s.types)}
}

// Conditions on events e whose plan stays right when it was made while the tables were empty.
const (
	// hasReplies avoids EXISTS, for which the planner may read all replies once instead of those of the event.
	hasReplies = "(SELECT true FROM replies r WHERE r.event = e.seq LIMIT 1) IS NOT NULL"
	// isPending hides the state from the indexes on pending events, for events that are found by another index.
	isPending = "coalesce(e.state, '') = 'pending'"
)

// notPrepared reports whether a transaction failed because of prepared statements: one is missing or exists already, as
// behind a pooler that does not know them, or returns other columns since the schema was migrated.
func notPrepared(err error) bool {
	var f *fault
	return errors.As(err, &f) && (f.code == "26000" || f.code == "42P05" || f.code == "0A000")
}
