// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

var configurationFaults = map[string]fault{
	"an ignored key": {
		provoke: func(h *harness) {
			h.Config.UnknownKeys = config.UnknownKeysIgnore
			h.reconfigure(func(*config.Config) {})
			h.appendToConfig("future: 1\n")
			h.Local.Live.Reload()
		},
		checks: []string{"settings"},
		state:  doctor.Warning,
		detail: "future",
		fix:    "spec.receiver.image",
	},
	"a missing secret": {
		provoke: func(h *harness) { h.setSecret(config.RoleSinkSigningKey, "") },
		prepare: func(h *harness) {
			h.options.Config.Notifications.Signed = true
			h.secrets[config.RoleSinkSigningKey] = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
		},
		checks: []string{"secrets"},
		state:  doctor.Failure,
		detail: "sink-signing-key",
		fix:    "create the Secrets",
	},
	"the scheme in a key": {
		provoke: func(h *harness) { h.setSecret(config.RoleHandoffKey, "Bearer key") },
		checks:  []string{"secret-values"},
		state:   doctor.Failure,
		detail:  "handoff-key begins with the name of a scheme",
		fix:     "the receiver adds the scheme",
	},
	"two lines in a key": {
		provoke: func(h *harness) { h.setSecret(config.RoleHandoffKey, "one\ntwo") },
		checks:  []string{"secret-values"},
		state:   doctor.Failure,
		detail:  "handoff-key has a line break",
		fix:     "on one line",
	},
	"a CA that is none": {
		provoke: func(h *harness) { h.setSecret(config.RoleDatabaseCA, "certificate") },
		checks:  []string{"secret-values"},
		state:   doctor.Failure,
		detail:  "database-ca has no PEM certificate",
		fix:     "-----BEGIN CERTIFICATE-----",
	},
	"the app secret as access token": {
		provoke: func(h *harness) { h.setSecret(config.RoleAccessToken, otherSecret) },
		checks:  []string{"secret-values", "token"},
		state:   doctor.Failure,
		detail:  "access-token has 32 hexadecimal digits",
		fix:     "this looks like the app secret",
	},
}
