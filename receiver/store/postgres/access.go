// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"context"
	"crypto/x509"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	maxLifetime    = 30 * time.Minute
	lifetimeJitter = 5 * time.Minute // so that connections are not all replaced at once
	maxIdle        = 2 * time.Minute
	// checkIdle is how often idle connections are closed. After each check the pool uses all others before one that was used
	// since. If it were shorter than maxIdle, the polls of an idle receiver would keep many connections in use.
	checkIdle = 5 * time.Minute
	// pingIdle is how long a connection may have been idle before it is checked when it is used again. It is longer than the
	// default interval of the polls, so that an idle receiver does not make a check for each poll.
	pingIdle = 5 * time.Second
)

// configure returns the connection settings. Its errors reveal nothing of access.
func configure(access Access, options Options) (*pgxpool.Config, error) {
	if access.URL == "" {
		return nil, &fault{text: "the database URL is missing: set the secret database-url"}
	}

	if !strings.HasPrefix(access.URL, "postgres://") && !strings.HasPrefix(access.URL, "postgresql://") {
		return nil, errURL
	}

	config, err := pgxpool.ParseConfig(withSSLMode(access))
	if err != nil {
		return nil, errURL // the parser's error contains parts of the URL
	}

	if access.CA != "" {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(access.CA)) {
			return nil, &fault{text: "the secret database-ca contains no PEM certificate"}
		}

		trustRoots(config.ConnConfig, roots)
	}

	config.MaxConns = int32(min(max(options.MaxConnections, 2), 1000)) // a migration uses two
	config.MinConns = 0
	config.MinIdleConns = 0
	config.MaxConnLifetime = maxLifetime
	config.MaxConnLifetimeJitter = lifetimeJitter
	config.MaxConnIdleTime = maxIdle
	config.HealthCheckPeriod = checkIdle
	config.PingTimeout = options.timeouts.connect
	config.ShouldPing = func(_ context.Context, c pgxpool.ShouldPingParams) bool { return c.IdleDuration > pingIdle }
	config.ConnConfig.ConnectTimeout = options.timeouts.connect
	// The driver itself prepares and caches nothing: a cached description of a statement would be wrong after another
	// receiver has migrated the schema. See prepared for the statements of this package.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.ConnConfig.StatementCacheCapacity = 0

	config.ConnConfig.DescriptionCacheCapacity = 0
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "whatsapp-webhook-receiver"
	}

	config.ConnConfig.RuntimeParams["application_name"] += options.nameSuffix

	return config, nil
}

var errURL = &fault{text: "the database URL is invalid: it must look like postgres://user:password@host:5432/database, with special characters percent-encoded"}

// withSSLMode returns the URL with the sslmode that is in force. Without one, the certificate of the server is verified in
// full, unless the server is on the same host or the environment has another mode. With a CA it is verified in every mode
// that requires TLS, as libpq does when it finds a CA.
func withSSLMode(access Access) string {
	base, query, _ := strings.Cut(access.URL, "?")

	values, err := url.ParseQuery(query)
	if err != nil {
		return access.URL // the parser will reject it
	}

	switch mode := values.Get("sslmode"); {
	case mode == "" && access.CA == "" && (isLocal(base, values) || os.Getenv("PGSSLMODE") != ""):
		return access.URL
	case mode == "":
		values.Set("sslmode", "verify-full")
	case mode == "require" && access.CA != "":
		values.Set("sslmode", "verify-ca")
	default:
		return access.URL
	}

	return base + "?" + values.Encode()
}

// isLocal reports whether a URL leads to the same host: by a loopback address or a Unix socket.
func isLocal(base string, values url.Values) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}

	host := cmp.Or(values.Get("host"), u.Hostname())
	ip, _ := netip.ParseAddr(host)

	return host == "localhost" || ip.IsLoopback() || strings.HasPrefix(host, "/")
}

func trustRoots(config *pgx.ConnConfig, roots *x509.CertPool) {
	if config.TLSConfig != nil {
		config.TLSConfig.RootCAs = roots
	}

	for _, fallback := range config.Fallbacks {
		if fallback.TLSConfig != nil {
			fallback.TLSConfig.RootCAs = roots
		}
	}
}

// CheckAccess returns an error if the URL or the CA is invalid. It does not connect. The error contains no secret.
func CheckAccess(access Access) error {
	_, err := configure(access, Options{})

	return err
}
