// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// fault is an error without addresses, names, passwords or values. The errors of PostgreSQL and of the driver contain
// them, so they do not leave this package.
type fault struct {
	text  string
	code  string // SQLSTATE, if the database reported one
	cause error  // context.Canceled, context.DeadlineExceeded, errUnreachable or a store.MigratingError
}

// Error returns the text.
func (f *fault) Error() string { return f.text }

// Unwrap returns the cause, if any.
func (f *fault) Unwrap() error { return f.cause }

var (
	// errUnreachable means that there is no connection, so that nothing was attempted.
	errUnreachable = errors.New("the database cannot be reached")
	// errDatabaseChanged means that the access changed while the call waited for a connection.
	errDatabaseChanged = errors.New("the database URL changed")
	// errPanicked means that the code of a transaction panicked, so that it was rolled back.
	errPanicked = errors.New("a transaction of the store panicked")
	// errLostRace means that another transaction changed what a transaction had read before it took its locks. It is
	// reported as a serialization failure, so that the transaction begins anew.
	errLostRace = &fault{text: "another receiver changed the same events at the same time", code: "40001"}
)

// codeReadOnly is the SQLSTATE of a write at a server that is read-only, such as a standby.
const codeReadOnly = "25006"

// reported maps a SQLSTATE to a text that an operator can act on.
var reported = map[string]string{
	"28P01": "the database refuses the user or the password of its URL",
	"28000": "the database refuses the user of its URL, from here or without TLS",
	"3D000": "the database that its URL names does not exist",
	"42501": "the user of the database URL lacks privileges: the store creates tables, and reads and writes them",
	"3F000": "the database has no schema for the tables: check the search_path of its user",
	"25006": "the database is read-only: its URL must lead to the primary",
	"53100": "the disk of the database is full",
	"53300": "the database has no connection left: raise its max_connections, or lower store.postgreSQL.maxConnections",
	"55P03": "the database timed out waiting for another transaction",
	"57014": "the database canceled a statement that took too long",
	"57P01": "the database is being stopped",
	"57P02": "the database has crashed",
	"57P03": "the database is starting or being stopped",
}

// sanitizeError translates an error of the driver into an error of this package without addresses, names, passwords and values.
// If ctx has ended, it returns the error of ctx.
func sanitizeError(ctx context.Context, err error) error {
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
	case errors.Is(err, errUnreachable), errors.Is(err, errDatabaseChanged):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return &fault{text: "the call to the database was canceled", cause: context.Canceled}
	case ctx.Err() != nil:
		return &fault{text: "the database did not answer in time", cause: context.DeadlineExceeded}
	case errors.As(err, &reports):
		text := reported[reports.Code]
		if text == "" {
			text = "the database reports SQLSTATE " + reports.Code
		}

		f := &fault{text: text, code: reports.Code}
		if errors.As(err, &connecting) {
			f.cause = errUnreachable
		}

		return f
	case errors.As(err, &name):
		return &fault{text: "the certificate of the database does not match the host in its URL", cause: errUnreachable}
	case errors.As(err, &unknown):
		return &fault{text: "the certificate of the database is not signed by a trusted CA: see the secret database-ca", cause: errUnreachable}
	case errors.As(err, &certificate):
		return &fault{text: "the certificate of the database cannot be trusted, for example because it has expired", cause: errUnreachable}
	case errors.As(err, &connecting) && strings.Contains(err.Error(), "refused TLS"): // the driver has no type for it
		return &fault{
			text:  "the database offers no TLS: enable it there, or set sslmode=disable in its URL to accept an unencrypted connection",
			cause: errUnreachable,
		}
	case errors.As(err, &connecting):
		return errUnreachable
	default:
		return &fault{text: "the connection to the database was lost"}
	}
}

// isConflict reports whether a transaction lost against another one and can be retried: a deadlock, a serialization
// failure, or a row that the other transaction has inserted in the meantime.
func isConflict(err error) bool {
	var f *fault
	return errors.As(err, &f) && (f.code == "40P01" || f.code == "40001" || f.code == "23505")
}

// refused reports whether the database was reachable and rejected a statement.
func refused(err error) bool {
	var f *fault
	return errors.As(err, &f) && f.code != "" && !errors.Is(err, errUnreachable)
}
