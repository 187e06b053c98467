// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// maxSecretBytes bounds one secret value. Meta's tokens have some hundred bytes; bundles of certificates have the most.
const maxSecretBytes = 64 << 10

// Secrets are the values found in the folder of secrets. A value that is missing is empty, never an error: the receiver
// keeps running, is not ready, and says by its role what it waits for.
type Secrets struct {
	AccessToken       string
	AppSecrets        []string
	VerifyToken       string
	BirdAccessKey     string
	SinkSigningKey    string // optional: never missing
	DatabaseURL       string
	DatabaseCA        string // optional: never missing
	ServerCertificate string
	ServerKey         string
	ClientCA          string
}

// Missing names the roles that the configuration asks for and that have no value, in a fixed order.
func (s *Snapshot) Missing() []string {
	var missing []string

	secrets := s.Secrets
	shared := s.Store.PostgreSQL != nil

	mutual := s.Webhook.MutualTLS != nil
	for _, role := range []struct {
		name         string
		wanted, have bool
	}{
		{RoleAccessToken, true, secrets.AccessToken != ""},
		{RoleAppSecret, true, len(secrets.AppSecrets) > 0},
		{RoleVerifyToken, true, secrets.VerifyToken != ""},
		{RoleBirdAccessKey, true, secrets.BirdAccessKey != ""},
		{RoleDatabaseURL, shared, secrets.DatabaseURL != ""},
		{RoleServerCertificate, mutual, secrets.ServerCertificate != ""},
		{RoleServerKey, mutual, secrets.ServerKey != ""},
		{RoleClientCA, mutual, secrets.ClientCA != ""},
	} {
		if role.wanted && !role.have {
			missing = append(missing, role.name)
		}
	}

	return missing
}

func (s Secrets) equal(other Secrets) bool { return reflect.DeepEqual(s, other) }

// ReadSecrets reads dir/<role>/<file>. White space around a value is dropped, since files are often written with a
// newline at the end. Names that start with a dot are Kubernetes' own bookkeeping and are passed over.
func ReadSecrets(dir string) (Secrets, error) {
	var s Secrets
	for _, role := range []struct {
		name  string
		most  int
		store func([]string)
	}{
		{RoleAccessToken, 1, func(v []string) { s.AccessToken = v[0] }},
		{RoleAppSecret, MaxAppSecrets, func(v []string) { s.AppSecrets = v }},
		{RoleVerifyToken, 1, func(v []string) { s.VerifyToken = v[0] }},
		{RoleBirdAccessKey, 1, func(v []string) { s.BirdAccessKey = v[0] }},
		{RoleSinkSigningKey, 1, func(v []string) { s.SinkSigningKey = v[0] }},
		{RoleDatabaseURL, 1, func(v []string) { s.DatabaseURL = v[0] }},
		{RoleDatabaseCA, 1, func(v []string) { s.DatabaseCA = v[0] }},
		{RoleServerCertificate, 1, func(v []string) { s.ServerCertificate = v[0] }},
		{RoleServerKey, 1, func(v []string) { s.ServerKey = v[0] }},
		{RoleClientCA, 1, func(v []string) { s.ClientCA = v[0] }},
	} {
		values, err := readRole(filepath.Join(dir, role.name))
		if err != nil {
			return Secrets{}, fmt.Errorf("read secret %s: %w", role.name, err)
		}

		if len(values) > role.most {
			return Secrets{}, fmt.Errorf("secret %s has %d values; at most %d can be used", role.name, len(values), role.most)
		}

		if len(values) > 0 {
			role.store(values)
		}
	}

	return s, nil
}

func readRole(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}

	if err != nil {
		return nil, err
	}

	var values []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}

		value, err := readValue(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}

		if value != "" && !slices.Contains(values, value) {
			values = append(values, value)
		}
	}

	return values, nil
}

func readValue(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // swapped between listing and reading: the next look finds the new one
	}

	if err != nil {
		return "", err
	}

	defer f.Close()

	data, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+1))
	if err != nil {
		return "", err
	}

	if len(data) > maxSecretBytes {
		return "", fmt.Errorf("%s is larger than %d bytes", filepath.Base(path), maxSecretBytes)
	}

	return string(bytes.TrimSpace(data)), nil
}
