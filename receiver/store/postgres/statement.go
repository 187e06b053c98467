// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// statements are sent together as one pipeline. Each is parsed anew: a prepared statement needs PgBouncer 1.21 with the
// matching configuration, and a cached description would be wrong after another receiver has migrated the schema.
//
// Values are sent in binary together with their types. So no round trip is needed to ask for types, and the texts and
// payloads of a batch are not quoted.
type statements struct {
	batch   pgconn.Batch
	results []func(pgx.Rows) error // handler of the rows of each statement; nil ignores them
	params  params                 // of the statement being queued
}

var binaryResults = []int16{pgx.BinaryFormatCode}

// queue adds a statement. The function result receives its rows, and need not read all of them.
func (s *statements) queue(sql string, args []any, result func(pgx.Rows) error) error {
	s.params.reset()

	for i, arg := range args {
		if err := s.params.add(arg); err != nil {
			return fmt.Errorf("encode argument $%d: %w", i+1, err)
		}
	}

	s.batch.ExecParams(sql, s.params.values, s.params.types, s.params.formats, binaryResults)
	s.results = append(s.results, result)

	return nil
}

// send sends the queued statements and calls the handlers of their results.
func (s *statements) send(ctx context.Context, conn *pgx.Conn) error {
	results := conn.PgConn().ExecBatch(ctx, &s.batch)

	var failed error
	for i := 0; failed == nil && results.NextResult(); i++ {
		rows := pgx.RowsFromResultReader(conn.TypeMap(), results.ResultReader())
		if s.results[i] != nil {
			failed = s.results[i](rows)
		}

		rows.Close()
	}

	if err := results.Close(); err != nil {
		return err
	}

	return failed
}

// params are the values of a statement in the wire format.
type params struct {
	values  [][]byte
	types   []uint32
	formats []int16
	buffer  []byte // backing storage of the values
}

func (p *params) reset() {
	p.values = p.values[:0]
	p.types = p.types[:0]
	p.formats = p.formats[:0]
	p.buffer = p.buffer[:0]
}

// add appends a value. It supports the few types that the statements of this package use.
func (p *params) add(arg any) error {
	begin := len(p.buffer)

	var of uint32

	null := false
	switch v := arg.(type) {
	case string:
		of = pgtype.TextOID

		p.buffer = append(p.buffer, sanitize(v)...)
	case []byte:
		of = pgtype.ByteaOID
		null = len(v) == 0
		p.buffer = append(p.buffer, v...)
	case store.ID:
		of = pgtype.UUIDOID

		p.buffer = append(p.buffer, v[:]...)
	case int:
		of = pgtype.Int8OID
		p.buffer = putInt8(p.buffer, int64(v))
	case store.Class:
		of = pgtype.Int2OID
		p.buffer = putInt2(p.buffer, int16(v))
	case int64:
		of = pgtype.Int8OID
		p.buffer = putInt8(p.buffer, v)
	case *int64:
		of = pgtype.Int8OID

		null = v == nil
		if !null {
			p.buffer = putInt8(p.buffer, *v)
		}
	case []string:
		of = pgtype.TextArrayOID
		p.buffer = array(p.buffer, pgtype.TextOID, v, func(b []byte, s string) ([]byte, bool) {
			return append(b, sanitize(s)...), true
		})
	case [][]byte:
		of = pgtype.ByteaArrayOID
		p.buffer = array(p.buffer, pgtype.ByteaOID, v, func(b, bytes []byte) ([]byte, bool) {
			return append(b, bytes...), len(bytes) > 0
		})
	case []store.ID:
		of = pgtype.UUIDArrayOID
		p.buffer = array(p.buffer, pgtype.UUIDOID, v, func(b []byte, id store.ID) ([]byte, bool) {
			return append(b, id[:]...), true
		})
	case []bool:
		of = pgtype.BoolArrayOID
		p.buffer = array(p.buffer, pgtype.BoolOID, v, func(b []byte, is bool) ([]byte, bool) {
			if is {
				return append(b, 1), true
			}

			return append(b, 0), true
		})
	case []int16:
		of = pgtype.Int2ArrayOID
		p.buffer = array(p.buffer, pgtype.Int2OID, v, func(b []byte, n int16) ([]byte, bool) {
			return putInt2(b, n), true
		})
	case []int:
		of = pgtype.Int8ArrayOID
		p.buffer = array(p.buffer, pgtype.Int8OID, v, func(b []byte, n int) ([]byte, bool) {
			return putInt8(b, int64(n)), true
		})
	case []int64:
		of = pgtype.Int8ArrayOID
		p.buffer = array(p.buffer, pgtype.Int8OID, v, func(b []byte, n int64) ([]byte, bool) {
			return putInt8(b, n), true
		})
	case []*int64:
		of = pgtype.Int8ArrayOID
		p.buffer = array(p.buffer, pgtype.Int8OID, v, func(b []byte, n *int64) ([]byte, bool) {
			if n == nil {
				return b, false
			}

			return putInt8(b, *n), true
		})
	default:
		return fmt.Errorf("values of type %T are not supported", arg)
	}

	value := p.buffer[begin:]
	if null {
		value = nil
	} else if value == nil {
		value = []byte{}
	}

	p.values = append(p.values, value)
	p.types = append(p.types, of)
	p.formats = append(p.formats, pgx.BinaryFormatCode)

	return nil
}

// array appends a one-dimensional array in the format of array_send. The function put reports whether a value is not
// NULL.
func array[T any](b []byte, element uint32, values []T, put func([]byte, T) ([]byte, bool)) []byte {
	const mayHoldNulls = 1
	for _, n := range [...]uint32{1, mayHoldNulls, element, uint32(len(values)), 1} { //nolint:gosec // a batch is bounded
		b = binary.BigEndian.AppendUint32(b, n)
	}

	for _, value := range values {
		size := len(b)
		b = append(b, 0, 0, 0, 0)

		var there bool
		if b, there = put(b, value); there {
			binary.BigEndian.PutUint32(b[size:], uint32(len(b)-size-4)) //nolint:gosec // so is a payload
		} else {
			binary.BigEndian.PutUint32(b[size:], ^uint32(0)) // -1
		}
	}

	return b
}

func putInt2(b []byte, n int16) []byte { return binary.BigEndian.AppendUint16(b, uint16(n)) } //nolint:gosec // two's complement
func putInt8(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) } //nolint:gosec // two's complement
