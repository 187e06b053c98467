// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

var (
	graphVersion = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]{1,2}$`)
	snakeCase    = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	headerName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	objectName   = regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$`)
	digits       = regexp.MustCompile(`^[0-9]{1,32}$`)
)

// validate returns an error that lists every problem of a completed configuration, each with its key.
func (c Config) validate() error {
	var p problems

	p.oneOf("unknownKeys", string(c.UnknownKeys), string(UnknownKeysRefuse), string(UnknownKeysIgnore))
	p.resource(c.Resource)
	p.listen(c.Listen)
	p.webhook(c.Webhook)
	p.cloudAPI(c.CloudAPI)
	p.ai(c)
	p.messagesAPI(c.MessagesAPI)
	p.handoff(c.Handoff)
	p.media(c.Media)
	p.processing(c.Processing)
	p.store(c.Store)

	p.absolutePath("secretsDir", c.SecretsDir)

	if c.Notifications.SinkURL != "" {
		p.url("notifications.sinkURL", c.Notifications.SinkURL)
	}

	inRange(&p, "notifications.timeout", c.Notifications.Timeout, time.Millisecond, time.Minute)

	if c.Tracing.EndpointURL != "" {
		p.url("tracing.endpointURL", c.Tracing.EndpointURL)
	}

	if c.Tracing.LinkTemplate != "" {
		p.linkTemplate("tracing.linkTemplate", c.Tracing.LinkTemplate)
	}

	inRange(&p, "shutdown.drainTimeout", c.Shutdown.DrainTimeout, 0, time.Hour)
	p.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")

	return errors.Join(p...)
}

func (p *problems) resource(r Resource) {
	const want = "must be a name of Kubernetes: lower case letters, digits, - and ."

	p.check(objectName.MatchString(r.Namespace), "resource.namespace", want)
	p.check(objectName.MatchString(r.Name), "resource.name", want)
}

func (p *problems) listen(l Listen) {
	p.address("listen.webhook", l.Webhook)
	p.address("listen.admin", l.Admin)
	p.loopback("listen.console", l.Console)
	p.address("listen.messages", l.Messages)
}

func (p *problems) webhook(w Webhook) {
	p.path("webhook.path", w.Path)
	p.check(w.Path != w.HealthPath, "webhook.path", "must not be webhook.healthPath, the path of the health check")
	p.healthPath(w.HealthPath)
	inRange(p, "webhook.maxBodyBytes", w.MaxBodyBytes, 1<<10, 64<<20)
	inRange(p, "webhook.maxInFlightBytes", w.MaxInFlightBytes, w.MaxBodyBytes, 1<<32)
	inRange(p, "webhook.ingestTimeout", w.IngestTimeout, time.Millisecond, time.Minute)

	if w.PublicURL != "" {
		p.origin("webhook.publicURL", w.PublicURL)
	}
}

// healthPath checks that the path hides nothing that the ports serve.
func (p *problems) healthPath(path string) {
	if path == "/" {
		return
	}

	p.path("webhook.healthPath", path)

	for _, served := range []string{MediaPath, MessagesPath} {
		p.check(!strings.HasPrefix(path, served), "webhook.healthPath", "must not be below "+served+", where the receiver serves requests")
	}
}

func (p *problems) cloudAPI(a CloudAPI) {
	p.url("cloudAPI.baseURL", a.BaseURL)
	p.check(graphVersion.MatchString(a.Version), "cloudAPI.version", "must look like v27.0")
	inRange(p, "cloudAPI.timeout", a.Timeout, time.Millisecond, 5*time.Minute)
	inRange(p, "cloudAPI.messagesPerSecond", a.MessagesPerSecond, 1, 100_000)

	for i, id := range a.PhoneNumberIDs {
		key := fmt.Sprintf("cloudAPI.phoneNumberIDs[%d]", i)
		p.check(id != "" && len(id) <= 64, key, "must have 1 to 64 characters")
	}

	if a.Subscription != nil {
		p.subscription(*a.Subscription, a.PhoneNumberIDs)
	}
}

// subscription checks the callback URL as Meta does: https, and at most 200 characters for an override.
func (p *problems) subscription(s Subscription, phoneNumberIDs []string) {
	const prefix = "cloudAPI.subscription."

	p.check(digits.MatchString(s.AppID), prefix+"appID", "must be the ID of the app at Meta, a number")

	callbackURL := prefix + "callbackURL"
	https := strings.HasPrefix(s.CallbackURL, "https://")

	p.url(callbackURL, s.CallbackURL)
	p.check(https && len(s.CallbackURL) <= 200, callbackURL, "must be https and have at most 200 characters")

	for i, id := range s.BusinessAccountIDs {
		key := fmt.Sprintf(prefix+"businessAccountIDs[%d]", i)
		p.check(digits.MatchString(id), key, "must be the ID of a WhatsApp Business Account, a number")
	}

	for i, field := range s.Fields {
		key := fmt.Sprintf(prefix+"fields[%d]", i)
		p.check(isName(field), key, "must be a webhook field such as messages")
	}

	scope := prefix + "callbackScope"
	p.oneOf(scope, string(s.CallbackScope),
		string(CallbackApp),
		string(CallbackBusinessAccount),
		string(CallbackPhoneNumber),
	)

	if s.CallbackScope == CallbackBusinessAccount {
		p.check(len(s.BusinessAccountIDs) > 0, scope, "BusinessAccount requires cloudAPI.subscription.businessAccountIDs")
	}

	if s.CallbackScope == CallbackPhoneNumber {
		p.check(len(phoneNumberIDs) > 0, scope, "PhoneNumber requires cloudAPI.phoneNumberIDs")
	}
}

func (p *problems) messagesAPI(m *MessagesAPI) {
	if m == nil {
		return
	}

	inRange(p, "messagesAPI.maxBodyBytes", m.MaxBodyBytes, 1<<10, 64<<20)

	for i, role := range m.Roles {
		key := fmt.Sprintf("messagesAPI.roles[%d]", i)
		p.oneOf(key, string(role), string(MessagesAssistant), string(MessagesDesk))
	}
}

func (p *problems) handoff(h Handoff) {
	if h.URL != "" {
		p.url("handoff.url", h.URL)
	}

	p.oneOf("handoff.authScheme", string(h.AuthScheme), string(AuthBearer), string(AuthNone))
	inRange(p, "handoff.timeout", h.Timeout, time.Millisecond, time.Minute)
}

func (p *problems) media(m Media) {
	p.absolutePath("media.spoolDir", m.SpoolDir)
	inRange(p, "media.maxSpoolBytes", m.MaxSpoolBytes, 100<<20, 1<<40)
	inRange(p, "media.downloadTimeout", m.DownloadTimeout, time.Millisecond, time.Hour)

	for i, host := range m.AllowedHosts {
		key := fmt.Sprintf("media.allowedHosts[%d]", i)
		valid := host != "" && !strings.ContainsAny(host, "/:@ *")
		p.check(valid, key, "must be a host name, or a dot followed by a domain")
	}
}

func (p *problems) processing(c Processing) {
	inRange(p, "processing.concurrency", c.Concurrency, 1, 10_000)
	inRange(p, "processing.retry.maxRetries", *c.Retry.MaxRetries, 0, 100)
	inRange(p, "processing.retry.baseDelay", c.Retry.BaseDelay, time.Millisecond, time.Hour)
	inRange(p, "processing.retry.maxDelay", c.Retry.MaxDelay, c.Retry.BaseDelay, 24*time.Hour)
	inRange(p, "processing.lease", c.Lease, time.Second, time.Hour)
	inRange(p, "processing.poll", c.Poll, 10*time.Millisecond, time.Minute)
	inRange(p, "processing.configurationRetry", c.ConfigurationRetry, 10*time.Millisecond, time.Hour)
	inRange(p, "processing.ambiguousWindow", c.AmbiguousWindow, 0, time.Hour)
	inRange(p, "processing.answerWithin", c.AnswerWithin, time.Millisecond, 24*time.Hour)
	inRange(p, "processing.handoffDuration", c.HandoffDuration, time.Millisecond, 30*24*time.Hour)
	inRange(p, "processing.debounce", c.Debounce, 0, time.Minute)
	p.oneOf("processing.format", string(c.Format), string(FormatMarkdown), string(FormatWhatsApp))
	inRange(p, "processing.maxMessagesPerAnswer", c.MaxMessagesPerAnswer, 1, 10)

	textLength := utf8.RuneCountInString(c.FallbackText)
	p.check(textLength <= 4096, "processing.fallbackText", "must have at most 4096 characters")

	template := c.FallbackTemplate
	complete := (template.Name == "") == (template.Language == "")
	p.check(complete, "processing.fallbackTemplate", "must have both name and language")

	for code, policy := range c.ErrorPolicies {
		key := fmt.Sprintf("processing.errorPolicies.%d", code)

		if policy.Class != "" {
			p.oneOf(key+".class", policy.Class, texts(failure.Classes)...)
		}

		if policy.Scope != "" {
			p.oneOf(key+".scope", policy.Scope, texts(failure.Scopes)...)
		}
	}
}

func (p *problems) store(s Store) {
	p.check(s.Embedded == nil || s.PostgreSQL == nil, "store", "must have only one of embedded and postgreSQL")
	inRange(p, "store.retentionDays", s.RetentionDays, 1, 3650)
	inRange(p, "store.deadLetterDays", s.DeadLetterDays, 1, 3650)

	if s.Embedded != nil {
		p.absolutePath("store.embedded.path", s.Embedded.Path)
		p.backup(s.Embedded.Backup, s.Embedded.Path)
	}

	if s.PostgreSQL != nil {
		inRange(p, "store.postgreSQL.maxConnections", s.PostgreSQL.MaxConnections, 4, 1000)
	}
}
