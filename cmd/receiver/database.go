// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
)

const (
	// inDatabase names the database as the place of a store, whose URL is a secret.
	inDatabase = "postgresql"
	// urlVariable is the environment variable with the URL, without --database-url-file.
	urlVariable = "DATABASE_URL"
	// maxSecretBytes limits a file with a secret. A bundle of CA certificates has about 220 KiB.
	maxSecretBytes = 512 << 10
)

var (
	errFurther = errors.New("there is an argument that belongs to no flag")
	errURL     = errors.New("a URL contains a password, which other users of the machine can see in arguments: " +
		"give " + inDatabase + ", and the URL in a file or in " + urlVariable)
)

// isURL reports whether a place is a URL instead of a file or inDatabase.
func isURL(place string) bool { return strings.Contains(place, "://") }

// database is how a subcommand reaches PostgreSQL.
type database struct {
	urlFile string
	caFile  string
	ignore  bool
	clock   clockwork.Clock
}

func (d *database) register(flags *flag.FlagSet) {
	flags.StringVar(&d.urlFile, "database-url-file", "", "")
	flags.StringVar(&d.caFile, "database-ca-file", "", "")
	flags.BoolVar(&d.ignore, "ignore-sessions", false, "")
}

// options returns those of a command that reports to a writer.
func (d *database) options(reporting io.Writer) postgres.TransferOptions {
	return postgres.TransferOptions{
		IgnoreSessions: d.ignore,
		Clock:          d.clock,
		Waiting:        func(reason string) { fmt.Fprintln(reporting, reason) },
	}
}

// access reads the secrets of the database.
func (d *database) access() (access postgres.Access, err error) {
	access.URL = strings.TrimSpace(os.Getenv(urlVariable))

	if d.urlFile != "" {
		if access.URL, err = readSecret(d.urlFile); err != nil {
			return access, fmt.Errorf("--database-url-file: %w", err)
		}
	}

	if access.URL == "" {
		return access, errors.New("the URL of the database is missing: give --database-url-file, or set " + urlVariable)
	}

	if d.caFile != "" {
		if access.CA, err = readSecret(d.caFile); err != nil {
			return access, fmt.Errorf("--database-ca-file: %w", err)
		}
	}

	return access, postgres.CheckAccess(access)
}

func readSecret(path string) (_ string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()

	data, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+1))
	if err != nil {
		return "", err
	}

	if len(data) > maxSecretBytes {
		return "", fmt.Errorf("%s has more than %d bytes", path, maxSecretBytes)
	}

	return strings.TrimSpace(string(data)), nil
}
