// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"time"
)

// WithDefaults returns the configuration with a default for every key that is not set.
func (c Config) WithDefaults() Config {
	c.UnknownKeys = cmp.Or(c.UnknownKeys, UnknownKeysRefuse)
	c.Resource.Namespace = cmp.Or(c.Resource.Namespace, "this")
	c.Resource.Name = cmp.Or(c.Resource.Name, "receiver")
	c.SecretsDir = cmp.Or(c.SecretsDir, "/var/run/secrets/whatsapp-webhook")
	c.Listen = c.Listen.withDefaults()
	c.Webhook = c.Webhook.withDefaults()
	c.CloudAPI = c.CloudAPI.withDefaults()
	c.Media = c.Media.withDefaults()
	c.Processing = c.Processing.withDefaults()
	c.Store = c.Store.withDefaults()
	c.Notifications.Timeout = cmp.Or(c.Notifications.Timeout, 10*time.Second)
	c.Handoff.Timeout = cmp.Or(c.Handoff.Timeout, 10*time.Second)
	c.Handoff.AuthScheme = cmp.Or(c.Handoff.AuthScheme, AuthBearer)
	c.Shutdown.DrainTimeout = cmp.Or(c.Shutdown.DrainTimeout, 25*time.Second)
	c.Log.Level = cmp.Or(c.Log.Level, "info")

	if c.OpenAI != nil {
		c.OpenAI = new(c.OpenAI.withDefaults())
	} else {
		c.Bird = c.Bird.withDefaults()
	}

	if c.MessagesAPI != nil {
		c.MessagesAPI = new(c.MessagesAPI.withDefaults())
	}

	return c
}

func (l Listen) withDefaults() Listen {
	l.Webhook = cmp.Or(l.Webhook, ":8080")
	l.Admin = cmp.Or(l.Admin, ":9090")
	l.Console = cmp.Or(l.Console, "127.0.0.1:9091")
	l.Messages = cmp.Or(l.Messages, ":9092")

	return l
}

func (m MessagesAPI) withDefaults() MessagesAPI {
	m.MaxBodyBytes = cmp.Or(m.MaxBodyBytes, 1<<20)
	if len(m.Roles) == 0 {
		m.Roles = []MessagesRole{MessagesAssistant}
	}

	return m
}

func (w Webhook) withDefaults() Webhook {
	w.Path = cmp.Or(w.Path, "/webhooks/whatsapp")
	w.HealthPath = cmp.Or(w.HealthPath, "/health")
	w.MaxBodyBytes = cmp.Or(w.MaxBodyBytes, 4<<20)
	w.MaxInFlightBytes = cmp.Or(w.MaxInFlightBytes, 64<<20)
	w.IngestTimeout = cmp.Or(w.IngestTimeout, 5*time.Second)

	if w.MutualTLS != nil {
		commonName := cmp.Or(w.MutualTLS.CommonName, "client.webhooks.fbclientcerts.com")
		w.MutualTLS = &MutualTLS{CommonName: commonName}
	}

	return w
}

func (a CloudAPI) withDefaults() CloudAPI {
	a.BaseURL = cmp.Or(a.BaseURL, "https://graph.facebook.com")
	a.Version = cmp.Or(a.Version, "v27.0")
	a.Timeout = cmp.Or(a.Timeout, 15*time.Second)
	a.MessagesPerSecond = cmp.Or(a.MessagesPerSecond, a.throughput())

	if a.Subscription != nil {
		filled := *a.Subscription

		filled.CallbackScope = cmp.Or(filled.CallbackScope, CallbackApp)
		if len(filled.Fields) == 0 {
			filled.Fields = a.webhookFields()
		}

		a.Subscription = &filled
	}

	return a
}

// throughput returns the messages a second that Meta takes from a phone number.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
func (a CloudAPI) throughput() int {
	if a.Coexistence {
		return 20
	}

	return 80
}

// webhookFields returns the fields without which people would be answered wrongly: their messages, and what says that
// another responder or a colleague has the conversation.
func (a CloudAPI) webhookFields() []string {
	fields := []string{"messages", "messaging_handovers", "standby"}
	if a.Coexistence {
		fields = append(fields, "smb_message_echoes")
	}

	return fields
}

func (b Bird) withDefaults() Bird {
	b.Protocol = cmp.Or(b.Protocol, ProtocolContract)
	if b.Protocol == ProtocolFlow {
		b.AuthScheme = cmp.Or(b.AuthScheme, AuthBearer)
		b.EmptyAnswer = cmp.Or(b.EmptyAnswer, EmptyLater)
		b.Flow.MaxBodyBytes = cmp.Or(b.Flow.MaxBodyBytes, 190_000) // a flow of Bird takes 200 KB
		b.Flow.Timeout = cmp.Or(b.Flow.Timeout, time.Minute)
	}

	b.AuthScheme = cmp.Or(b.AuthScheme, AuthAccessKey)
	b.EmptyAnswer = cmp.Or(b.EmptyAnswer, EmptyNoReply)
	b.Media.Mode = cmp.Or(b.Media.Mode, MediaProcess)
	b.Media.Transport = cmp.Or(b.Media.Transport, TransportAuto)
	b.CircuitBreaker = b.CircuitBreaker.withDefaults()

	return b
}

func (b CircuitBreaker) withDefaults() CircuitBreaker {
	b.FailureThreshold = cmp.Or(b.FailureThreshold, 10)
	b.OpenDuration = cmp.Or(b.OpenDuration, 30*time.Second)

	return b
}

func (m Media) withDefaults() Media {
	m.SpoolDir = cmp.Or(m.SpoolDir, "/tmp/whatsapp-webhook-media")
	m.MaxSpoolBytes = cmp.Or(m.MaxSpoolBytes, 512<<20)
	m.DownloadTimeout = cmp.Or(m.DownloadTimeout, 2*time.Minute)

	if m.AllowedHosts == nil {
		m.AllowedHosts = []string{".fbsbx.com", ".fbcdn.net", ".whatsapp.net"}
	}

	return m
}

func (p Processing) withDefaults() Processing {
	p.Concurrency = cmp.Or(p.Concurrency, 256)
	p.Retry.MaxRetries = cmp.Or(p.Retry.MaxRetries, new(3))
	p.Retry.BaseDelay = cmp.Or(p.Retry.BaseDelay, time.Second)
	p.Retry.MaxDelay = cmp.Or(p.Retry.MaxDelay, time.Minute)
	p.Lease = cmp.Or(p.Lease, 30*time.Second)
	p.Poll = cmp.Or(p.Poll, 3*time.Second)
	p.ConfigurationRetry = cmp.Or(p.ConfigurationRetry, 30*time.Second)
	p.AmbiguousWindow = cmp.Or(p.AmbiguousWindow, 30*time.Second)
	p.TypingIndicator = cmp.Or(p.TypingIndicator, new(true))
	p.AnswerWithin = cmp.Or(p.AnswerWithin, 2*time.Minute)
	p.HandoffDuration = cmp.Or(p.HandoffDuration, 12*time.Hour)
	p.Format = cmp.Or(p.Format, FormatMarkdown)
	p.MaxMessagesPerAnswer = cmp.Or(p.MaxMessagesPerAnswer, 5)

	return p
}

func (s Store) withDefaults() Store {
	s.RetentionDays = cmp.Or(s.RetentionDays, 30)
	s.DeadLetterDays = cmp.Or(s.DeadLetterDays, 90)

	switch {
	case s.PostgreSQL != nil:
		s.PostgreSQL = &PostgreSQLStore{MaxConnections: cmp.Or(s.PostgreSQL.MaxConnections, 16)}
	case s.Embedded == nil:
		s.Embedded = &EmbeddedStore{Path: "/var/lib/whatsapp-webhook/inbox.db"}
	default:
		s.Embedded = s.Embedded.withDefaults()
	}

	return s
}
