// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

var (
	graphVersion = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]{1,2}$`)
	methodName   = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	digits       = regexp.MustCompile(`^[0-9]{1,32}$`)
	logLevels    = []string{"debug", "info", "warn", "error"}
)

// validate reports every fault of a filled configuration, each with its key and what it should be.
func (c Config) validate() error {
	var f faults
	f.address("listen.webhook", c.Listen.Webhook)
	f.address("listen.admin", c.Listen.Admin)
	f.loopback("listen.console", c.Listen.Console)
	f.path("webhook.path", c.Webhook.Path)
	f.check(c.Webhook.Path != "/health", "webhook.path", "must not be /health, which is answered by the health check")
	inRange(&f, "webhook.maxBodyBytes", c.Webhook.MaxBodyBytes, 1<<10, 64<<20)
	inRange(&f, "webhook.maxInFlightBytes", c.Webhook.MaxInFlightBytes, c.Webhook.MaxBodyBytes, 1<<32)
	inRange(&f, "webhook.ingestTimeout", c.Webhook.IngestTimeout, time.Millisecond, time.Minute)
	f.check(filepath.IsAbs(c.SecretsDir), "secretsDir", "must be an absolute path")

	f.url("cloudAPI.baseURL", c.CloudAPI.BaseURL)
	f.check(graphVersion.MatchString(c.CloudAPI.Version), "cloudAPI.version", "must look like v26.0")
	inRange(&f, "cloudAPI.timeout", c.CloudAPI.Timeout, time.Millisecond, 5*time.Minute)
	inRange(&f, "cloudAPI.messagesPerSecond", c.CloudAPI.MessagesPerSecond, 1, 100_000)

	for i, id := range c.CloudAPI.PhoneNumberIDs {
		f.check(id != "" && len(id) <= 64, fmt.Sprintf("cloudAPI.phoneNumberIDs[%d]", i), "must have 1 to 64 characters")
	}

	if c.CloudAPI.Subscription != nil {
		f.subscription(*c.CloudAPI.Subscription, c.CloudAPI.PhoneNumberIDs)
	}

	f.url("bird.baseURL", c.Bird.BaseURL)
	f.check(slices.Contains([]AuthScheme{AuthAccessKey, AuthBearer, AuthAPIKey}, c.Bird.AuthScheme),
		"bird.authScheme", "must be AccessKey, Bearer or APIKey")

	for method, endpoint := range c.Bird.Endpoints {
		key := "bird.endpoints." + method
		f.check(methodName.MatchString(method) && len(method) <= 64, key, "is no method name such as process_text_message")

		if endpoint.Path != "" {
			f.path(key+".path", endpoint.Path)
		}

		inRange(&f, key+".timeout", endpoint.Timeout, 0, 15*time.Minute)
	}

	f.check(c.Bird.Media.Mode == MediaProcess || c.Bird.Media.Mode == MediaAnalyze, "bird.media.mode", "must be Process or Analyze")
	f.check(slices.Contains([]MediaTransport{TransportAuto, TransportBase64, TransportMultipart}, c.Bird.Media.Transport),
		"bird.media.transport", "must be Auto, Base64 or Multipart")
	inRange(&f, "bird.circuitBreaker.failureThreshold", c.Bird.CircuitBreaker.FailureThreshold, 1, 10_000)
	inRange(&f, "bird.circuitBreaker.openDuration", c.Bird.CircuitBreaker.OpenDuration, 10*time.Millisecond, time.Hour)

	f.check(filepath.IsAbs(c.Media.SpoolDir), "media.spoolDir", "must be an absolute path")
	inRange(&f, "media.maxSpoolBytes", c.Media.MaxSpoolBytes, 100<<20, 1<<40)
	inRange(&f, "media.downloadTimeout", c.Media.DownloadTimeout, time.Millisecond, time.Hour)

	for i, host := range c.Media.AllowedHosts {
		f.check(host != "" && !strings.ContainsAny(host, "/:@ *"), fmt.Sprintf("media.allowedHosts[%d]", i), "must be a host name, or a dot and a domain")
	}

	if c.Tracing.EndpointURL != "" {
		f.url("tracing.endpointURL", c.Tracing.EndpointURL)
	}

	if c.Notifications.SinkURL != "" {
		f.url("notifications.sinkURL", c.Notifications.SinkURL)
	}

	inRange(&f, "notifications.timeout", c.Notifications.Timeout, time.Millisecond, time.Minute)

	p := c.Processing
	inRange(&f, "processing.handoffDuration", p.HandoffDuration, time.Millisecond, 30*24*time.Hour)
	inRange(&f, "processing.debounce", p.Debounce, 0, time.Minute)
	f.check((p.FallbackTemplate.Name == "") == (p.FallbackTemplate.Language == ""), "processing.fallbackTemplate", "must have both name and language")
	f.check(utf8.RuneCountInString(p.FallbackText) <= 4096, "processing.fallbackText", "must have at most 4096 characters")

	for code, policy := range p.ErrorPolicies {
		key := fmt.Sprintf("processing.errorPolicies.%d", code)
		f.check(policy.Class == "" || slices.Contains(failure.Classes, failure.Class(policy.Class)), key+".class", "must be one of "+join(failure.Classes))
		f.check(policy.Scope == "" || slices.Contains(failure.Scopes, failure.Scope(policy.Scope)), key+".scope", "must be one of "+join(failure.Scopes))
	}

	inRange(&f, "processing.concurrency", p.Concurrency, 1, 10_000)
	inRange(&f, "processing.retry.maxRetries", *p.Retry.MaxRetries, 0, 100)
	inRange(&f, "processing.retry.baseDelay", p.Retry.BaseDelay, time.Millisecond, time.Hour)
	inRange(&f, "processing.retry.maxDelay", p.Retry.MaxDelay, p.Retry.BaseDelay, 24*time.Hour)
	inRange(&f, "processing.lease", p.Lease, time.Second, time.Hour)
	inRange(&f, "processing.poll", p.Poll, 10*time.Millisecond, time.Minute)
	inRange(&f, "processing.configurationRetry", p.ConfigurationRetry, 10*time.Millisecond, time.Hour)
	inRange(&f, "processing.ambiguousWindow", p.AmbiguousWindow, 0, time.Hour)

	f.check(c.Store.Embedded == nil || c.Store.PostgreSQL == nil, "store", "must have one of embedded and postgreSQL")

	if c.Store.Embedded != nil {
		f.check(filepath.IsAbs(c.Store.Embedded.Path), "store.embedded.path", "must be an absolute path")
	}

	if c.Store.PostgreSQL != nil {
		inRange(&f, "store.postgreSQL.maxConnections", c.Store.PostgreSQL.MaxConnections, 4, 1000)
	}

	inRange(&f, "store.retentionDays", c.Store.RetentionDays, 1, 3650)
	inRange(&f, "shutdown.drainTimeout", c.Shutdown.DrainTimeout, 0, time.Hour)
	f.check(slices.Contains(logLevels, c.Log.Level), "log.level", "must be one of "+strings.Join(logLevels, ", "))

	return errors.Join(f...)
}

// subscription bounds the callback URL as Meta does: https, and at most 200 characters for an override.
func (f *faults) subscription(s Subscription, phoneNumberIDs []string) {
	f.check(digits.MatchString(s.AppID), "cloudAPI.subscription.appID", "must be the number of the app at Meta")
	f.url("cloudAPI.subscription.callbackURL", s.CallbackURL)
	f.check(strings.HasPrefix(s.CallbackURL, "https://") && len(s.CallbackURL) <= 200, "cloudAPI.subscription.callbackURL", "must be https and have at most 200 characters")

	for i, id := range s.BusinessAccountIDs {
		f.check(digits.MatchString(id), fmt.Sprintf("cloudAPI.subscription.businessAccountIDs[%d]", i), "must be the number of a WhatsApp Business Account")
	}

	for i, field := range s.Fields {
		f.check(methodName.MatchString(field) && len(field) <= 64, fmt.Sprintf("cloudAPI.subscription.fields[%d]", i), "is no webhook field such as messages")
	}

	scope := "cloudAPI.subscription.callbackScope"
	f.check(slices.Contains([]CallbackScope{CallbackApp, CallbackBusinessAccount, CallbackPhoneNumber}, s.CallbackScope), scope, "must be App, BusinessAccount or PhoneNumber")
	f.check(s.CallbackScope != CallbackBusinessAccount || len(s.BusinessAccountIDs) > 0, scope, "BusinessAccount needs cloudAPI.subscription.businessAccountIDs")
	f.check(s.CallbackScope != CallbackPhoneNumber || len(phoneNumberIDs) > 0, scope, "PhoneNumber needs cloudAPI.phoneNumberIDs")
}

func join[T ~string](values []T) string {
	var words []string
	for _, v := range values {
		words = append(words, string(v))
	}

	return strings.Join(words, ", ")
}

type faults []error

func (f *faults) check(ok bool, key, text string) {
	if !ok {
		*f = append(*f, fmt.Errorf("%s %s", key, text))
	}
}

func (f *faults) address(key, value string) {
	_, _, err := net.SplitHostPort(value)
	f.check(err == nil, key, "must be host:port or :port")
}

// loopback is what guards the console: it has no other lock.
func (f *faults) loopback(key, value string) {
	host, _, err := net.SplitHostPort(value)
	ip := net.ParseIP(host)
	f.check(err == nil && ip != nil && ip.IsLoopback(), key, "must be a loopback address and a port, such as 127.0.0.1:9091")
}

func (f *faults) path(key, value string) {
	f.check(strings.HasPrefix(value, "/") && !strings.ContainsAny(value, " +?#"), key, `must start with "/" and hold no blank, "+", "?" or "#"`)
}

func (f *faults) url(key, value string) {
	u, err := url.Parse(value)
	f.check(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "",
		key, "must be an absolute http or https URL without user, query or fragment")
}

func inRange[T int | int64 | time.Duration](f *faults, key string, value, least, most T) {
	f.check(value >= least && value <= most, key, fmt.Sprintf("is %v; it must be from %v to %v", value, least, most))
}
