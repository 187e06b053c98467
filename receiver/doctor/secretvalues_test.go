// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	hexadecimal = "0123456789abcdef0123456789abcdef"
	userToken   = "EAAinvented"
)

// checkAlone runs one check on a configuration with secrets, and a store of which only Ping is asked.
func checkAlone(t *testing.T, name string, c config.Config, secrets config.Secrets, ping error) doctor.Check {
	t.Helper()

	report := doctor.New(doctor.Dependencies{
		Live:  config.Fixed(c, secrets),
		Clock: clockwork.NewRealClock(),
		Process: &doctor.Process{
			Store:        &unreachableStore{ping: ping},
			Problems:     func() map[string]string { return nil },
			ClosedScopes: func() []health.ClosedScope { return nil },
			Standby:      func() []health.Standby { return nil },
		},
	}).Run(t.Context(), doctor.Request{Only: []string{name}})

	if len(report.Checks) != 1 {
		t.Fatalf("the report has %d checks, want %s alone", len(report.Checks), name)
	}

	encoded, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}

	for _, value := range []string{hexadecimal, userToken, "hunter2"} {
		if strings.Contains(string(encoded), value) {
			t.Errorf("the report has a part of a secret: %s", encoded)
		}
	}

	return report.Checks[0]
}

// unreachableStore is a store that cannot be read.
type unreachableStore struct {
	store.Store
	ping error
}

func (s *unreachableStore) Ping(context.Context) error { return s.ping }

func (s *unreachableStore) Stats(context.Context, time.Time) (store.Stats, error) {
	return store.Stats{}, store.ErrClosed
}

// TestSecretValues checks every form of a secret that the doctor knows to be wrong.
func TestSecretValues(t *testing.T) {
	pemOf := func(root *authority) (certificate, key string) {
		t.Helper()

		made := root.server(t, host, month)

		private, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}

		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]})),
			string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	}

	var none *authority

	root := none.newAuthority(t, "root")
	certificate, key := pemOf(root)
	_, otherKey := pemOf(root)
	database := config.Config{Store: config.Store{PostgreSQL: &config.PostgreSQLStore{}}}

	for name, c := range map[string]struct {
		config      config.Config
		secrets     config.Secrets
		state       doctor.State
		detail, fix string
	}{
		"all right": {
			secrets: config.Secrets{
				AccessToken:       userToken,
				AppSecrets:        []string{hexadecimal},
				VerifyToken:       "invented-verify-token",
				ServerCertificate: certificate,
				ServerKey:         key,
			},
			state: doctor.OK,
		},
		"an app access token": {
			secrets: config.Secrets{AccessToken: "123|" + hexadecimal},
			state:   doctor.Failure,
			detail:  "access-token is an app access token",
			fix:     "token of a system user",
		},
		"a token of another kind": {
			secrets: config.Secrets{AccessToken: "hunter2"},
			state:   doctor.Warning,
			detail:  "access-token does not begin with EAA",
			fix:     "compare it",
		},
		"an app secret in upper case": {
			secrets: config.Secrets{AppSecrets: []string{strings.ToUpper(hexadecimal)}},
			state:   doctor.Failure,
			detail:  "app-secret has upper-case letters",
			fix:     "in lower case",
		},
		"an access token as app secret": {
			secrets: config.Secrets{AppSecrets: []string{userToken}},
			state:   doctor.Failure,
			detail:  "app-secret is an access token",
			fix:     "App settings > Basic",
		},
		"a short app secret": {
			secrets: config.Secrets{AppSecrets: []string{"hunter2"}},
			state:   doctor.Warning,
			detail:  "does not have 32 hexadecimal digits",
			fix:     "App settings > Basic",
		},
		"the app secret as verify token": {
			secrets: config.Secrets{AppSecrets: []string{hexadecimal}, VerifyToken: hexadecimal},
			state:   doctor.Failure,
			detail:  "verify-token is the app secret",
			fix:     "make up another",
		},
		"the access token as verify token": {
			secrets: config.Secrets{AccessToken: userToken, VerifyToken: userToken},
			state:   doctor.Failure,
			detail:  "verify-token is an access token",
			fix:     "make up another",
		},
		"a verify token that URLs spell differently": {
			secrets: config.Secrets{VerifyToken: "hunter2 & more"},
			state:   doctor.Warning,
			detail:  "spelled differently in URLs",
			fix:     "letters and digits only",
		},
		"a certificate with the key of another": {
			secrets: config.Secrets{ServerCertificate: certificate, ServerKey: otherKey},
			state:   doctor.Failure,
			detail:  "do not belong together",
			fix:     "tls.crt and tls.key",
		},
		"a database of another kind": {
			config:  database,
			secrets: config.Secrets{DatabaseURL: "mysql://me:hunter2@db/inbox"},
			state:   doctor.Failure,
			detail:  "database-url is not a URL of a database",
			fix:     "percent-encoded",
		},
		"a password with characters that a URL encodes": {
			config:  database,
			secrets: config.Secrets{DatabaseURL: "postgres://me:hunter2%zz@db/inbox"},
			state:   doctor.Failure,
			detail:  "database-url is not a URL of a database",
			fix:     "percent-encoded",
		},
		"a database that is right": {
			config:  database,
			secrets: config.Secrets{DatabaseURL: "postgres://me:hunter2@db:5432/inbox"},
			state:   doctor.OK,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := checkAlone(t, "secret-values", c.config, c.secrets, nil)
			if got.State != c.state || !strings.Contains(got.Detail, c.detail) || !strings.Contains(got.Fix, c.fix) {
				t.Errorf("the check is %s: %q, %q; want %s with %q and %q", got.State, got.Detail, got.Fix, c.state, c.detail, c.fix)
			}
		})
	}
}

// TestUnreachableStores checks that the fix of a store out of reach is that of its kind.
func TestUnreachableStores(t *testing.T) {
	away := errors.New("no connection")

	for name, c := range map[string]struct {
		config      config.Config
		ping        error
		state       doctor.State
		detail, fix string
	}{
		"PostgreSQL": {
			config: config.Config{Store: config.Store{PostgreSQL: &config.PostgreSQLStore{}}},
			ping:   away,
			state:  doctor.Failure,
			detail: "the database takes no events",
			fix:    "check that the database runs",
		},
		"the volume": {
			ping:   away,
			state:  doctor.Failure,
			detail: "the store takes no events",
			fix:    "look at the volume",
		},
		"a migration": {
			ping:   &store.MigratingError{Migration: store.Migration{Step: 1, Of: 2}},
			state:  doctor.Warning,
			detail: "step 1 of 2",
			fix:    "wait for its end",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := checkAlone(t, "store", c.config, config.Secrets{}, c.ping)
			if got.State != c.state || !strings.Contains(got.Detail, c.detail) || !strings.Contains(got.Fix, c.fix) {
				t.Errorf("the check is %s: %q, %q; want %s with %q and %q", got.State, got.Detail, got.Fix, c.state, c.detail, c.fix)
			}
		})
	}
}
