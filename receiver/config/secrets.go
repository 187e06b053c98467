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

// maxSecretBytes is the maximum size of a value. Meta's tokens have a few hundred bytes. The largest values are bundles of CA
// certificates: those of a Linux distribution take about 220 KiB.
const maxSecretBytes = 512 << 10

// Secrets are the values in the folder of secrets. A missing value is empty and not an error: the receiver runs and
// reports the role of the missing secret.
type Secrets struct {
	AccessToken       string
	AppSecrets        []string
	VerifyToken       string
	BirdAccessKey     string
	FlowSigningKey    string // required by bird.flow.signatureHeader
	OpenAIKey         string
	AssistantKeys     []string // of the messages API
	DeskKeys          []string // of the messages API
	HandoffKey        string
	SinkSigningKey    string   // required by notifications.signed
	StoreKeys         []string // in order of their names; required by store.encrypted
	DatabaseURL       string
	DatabaseCA        string // optional
	BackupKeyID       string
	BackupSecret      string
	MetaCA            string // optional, as the next five
	AICA              string
	SinkCA            string
	HandoffCA         string
	BackupCA          string
	TracingCA         string
	ServerCertificate string
	ServerKey         string
	ClientCA          string
}

// RequiredRoles are the roles that a configuration can require.
var RequiredRoles = []string{
	RoleAccessToken,
	RoleAppSecret,
	RoleVerifyToken,
	RoleBirdAccessKey,
	RoleFlowSigningKey,
	RoleOpenAIKey,
	RoleAssistantKey,
	RoleDeskKey,
	RoleHandoffKey,
	RoleSinkSigningKey,
	RoleStoreKey,
	RoleDatabaseURL,
	RoleBackupKeyID,
	RoleBackupSecret,
	RoleServerCertificate,
	RoleServerKey,
	RoleClientCA,
}

// Missing returns the roles that the configuration requires and that have no value, in a fixed order.
func (s *Snapshot) Missing() []string {
	return s.missing(RequiredRoles)
}

// RolesForDeliveries are the roles without which the receiver cannot accept deliveries.
var RolesForDeliveries = []string{
	RoleAppSecret,
	RoleVerifyToken,
	RoleStoreKey,
	RoleDatabaseURL,
	RoleServerCertificate,
	RoleServerKey,
	RoleClientCA,
}

// MissingForDeliveries returns those roles of Missing without which the receiver cannot accept deliveries. While another
// one is missing, it stores deliveries, and what needs the secret waits: a receiver that is not ready would refuse them.
func (s *Snapshot) MissingForDeliveries() []string {
	return s.missing(RolesForDeliveries)
}

func (s *Snapshot) missing(roles []string) []string {
	var missing []string

	counts := s.Secrets.Counts()

	for _, role := range roles {
		if s.requires(role) && counts[role] == 0 {
			missing = append(missing, role)
		}
	}

	return missing
}

func (s *Snapshot) requires(role string) bool {
	switch role {
	case RoleBirdAccessKey:
		return s.OpenAI == nil && s.Bird.AuthScheme != AuthNone
	case RoleFlowSigningKey:
		return s.Bird.Flow.SignatureHeader != ""
	case RoleOpenAIKey:
		return s.OpenAI != nil && s.OpenAI.AuthScheme != AuthNone
	case RoleAssistantKey:
		return s.MessagesAPI != nil && slices.Contains(s.MessagesAPI.Roles, MessagesAssistant)
	case RoleDeskKey:
		return s.MessagesAPI != nil && slices.Contains(s.MessagesAPI.Roles, MessagesDesk)
	case RoleHandoffKey:
		return s.Handoff.URL != "" && s.Handoff.AuthScheme != AuthNone
	case RoleSinkSigningKey:
		return s.Notifications.SinkURL != "" && s.Notifications.Signed
	case RoleStoreKey:
		return s.Store.Encrypted
	case RoleDatabaseURL:
		return s.Store.PostgreSQL != nil
	case RoleBackupKeyID, RoleBackupSecret:
		return s.Store.Embedded != nil && s.Store.Embedded.Backup != nil && s.Store.Embedded.Backup.S3 != nil
	case RoleServerCertificate, RoleServerKey, RoleClientCA:
		return s.Webhook.MutualTLS != nil
	}

	return true
}

func (s Secrets) equal(other Secrets) bool { return reflect.DeepEqual(s, other) }

// ReadSecrets reads dir/<role>/<file>. It trims white space around a value, because files often end with a newline. It
// skips names that start with a dot, which Kubernetes uses for its own links and folders. A role that cannot be read has no
// value; the others are returned together with the error.
func ReadSecrets(dir string) (Secrets, error) { return readSecrets(dir, Secrets{}) }

// readSecrets is ReadSecrets for a reload: a role that cannot be read keeps the previous values.
func readSecrets(dir string, previous Secrets) (Secrets, error) {
	var s Secrets

	before := fieldsOf(&previous)

	var unreadable []error

	for i, field := range fieldsOf(&s) {
		values, err := readRole(filepath.Join(dir, field.role))

		switch {
		case err != nil:
			err = fmt.Errorf("read secret %s: %w", field.role, err)
		case len(values) > field.max:
			err = fmt.Errorf("secret %s has %d values; the maximum is %d", field.role, len(values), field.max)
		}

		if err != nil {
			unreadable = append(unreadable, err)
			values = before[i].values()
		}

		field.set(values)
	}

	return s, errors.Join(unreadable...)
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

// byteOrderMark begins the files of some editors for Windows. No secret begins with it.
var byteOrderMark = []byte("\ufeff")

func readValue(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // swapped between listing and reading: the next reload finds the new one
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

	return string(bytes.TrimSpace(bytes.TrimPrefix(data, byteOrderMark))), nil
}
