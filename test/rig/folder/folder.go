// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package folder lays out the files that a receiver under test starts from: its configuration and its secrets.
package folder

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// The secrets that Layout writes unless it is given others. All are invented.
const (
	AccessToken   = "test-access-token"
	AppSecret     = "test-app-secret"
	VerifyToken   = "test-verify-token"
	BirdAccessKey = "test-bird-access-key"

	FlowSigningKey = "test-flow-signing-key"
	OpenAIKey      = "test-openai-key"
	AssistantKey   = "test-messages-assistant-key"
	DeskKey        = "test-messages-desk-key"
	HandoffKey     = "test-handoff-key"
)

// Folder is the path of an existing folder that belongs to one receiver.
type Folder string

// ConfigFile returns the path of the receiver's configuration.
func (f Folder) ConfigFile() string { return filepath.Join(string(f), "receiver.yaml") }

// SecretsDir returns the path of the receiver's secrets.
func (f Folder) SecretsDir() string { return filepath.Join(string(f), "secrets") }

// Complete gives a configuration free ports of the loopback interface and paths in this folder. A store or spool
// directory that c names already stays.
func (f Folder) Complete(c config.Config) config.Config {
	const anyPort = "127.0.0.1:0"

	c.Listen = config.Listen{
		Webhook:  anyPort,
		Admin:    anyPort,
		Console:  anyPort,
		Messages: anyPort,
	}
	c.SecretsDir = f.SecretsDir()

	if c.Store.Embedded == nil && c.Store.PostgreSQL == nil {
		c.Store.Embedded = &config.EmbeddedStore{Path: filepath.Join(string(f), "inbox.db")}
	}

	if c.Media.SpoolDir == "" {
		c.Media.SpoolDir = filepath.Join(string(f), "spool")
	}

	return c
}

// Layout writes the completed configuration, the secrets that every receiver needs, and values by role.
func (f Folder) Layout(c config.Config, values map[string]string) error {
	all := map[string]string{
		config.RoleAccessToken:   AccessToken,
		config.RoleAppSecret:     AppSecret,
		config.RoleVerifyToken:   VerifyToken,
		config.RoleBirdAccessKey: BirdAccessKey,

		config.RoleFlowSigningKey: FlowSigningKey,
		config.RoleOpenAIKey:      OpenAIKey,
		config.RoleAssistantKey:   AssistantKey,
		config.RoleDeskKey:        DeskKey,
		config.RoleHandoffKey:     HandoffKey,
	}
	maps.Copy(all, values)

	for role, value := range all {
		if err := f.WriteSecret(role, "0", value); err != nil {
			return err
		}
	}

	return f.WriteConfig(f.Complete(c))
}

// WriteConfig replaces the configuration file.
func (f Folder) WriteConfig(c config.Config) error {
	data, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode configuration: %w", err)
	}

	return f.replace(f.ConfigFile(), data)
}

// WriteSecret replaces one value of a role. A role with several names has several values, as during a rotation.
func (f Folder) WriteSecret(role, name, value string) error {
	dir := filepath.Join(f.SecretsDir(), role)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create folder of secret %s: %w", role, err)
	}

	return f.replace(filepath.Join(dir, name), []byte(value))
}

// replace swaps a file atomically, since a receiver may read it at any moment.
func (f Folder) replace(file string, data []byte) error {
	temporary := filepath.Join(string(f), "new-"+filepath.Base(file))
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}

	if err := os.Rename(temporary, file); err != nil {
		return fmt.Errorf("replace %s: %w", file, err)
	}

	return nil
}
