// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// statements are sent together as one pipeline.
//
// Values are sent in binary together with their types. So no round trip is needed to ask for types, and the texts and
// payloads of a batch are not quoted.
type statements struct {
	list  []statement
	fault error // the first failure to queue a statement
}

// statement is a statement with its values in the wire format.
type statement struct {
	sql     string
	values  [][]byte
	types   []uint32
	formats []int16
	buffer  []byte               // backing storage of the values
	result  func(pgx.Rows) error // handler of the rows; nil ignores them
}

var binaryResults = []int16{pgx.BinaryFormatCode}

// queue adds a statement. The function result receives its rows, and need not read all of them.
func (s *statements) queue(sql string, args []any, result func(pgx.Rows) error) {
	one := statement{sql: sql, result: result}

	for i, arg := range args {
		if err := one.add(arg); err != nil {
			s.fault = cmp.Or(s.fault, fmt.Errorf("encode argument $%d: %w", i+1, err))
		}
	}

	s.list = append(s.list, one)
}

// send sends the statements and calls the handlers of their results. They are prepared on the connection; each is parsed
// anew if known is nil.
func (s *statements) send(ctx context.Context, conn *pgx.Conn, known *prepared) (err error) {
	pipeline := conn.PgConn().StartPipeline(ctx)

	defer func() {
		if end := pipeline.Close(); err == nil {
			err = end
		}
	}()

	names := known.names(s.list)
	for i := range s.list {
		s.list[i].send(pipeline, names[i])
	}

	if err := pipeline.Sync(); err != nil {
		return err
	}

	var failed error

	for i := range s.list {
		if names[i].parse {
			if _, err := pipeline.GetResults(); err != nil {
				return cmp.Or(failed, err)
			}

			known.add(&s.list[i], names[i].name)
		}

		// After the failure of a handler the results are still read, since they show what the server has prepared.
		handle := s.list[i].result
		if failed != nil {
			handle = nil
		}

		handled, err := receive(pipeline, conn, handle)
		failed = cmp.Or(failed, handled)

		if err != nil {
			return cmp.Or(failed, err)
		}
	}

	return failed
}

func (s *statement) send(pipeline *pgconn.Pipeline, as preparedName) {
	if as.name == "" {
		pipeline.SendQueryParams(s.sql, s.values, s.types, s.formats, binaryResults)
		return
	}

	if as.parse {
		pipeline.SendPrepare(as.name, s.sql, s.types)
	}

	pipeline.SendQueryPrepared(as.name, s.values, s.formats, binaryResults)
}

// receive calls a handler of the rows of the next result. It returns the error of the handler, and that of the server.
func receive(pipeline *pgconn.Pipeline, conn *pgx.Conn, handle func(pgx.Rows) error) (handled, err error) {
	next, err := pipeline.GetResults()
	if err != nil {
		return nil, err
	}

	result, ok := next.(*pgconn.ResultReader)
	if !ok {
		return nil, fmt.Errorf("the driver returned %T instead of rows", next)
	}

	rows := pgx.RowsFromResultReader(conn.TypeMap(), result)
	if handle != nil {
		handled = handle(rows)
	}

	rows.Close()

	if _, err := result.Close(); err != nil {
		return nil, err
	}

	return handled, nil
}

// add appends a value. It supports the few types that the statements of this package use.
func (s *statement) add(arg any) error {
	begin := len(s.buffer)

	of, isNull := s.encodeScalar(arg)
	if of == 0 {
		of = s.encodeArray(arg)
	}

	if of == 0 {
		return fmt.Errorf("values of type %T are not supported", arg)
	}

	value := s.buffer[begin:]
	if isNull {
		value = nil
	} else if value == nil {
		value = []byte{}
	}

	s.values = append(s.values, value)
	s.types = append(s.types, of)
	s.formats = append(s.formats, pgx.BinaryFormatCode)

	return nil
}

// encodeScalar appends a value other than an array to the buffer. It returns the type, or 0 for an unknown one.
func (s *statement) encodeScalar(arg any) (of uint32, isNull bool) {
	switch v := arg.(type) {
	case string:
		s.buffer = append(s.buffer, sanitize(v)...)

		return pgtype.TextOID, false
	case unlimited:
		s.buffer = append(s.buffer, valid(string(v))...)

		return pgtype.TextOID, false
	case []byte:
		s.buffer = append(s.buffer, v...)

		return pgtype.ByteaOID, len(v) == 0
	case store.ID:
		s.buffer = append(s.buffer, v[:]...)

		return pgtype.UUIDOID, false
	case store.Class:
		s.buffer = putInt2(s.buffer, int16(v))

		return pgtype.Int2OID, false
	case bool:
		s.buffer, _ = putBool(s.buffer, v)

		return pgtype.BoolOID, false
	case int:
		s.buffer = putInt8(s.buffer, int64(v))

		return pgtype.Int8OID, false
	case int64:
		s.buffer = putInt8(s.buffer, v)

		return pgtype.Int8OID, false
	case *int64:
		if v != nil {
			s.buffer = putInt8(s.buffer, *v)
		}

		return pgtype.Int8OID, v == nil
	}

	return 0, false
}

// encodeArray appends an array to the buffer. It returns the type, or 0 for an unknown one.
func (s *statement) encodeArray(arg any) (of uint32) {
	switch v := arg.(type) {
	case []string:
		s.buffer = array(s.buffer, pgtype.TextOID, v, putText)
		return pgtype.TextArrayOID
	case [][]byte:
		s.buffer = array(s.buffer, pgtype.ByteaOID, v, putBytes)
		return pgtype.ByteaArrayOID
	case []store.ID:
		s.buffer = array(s.buffer, pgtype.UUIDOID, v, putID)
		return pgtype.UUIDArrayOID
	case []bool:
		s.buffer = array(s.buffer, pgtype.BoolOID, v, putBool)
		return pgtype.BoolArrayOID
	case []int16:
		s.buffer = array(s.buffer, pgtype.Int2OID, v, notNull(putInt2))
		return pgtype.Int2ArrayOID
	case []int:
		s.buffer = array(s.buffer, pgtype.Int8OID, v, func(b []byte, n int) ([]byte, bool) { return putInt8(b, int64(n)), true })
		return pgtype.Int8ArrayOID
	case []int64:
		s.buffer = array(s.buffer, pgtype.Int8OID, v, notNull(putInt8))
		return pgtype.Int8ArrayOID
	case []*int64:
		s.buffer = array(s.buffer, pgtype.Int8OID, v, putOptionalInt8)
		return pgtype.Int8ArrayOID
	}

	return 0
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

func putText(b []byte, text string) ([]byte, bool) { return append(b, sanitize(text)...), true }

func putBytes(b, bytes []byte) ([]byte, bool) { return append(b, bytes...), len(bytes) > 0 }

func putID(b []byte, id store.ID) ([]byte, bool) { return append(b, id[:]...), true }

func putBool(b []byte, is bool) ([]byte, bool) {
	if is {
		return append(b, 1), true
	}

	return append(b, 0), true
}

func putOptionalInt8(b []byte, n *int64) ([]byte, bool) {
	if n == nil {
		return b, false
	}

	return putInt8(b, *n), true
}

// notNull returns the function for [array] that appends values which are never NULL.
func notNull[T any](put func([]byte, T) []byte) func([]byte, T) ([]byte, bool) {
	return func(b []byte, value T) ([]byte, bool) { return put(b, value), true }
}

func putInt2(b []byte, n int16) []byte { return binary.BigEndian.AppendUint16(b, uint16(n)) } //nolint:gosec // two's complement
func putInt8(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) } //nolint:gosec // two's complement
