// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/openai"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/edge"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/encrypted"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
)

// Check returns the faults of a configuration and its secrets, as a list of lines, or nil. It reads files only: it opens
// no store, calls nothing and listens on nothing. The lines contain no secret.
func Check(path string) []string {
	c, err := config.Load(path)
	if err != nil {
		return lines(err)
	}

	secrets, err := config.ReadSecrets(c.SecretsDir)
	wrong := lines(err)
	snapshot := &config.Snapshot{Config: c, Secrets: secrets}

	for _, role := range snapshot.Missing() {
		wrong = append(wrong, fmt.Sprintf("the secret %s is missing: write it to a file in %s", role, filepath.Join(c.SecretsDir, role)))
	}

	for _, role := range c.Ignored {
		wrong = append(wrong, fmt.Sprintf("the key %s is unknown to this version, which ignores it", role))
	}

	return append(wrong, malformed(snapshot)...)
}

// malformed returns the faults of the secrets that have a value, and of the file of instructions.
func malformed(s *config.Snapshot) []string {
	var wrong []string

	add := func(role string, err error) {
		for _, line := range lines(err) {
			wrong = append(wrong, role+line)
		}
	}

	for _, credential := range []struct{ role, value string }{
		{config.RoleAccessToken, s.Secrets.AccessToken},
		{config.RoleBirdAccessKey, s.Secrets.BirdAccessKey},
		{config.RoleOpenAIKey, s.Secrets.OpenAIKey},
		{config.RoleHandoffKey, s.Secrets.HandoffKey},
	} {
		if f := httpclient.CheckCredential("check", failure.ScopeNone, credential.role, credential.value); f != nil {
			add("", errors.New(f.Text))
		}
	}

	for _, authorities := range []struct{ role, value string }{
		{config.RoleMetaCA, s.Secrets.MetaCA},
		{config.RoleAICA, s.Secrets.AICA},
		{config.RoleSinkCA, s.Secrets.SinkCA},
		{config.RoleHandoffCA, s.Secrets.HandoffCA},
		{config.RoleBackupCA, s.Secrets.BackupCA},
		{config.RoleTracingCA, s.Secrets.TracingCA},
	} {
		add("the secret "+authorities.role+": ", httpclient.CheckAuthorities(authorities.value))
	}

	_, err := encrypted.ParseKeys(s.Secrets.StoreKeys)
	add("the secret "+config.RoleStoreKey+": ", err)

	if s.Store.PostgreSQL != nil && s.Secrets.DatabaseURL != "" {
		add("", postgres.CheckAccess(postgres.Access{URL: s.Secrets.DatabaseURL, CA: s.Secrets.DatabaseCA}))
	}

	if s.Webhook.MutualTLS != nil && s.Secrets.ServerCertificate != "" && s.Secrets.ServerKey != "" && s.Secrets.ClientCA != "" {
		add("", edge.CheckCertificates(s.Secrets))
	}

	if s.OpenAI != nil {
		add("", openai.CheckInstructions(s.OpenAI.InstructionsFile))
	}

	return wrong
}

// lines returns the lines of an error, or nil.
func lines(err error) []string {
	if err == nil {
		return nil
	}

	return strings.Split(err.Error(), "\n")
}
