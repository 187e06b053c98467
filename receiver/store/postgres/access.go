// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"crypto/x509"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	connectTimeout  = 3 * time.Second // within the time that a delivery may take
	maxLifetime     = 30 * time.Minute
	lifetimeJitter  = 5 * time.Minute // so that not all connections are made anew at once
	maxIdle         = 5 * time.Minute
	checkIdle       = 30 * time.Second
	livenessTimeout = 3 * time.Second
)

// configure says how to connect. Its errors tell nothing of what access holds.
func configure(access Access, maxConnections int) (*pgxpool.Config, error) {
	if access.URL == "" {
		return nil, &fault{text: "the database URL is missing: it is the value of the secret database-url"}
	}

	if !strings.HasPrefix(access.URL, "postgres://") && !strings.HasPrefix(access.URL, "postgresql://") {
		return nil, errURL
	}

	config, err := pgxpool.ParseConfig(withMode(access))
	if err != nil {
		return nil, errURL // what the parser says holds parts of the URL
	}

	if access.CA != "" {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(access.CA)) {
			return nil, &fault{text: "the secret database-ca holds no certificate in PEM"}
		}

		trust(config.ConnConfig, roots)
	}

	config.MaxConns = int32(min(max(maxConnections, 2), 1000)) // the schema is brought up to date over two
	config.MinConns = 0
	config.MinIdleConns = 0
	config.MaxConnLifetime = maxLifetime
	config.MaxConnLifetimeJitter = lifetimeJitter
	config.MaxConnIdleTime = maxIdle
	config.HealthCheckPeriod = checkIdle
	config.PingTimeout = livenessTimeout
	config.ConnConfig.ConnectTimeout = connectTimeout
	// Of the modes that hold nothing on the server this is the one that holds nothing here either: a described statement
	// that is kept would be wrong once another receiver has brought the schema up to date. Prepared ones need a PgBouncer
	// of 1.21 that is set up for them, and the simple protocol puts values into the text of statements.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.ConnConfig.StatementCacheCapacity = 0

	config.ConnConfig.DescriptionCacheCapacity = 0
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "whatsapp-webhook-receiver"
	}

	return config, nil
}

var errURL = &fault{text: "the database URL cannot be read: it must look like postgres://user:password@host:5432/database, with special characters percent-encoded"}

// withMode returns the URL with the sslmode that a CA asks for, as libpq has it when it finds one: the certificate is
// verified in any mode that insists on TLS. A URL that does not say which is to be verified in full.
func withMode(access Access) string {
	if access.CA == "" {
		return access.URL
	}

	base, query, _ := strings.Cut(access.URL, "?")

	values, err := url.ParseQuery(query)
	if err != nil {
		return access.URL // which the parser will refuse
	}

	switch values.Get("sslmode") {
	case "":
		values.Set("sslmode", "verify-full")
	case "require":
		values.Set("sslmode", "verify-ca")
	}

	return base + "?" + values.Encode()
}

func trust(config *pgx.ConnConfig, roots *x509.CertPool) {
	if config.TLSConfig != nil {
		config.TLSConfig.RootCAs = roots
	}

	for _, fallback := range config.Fallbacks {
		if fallback.TLSConfig != nil {
			fallback.TLSConfig.RootCAs = roots
		}
	}
}
