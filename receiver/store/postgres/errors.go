// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// fault says what went wrong, in words that hold no address, name, password or value. Those of PostgreSQL and of the
// driver do, so none of their errors leaves this package.
type fault struct {
	text  string
	code  string // SQLSTATE, where the database reported one
	cause error  // context.Canceled or context.DeadlineExceeded, or one of this package's own
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.cause }

var (
	// errAway says that there is no connection, so that nothing was attempted.
	errAway = errors.New("the database cannot be reached")
	// errLeft says that the way to the database changed meanwhile.
	errLeft = errors.New("the database URL changed")
)

// reported are what the database says in words that a person can act on.
var reported = map[string]string{
	"28P01": "the database refuses the user or the password of its URL",
	"28000": "the database refuses the user of its URL, from here or without TLS",
	"3D000": "the database that its URL names does not exist",
	"42501": "the database denies the user of its URL what the store needs: to create tables, and to read and write its own",
	"3F000": "there is no schema in the database to put tables in: see the search_path of its user",
	"25006": "the database is read-only: its URL must lead to the primary",
	"53100": "the disk of the database is full",
	"53300": "the database has no connection left: raise its max_connections, or lower store.postgreSQL.maxConnections",
	"55P03": "another transaction kept the database from going on",
	"57014": "the database took too long and was stopped",
	"57P01": "the database is being stopped",
	"57P02": "the database has crashed",
	"57P03": "the database is starting or being stopped",
}

// conceal says what an error of the driver means. What ctx has ended is its error.
func conceal(ctx context.Context, err error) error {
	var (
		reports     *pgconn.PgError
		connecting  *pgconn.ConnectError
		unknown     x509.UnknownAuthorityError
		name        x509.HostnameError
		certificate *tls.CertificateVerificationError
	)
	switch own := (*fault)(nil); {
	case err == nil, errors.As(err, &own):
		return err
	case errors.Is(err, errAway), errors.Is(err, errLeft):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return &fault{text: "the call to the database was given up", cause: context.Canceled}
	case ctx.Err() != nil:
		return &fault{text: "the database gave no answer in time", cause: context.DeadlineExceeded}
	case errors.As(err, &reports):
		text := reported[reports.Code]
		if text == "" {
			text = "the database reports SQLSTATE " + reports.Code
		}

		f := &fault{text: text, code: reports.Code}
		if errors.As(err, &connecting) {
			f.cause = errAway
		}

		return f
	case errors.As(err, &name):
		return &fault{text: "the certificate of the database is for another host than its URL names", cause: errAway}
	case errors.As(err, &unknown):
		return &fault{text: "the certificate of the database is not of a trusted CA: see the secret database-ca", cause: errAway}
	case errors.As(err, &certificate):
		return &fault{text: "the certificate of the database cannot be trusted, as one that has expired", cause: errAway}
	case errors.As(err, &connecting):
		return errAway
	default:
		return &fault{text: "the connection to the database was lost"}
	}
}

// conflicts says that a transaction lost against another one, and may be run again: a deadlock, a serialization failure,
// or a row that the other one has inserted since this one looked for it.
func conflicts(err error) bool {
	var f *fault
	return errors.As(err, &f) && (f.code == "40P01" || f.code == "40001" || f.code == "23505")
}

// refused says that the database was there, and found fault with what it was given.
func refused(err error) bool {
	var f *fault
	return errors.As(err, &f) && f.code != "" && !errors.Is(err, errAway)
}
