// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPostgreSQLStore(t *testing.T) {
	for _, c := range []struct {
		name, yaml string
		want       Store
		problem    string
	}{
		{
			name: "none: embedded", yaml: "store: {}",
			want: Store{Embedded: &EmbeddedStore{Path: "/var/lib/whatsapp-webhook/inbox.db"}, RetentionDays: 30, DeadLetterDays: 90},
		},
		{
			name: "defaults", yaml: "store: {postgreSQL: {}}",
			want: Store{PostgreSQL: &PostgreSQLStore{MaxConnections: 16}, RetentionDays: 30, DeadLetterDays: 90},
		},
		{
			name: "connections", yaml: "store: {postgreSQL: {maxConnections: 4}, retentionDays: 7}",
			want: Store{PostgreSQL: &PostgreSQLStore{MaxConnections: 4}, RetentionDays: 7, DeadLetterDays: 90},
		},
		{
			name:    "too few connections",
			yaml:    "store: {postgreSQL: {maxConnections: 3}}",
			problem: "store.postgreSQL.maxConnections is 3; it must be from 4 to 1000",
		},
		{
			name:    "both",
			yaml:    "store: {postgreSQL: {}, embedded: {path: /inbox.db}}",
			problem: "store must have only one of embedded and postgreSQL",
		},
		{name: "a URL in the file", yaml: "store: {postgreSQL: {url: x}}", problem: `unknown key "url"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse([]byte(smallest + c.yaml))
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("error is %v, want one that says %q", err, c.problem)
				}

				return
			}

			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(c.want, got.Store); diff != "" {
				t.Errorf("store (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDatabaseSecrets(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, RoleDatabaseURL, "0"), "postgres://user:password@host/database\n")
	write(t, filepath.Join(dir, RoleDatabaseCA, "0"), "-----BEGIN CERTIFICATE-----\n")

	got, err := ReadSecrets(dir)
	if err != nil {
		t.Fatal(err)
	}

	want := Secrets{DatabaseURL: "postgres://user:password@host/database", DatabaseCA: "-----BEGIN CERTIFICATE-----"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}

// TestMissingDatabaseURL requires the URL only with the PostgreSQL store, and never the CA.
func TestMissingDatabaseURL(t *testing.T) {
	for _, c := range []struct {
		name    string
		store   Store
		secrets Secrets
		want    bool
	}{
		{"embedded", Store{}, Secrets{}, false},
		{"no URL", Store{PostgreSQL: &PostgreSQLStore{}}, Secrets{DatabaseCA: "CA"}, true},
		{"URL", Store{PostgreSQL: &PostgreSQLStore{}}, Secrets{DatabaseURL: "postgres://host"}, false},
	} {
		missing := Fixed(Config{Store: c.store}, c.secrets).Current().Missing()
		if got := strings.Contains(strings.Join(missing, " "), "database"); got != c.want {
			t.Errorf("%s: missing are %q", c.name, missing)
		}
	}
}
