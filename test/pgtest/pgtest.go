// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pgtest runs PostgreSQL servers for tests. It uses the newest server installed on the machine, and fails if
// there is none: tests of the store must run against a real server.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

const (
	superuser = "postgres"
	password  = "of the superuser" // of a server that ends with its test

	// timeout limits the start and the end of a server, and each administrative call. It is a safety net: a loaded machine
	// must not reach it.
	timeout = 5 * time.Minute
)

// Options are the settings in which a server differs from a usual one.
type Options struct {
	Settings         []string // name=value, as in postgresql.conf
	Certificate, Key []byte   // PEM; with them the server uses TLS
}

// Server is a PostgreSQL server in its own folder, on a port of the loopback interface.
type Server struct {
	folder, programs string
	options          Options
	owner            *syscall.Credential // user that runs the server; nil is the user that runs the test
	address          string              // reserved, also while the server is stopped
	release          func() error        // of the address
	process          *exec.Cmd
	exited           chan struct{}
	status           error // of the process, once it has exited
	users            atomic.Int64
}

// WaitForEndOfSessions waits until the user of a URL has no other session under the name of an application that a pattern of LIKE
// matches. A server ends the sessions of closed clients a moment after them.
func WaitForEndOfSessions(ctx context.Context, databaseURL, pattern string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("wait for the end of sessions: %w", err)
	}

	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()

	for open := 1; open > 0; {
		err := conn.QueryRow(
			ctx,
			"SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid() AND application_name LIKE $1",
			pattern,
		).Scan(&open)
		if err != nil {
			return fmt.Errorf("wait for the end of sessions: %w", err)
		}
	}

	return nil
}

// Suite runs the tests of a package with a server that they share.
type Suite struct {
	*testing.M
	Server **Server // the variable of the tests
}

// Run runs the tests, and returns the exit code.
func (s Suite) Run() int {
	server, err := Start(context.Background(), Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	*s.Server = server
	code := s.M.Run()

	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	return code
}

// New starts a server, and closes it when the test ends.
func New(tb testing.TB, options Options) *Server {
	tb.Helper()

	s, err := Start(context.Background(), options)
	if err != nil {
		tb.Fatal(err)
	}

	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})

	return s
}

// Start starts a server. The caller must close it.
func Start(ctx context.Context, options Options) (_ *Server, err error) {
	s := &Server{options: options}
	if s.programs, err = Programs(); err != nil {
		return nil, err
	}

	if s.address, s.release, err = port.Reserve(); err != nil {
		return nil, err
	}

	if s.folder, err = os.MkdirTemp("", "pgtest"); err != nil {
		return nil, errors.Join(err, s.release())
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()

	if err := s.own(); err != nil {
		return nil, err
	}

	if err := s.write("password", []byte(password)); err != nil {
		return nil, err
	}

	if err := s.write("server.crt", options.Certificate); err != nil {
		return nil, err
	}

	if err := s.write("server.key", options.Key); err != nil {
		return nil, err
	}

	initdb := s.command(ctx, "initdb", "--pgdata", filepath.Join(s.folder, "data"), "--username", superuser, "--auth", "scram-sha-256",
		"--pwfile", filepath.Join(s.folder, "password"), "--encoding", "UTF8", "--no-locale", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}

	if err := s.Run(ctx); err != nil {
		return nil, err
	}

	return s, nil
}

// Close stops the server and removes its folder.
func (s *Server) Close() error {
	return errors.Join(s.Stop(), s.release(), os.RemoveAll(s.folder))
}

func (s *Server) url(user, password string) string {
	u := url.URL{
		Scheme: "postgres",
		User:   url.UserPassword(user, password),
		Host:   s.address,
		Path:   "/postgres",
	}

	return u.String()
}

// Exec runs statements as the superuser.
func (s *Server) Exec(tb testing.TB, statements ...string) {
	tb.Helper()

	if err := s.exec(context.Background(), statements...); err != nil {
		tb.Fatal(err)
	}
}

func (s *Server) exec(ctx context.Context, statements ...string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	c, err := pgx.Connect(ctx, s.url(superuser, password))
	if err != nil {
		return err
	}

	for _, sql := range statements {
		if _, err := c.Exec(ctx, sql); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", sql, err), c.Close(ctx))
		}
	}

	return c.Close(ctx)
}

// User is a database user whose only privilege is an empty schema of the same name.
type User struct{ Name, Password, URL string }

// NewUser creates a user. Objects of the user go to its schema, which is first in its search path.
func (s *Server) NewUser() (User, error) {
	n := strconv.FormatInt(s.users.Add(1), 10)
	u := User{Name: "user" + n, Password: "secret" + n}
	u.URL = s.url(u.Name, u.Password)

	return u, s.exec(context.Background(), "CREATE ROLE "+u.Name+" LOGIN PASSWORD '"+u.Password+"'", "CREATE SCHEMA "+u.Name+" AUTHORIZATION "+u.Name)
}

// SetPassword changes the password of a user, and returns the user with the new URL.
func (s *Server) SetPassword(tb testing.TB, u User, password string) User {
	tb.Helper()
	s.Exec(tb, "ALTER ROLE "+u.Name+" PASSWORD '"+password+"'")

	return User{
		Name:     u.Name,
		Password: password,
		URL:      s.url(u.Name, password),
	}
}
