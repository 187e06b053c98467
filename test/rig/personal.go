// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"regexp"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
)

// Personal matches what may be in no output of a receiver that has handled the sample deliveries: phone numbers, names,
// message ids and user ids of people, the word SECRETWORD, which tests write in messages, and the secrets of folder.Layout.
func Personal() *regexp.Regexp {
	secrets := []string{folder.AccessToken, folder.AppSecret, folder.VerifyToken, folder.BirdAccessKey, folder.OpenAIKey}
	for i := range secrets {
		secrets[i] = regexp.QuoteMeta(secrets[i])
	}

	return regexp.MustCompile(`(?i)5730\d{8}|SECRETWORD|wamid|Ana Prueba|\bLuis\b|CO\.1000|` + strings.Join(secrets, "|"))
}
