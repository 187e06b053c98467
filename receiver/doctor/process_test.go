// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"errors"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

var connectionFaults = map[string]fault{
	"the sink is down": {
		provoke: func(h *harness) { h.sinkStatus.Store(http.StatusServiceUnavailable) },
		checks:  []string{"sink"},
		state:   doctor.Failure,
		detail:  "HTTP 503: the sink is down",
		fix:     "wait until then",
	},
	"the sink redirects": {
		provoke: func(h *harness) { h.sinkStatus.Store(http.StatusPermanentRedirect) },
		checks:  []string{"sink"},
		state:   doctor.Failure,
		detail:  "HTTP 308: the sink redirects",
		fix:     "set notifications.sinkURL to where it redirects",
	},
	"the desk is not reached": {
		provoke: func(h *harness) { h.reconfigure(func(c *config.Config) { c.Handoff.URL = "http://127.0.0.1:1" }) },
		checks:  []string{"desk"},
		state:   doctor.Failure,
		detail:  "the connection is refused",
		fix:     "handoff.url",
	},
	"the bucket of the copies refuses the key": {
		provoke: func(h *harness) { h.setSecret(config.RoleBackupSecret, "another") },
		checks:  []string{"backup"},
		state:   doctor.Warning,
		detail:  "the secret access key is wrong",
		fix:     "the Secrets of its keys",
	},
	"the bucket of the copies does not exist": {
		provoke: func(h *harness) {
			h.reconfigure(func(c *config.Config) { c.Store.Embedded.Backup.S3.Bucket = "others" })
		},
		checks: []string{"backup"},
		state:  doctor.Warning,
		detail: "the bucket does not exist",
		fix:    "correct store.embedded.backup.s3",
	},
	"the store of the copies is not reached": {
		provoke: func(h *harness) {
			h.reconfigure(func(c *config.Config) { c.Store.Embedded.Backup.S3.Endpoint = "http://127.0.0.1:1" })
		},
		checks: []string{"backup"},
		state:  doctor.Warning,
		detail: "list the backups",
		fix:    "NetworkPolicies",
	},
	"the volume of the copies is gone": {
		provoke: func(h *harness) {
			h.reconfigure(func(c *config.Config) {
				c.Store.Embedded.Backup.S3 = nil
				c.Store.Embedded.Backup.Folder = "/none/of/the/tests"
			})
		},
		checks: []string{"backup"},
		state:  doctor.Warning,
		detail: "list the backups",
		fix:    "volume",
	},
	"the Service of the messages API has no endpoint": {
		provoke: func(h *harness) { h.request.MessagesURL = "http://127.0.0.1:1" },
		checks:  []string{"messages-api"},
		state:   doctor.Failure,
		detail:  "the connection is refused",
		fix:     "Service and its endpoints",
	},
}

var receiverFaults = map[string]fault{
	"the webhook port does not answer": {
		provoke: func(h *harness) { h.process.WebhookAddr = "127.0.0.1:1" },
		checks:  []string{"health-path"},
		state:   doctor.Failure,
		detail:  "GET / on the webhook port",
		fix:     "log of the receiver",
	},
	"a problem": {
		provoke: func(h *harness) {
			h.process.Problems = func() map[string]string { return map[string]string{"notify sink": "the sink refuses the key"} }
		},
		checks: []string{"problems"},
		state:  doctor.Failure,
		detail: "notify sink: the sink refuses the key",
		fix:    "tries again by itself",
	},
	"an open circuit": {
		provoke: func(h *harness) { h.closeScope("bird", "unavailable", "Bird is down") },
		checks:  []string{"circuits"},
		state:   doctor.Failure,
		detail:  "bird is closed since",
		fix:     "the next probe",
	},
	"a rate limit": {
		provoke: func(h *harness) { h.closeScope("app", "rate_limited", "the app reached its API call limit") },
		checks:  []string{"circuits"},
		state:   doctor.Warning,
		detail:  "API call limit",
		fix:     "wait",
	},
	"the disk is full": {
		provoke: func(h *harness) {
			h.store.ping = store.ErrDiskFull
			h.store.space = store.Space{Total: 1 << 30, Free: 1 << 20, Reserved: 32 << 20}
		},
		checks: []string{"store", "disk"},
		state:  doctor.Failure,
		detail: "the disk of the store is nearly full",
		fix:    "enlarge the volume",
	},
	"the disk is nearly full": {
		provoke: func(h *harness) {
			h.store.space = store.Space{Total: 1 << 30, Free: 50 << 20, Reserved: 32 << 20}
		},
		checks: []string{"disk"},
		state:  doctor.Warning,
		detail: "50 MiB of 1024 MiB are free",
		fix:    "store.retentionDays",
	},
	"the store takes nothing": {
		provoke: func(h *harness) { h.store.ping = errors.New("disk I/O error") },
		checks:  []string{"store"},
		state:   doctor.Failure,
		detail:  "the store takes no events",
		fix:     "the volume and its mount",
	},
	"the store cannot be read": {
		provoke: func(h *harness) {
			h.store.ping = errors.New("disk I/O error")
			h.store.stats = errors.New("disk I/O error")
		},
		checks: []string{"store"},
		state:  doctor.Failure,
		detail: "the store takes no events",
		fix:    "the volume and its mount",
	},
	"a migration": {
		provoke: func(h *harness) { h.store.ping = &store.MigratingError{} },
		checks:  []string{"store"},
		state:   doctor.Warning,
		detail:  "migrat",
		fix:     "wait for its end",
	},
	"a damaged file": {
		provoke: func(h *harness) { h.store.change = func(s *store.Stats) { s.Damaged = 2 } },
		checks:  []string{"store"},
		state:   doctor.Failure,
		detail:  "2 lanes",
		fix:     "POST /store/check",
	},
	"a backlog": {
		provoke: func(h *harness) { h.setOldest(30 * time.Minute) },
		checks:  []string{"backlog"},
		state:   doctor.Failure,
		detail:  "7 messages wait, the oldest for 30m0s",
		fix:     "look at the AI",
	},
	"a small backlog": {
		provoke: func(h *harness) { h.setOldest(2 * time.Minute) },
		checks:  []string{"backlog"},
		state:   doctor.Warning,
		detail:  "7 messages wait",
		fix:     "look at the AI",
	},
	"dead letters": {
		provoke: func(h *harness) {
			h.store.causes = map[store.State][]store.Cause{store.Dead: {
				{Code: "131047", Count: 4},
				{Code: "bad_response", Count: 1},
			}}
		},
		checks: []string{"dead-letters"},
		state:  doctor.Warning,
		detail: "4 with 131047 (more than 24 hours since the person's last message",
		fix:    "dead-letters list --by-cause",
	},
	"quarantined events": {
		provoke: func(h *harness) {
			h.store.causes = map[store.State][]store.Cause{store.Quarantined: {{PhoneNumberID: "123456123", Count: 2}}}
		},
		checks: []string{"quarantine"},
		state:  doctor.Warning,
		detail: "2 events of phone number 123456123",
		fix:    "cloudAPI.phoneNumberIDs",
	},
	"a person waits for people": {
		provoke: func(h *harness) {
			at := time.Now().Add(-time.Hour)
			h.store.taken = []store.NamedConversation{{
				Name:         number + ":" + person,
				Conversation: store.Conversation{Takeover: store.Takeover{By: store.HandedOff, At: at, Until: at.Add(12 * time.Hour)}},
			}}
		},
		checks: []string{"handed-over"},
		state:  doctor.Warning,
		detail: "the AI is silent in 1 conversations",
		fix:    "give them back",
	},
}

func (h *harness) closeScope(scope, reason, cause string) {
	h.process.ClosedScopes = func() []health.ClosedScope {
		return []health.ClosedScope{{
			Scope:  scope,
			Reason: reason,
			Cause:  cause,
			Since:  time.Now(),
			Until:  time.Now(),
		}}
	}
}

func (h *harness) setOldest(age time.Duration) {
	h.store.change = func(s *store.Stats) {
		s.Pending = 7
		s.OldestPending = h.clock.Now().Add(-age)
	}
}
