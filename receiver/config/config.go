// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package config is the receiver's configuration: one YAML file and a folder of secrets, both read again while the
// receiver runs. The operator fills the same structs, so what it renders and what the receiver reads cannot differ.
package config

import (
	"cmp"
	"time"
)

// Config is the content of the file given to receiver --config. A key that is absent has the value that
// [Config.WithDefaults] gives it; a key that does not exist is an error.
type Config struct {
	Listen        Listen        `yaml:"listen,omitempty"`
	Webhook       Webhook       `yaml:"webhook,omitempty"`
	SecretsDir    string        `yaml:"secretsDir,omitempty"` // one subfolder for each role, see Secrets
	CloudAPI      CloudAPI      `yaml:"cloudAPI,omitempty"`
	Bird          Bird          `yaml:"bird"`
	Media         Media         `yaml:"media,omitempty"`
	Processing    Processing    `yaml:"processing,omitempty"`
	Notifications Notifications `yaml:"notifications,omitempty"`
	Store         Store         `yaml:"store,omitempty"`
	Tracing       Tracing       `yaml:"tracing,omitempty"`
	Shutdown      Shutdown      `yaml:"shutdown,omitempty"`
	Log           Log           `yaml:"log,omitempty"`
}

// Listen holds host:port addresses; port 0 takes a free one.
type Listen struct {
	Webhook string `yaml:"webhook,omitempty"` // what Meta calls
	Admin   string `yaml:"admin,omitempty"`   // probes, metrics and status; not for the public
	Console string `yaml:"console,omitempty"` // dead letters; loopback only, reached with kubectl port-forward
}

// Webhook bounds what one delivery, and all deliveries together, may cost.
type Webhook struct {
	Path             string        `yaml:"path,omitempty"`
	MaxBodyBytes     int64         `yaml:"maxBodyBytes,omitempty"`     // of one delivery; more is answered 413
	MaxInFlightBytes int64         `yaml:"maxInFlightBytes,omitempty"` // of all bodies in memory; more is answered 503
	IngestTimeout    time.Duration `yaml:"ingestTimeout,omitempty"`    // to durable; later is answered 503
	// MutualTLS, when given, makes the webhook port speak TLS, and take deliveries from Meta's client certificate alone.
	MutualTLS *MutualTLS `yaml:"mutualTLS,omitempty"`
}

// MutualTLS proves that it is Meta who delivers. Certificates are secrets: see the roles server-certificate, server-key
// and client-ca.
type MutualTLS struct {
	CommonName string `yaml:"commonName,omitempty"` // of the client's certificate
}

// CloudAPI says how to reach Meta's Graph API, and which business phone numbers are ours.
type CloudAPI struct {
	BaseURL string `yaml:"baseURL,omitempty"`
	Version string `yaml:"version,omitempty"` // of the Graph API, such as v26.0
	// PhoneNumberIDs, when given, quarantines events of any other number: stored and counted, never worked.
	PhoneNumberIDs []string      `yaml:"phoneNumberIDs,omitempty"`
	Timeout        time.Duration `yaml:"timeout,omitempty"` // of one call
	// MessagesPerSecond bounds the sends of one phone number. Meta's default is 80, of a coexistence number 20.
	MessagesPerSecond int `yaml:"messagesPerSecond,omitempty"`
	// Subscription, when given, is kept at Meta as it is declared here.
	Subscription *Subscription `yaml:"subscription,omitempty"`
}

// Subscription says what Meta is to deliver, and where.
type Subscription struct {
	AppID              string        `yaml:"appID"`
	CallbackURL        string        `yaml:"callbackURL"` // public, https, at most 200 characters
	BusinessAccountIDs []string      `yaml:"businessAccountIDs,omitempty"`
	Fields             []string      `yaml:"fields,omitempty"` // webhook fields, such as messages
	CallbackScope      CallbackScope `yaml:"callbackScope,omitempty"`
}

// CallbackScope is what the callback URL is set for at Meta, the narrowest of which wins there.
type CallbackScope string

// The scopes. With an override, the app's own callback URL is left as it is found.
const (
	CallbackApp             CallbackScope = "App"
	CallbackBusinessAccount CallbackScope = "BusinessAccount" // an override for each of businessAccountIDs
	CallbackPhoneNumber     CallbackScope = "PhoneNumber"     // an override for each of phoneNumberIDs
)

// Bird says how to reach the AI.
type Bird struct {
	BaseURL        string              `yaml:"baseURL"`
	AuthScheme     AuthScheme          `yaml:"authScheme,omitempty"`
	WorkspaceID    string              `yaml:"workspaceID,omitempty"`
	AIEmployeeID   string              `yaml:"aiEmployeeID,omitempty"`
	Endpoints      map[string]Endpoint `yaml:"endpoints,omitempty"` // by method name, such as process_text_message
	Media          BirdMedia           `yaml:"media,omitempty"`
	CircuitBreaker CircuitBreaker      `yaml:"circuitBreaker,omitempty"`
}

// BirdMedia says what Bird is told of a photo, a recording, a film or a document.
type BirdMedia struct {
	Mode      MediaMode      `yaml:"mode,omitempty"`
	Transport MediaTransport `yaml:"transport,omitempty"`
}

// MediaMode is which method gets the media.
type MediaMode string

// The modes: the message's own method gets the media, or an analysis method does and its result goes with the text.
const (
	MediaProcess MediaMode = "Process"
	MediaAnalyze MediaMode = "Analyze"
)

// MediaTransport is how media travels to Bird.
type MediaTransport string

// The transports. Auto is base64 up to 4 MiB, and multipart above.
const (
	TransportAuto      MediaTransport = "Auto"
	TransportBase64    MediaTransport = "Base64"
	TransportMultipart MediaTransport = "Multipart"
)

// CircuitBreaker stops asking a Bird that fails call after call, so that an outage spends no attempts.
type CircuitBreaker struct {
	FailureThreshold int           `yaml:"failureThreshold,omitempty"` // in a row that open it
	OpenDuration     time.Duration `yaml:"openDuration,omitempty"`     // until one call may try again
}

// Media bounds the download of what people send.
type Media struct {
	SpoolDir        string        `yaml:"spoolDir,omitempty"`      // emptied at start
	MaxSpoolBytes   int64         `yaml:"maxSpoolBytes,omitempty"` // of all files in it
	AllowedHosts    []string      `yaml:"allowedHosts,omitempty"`  // of media URLs; with a leading dot, all names below it
	DownloadTimeout time.Duration `yaml:"downloadTimeout,omitempty"`
}

// Endpoint overrides what the Bird contract has for one method; an absent key keeps the contract's value.
type Endpoint struct {
	Path    string        `yaml:"path,omitempty"`
	Timeout time.Duration `yaml:"timeout,omitempty"`
	Enabled *bool         `yaml:"enabled,omitempty"`
}

// AuthScheme is how the Bird access key travels.
type AuthScheme string

// The schemes of the Bird contract.
const (
	AuthAccessKey AuthScheme = "AccessKey" // Authorization: AccessKey <key>
	AuthBearer    AuthScheme = "Bearer"    // Authorization: Bearer <key>
	AuthAPIKey    AuthScheme = "APIKey"    // X-API-Key: <key>
)

// Processing governs the engine.
type Processing struct {
	Concurrency int           `yaml:"concurrency,omitempty"` // conversations worked at a time
	Retry       Retry         `yaml:"retry,omitempty"`
	Lease       time.Duration `yaml:"lease,omitempty"` // how long a claimed conversation stays claimed without renewal
	Poll        time.Duration `yaml:"poll,omitempty"`  // how often due work is looked for besides being woken
	// ConfigurationRetry is how long work waits when a token is refused or an address is wrong; it spends no attempt.
	ConfigurationRetry time.Duration `yaml:"configurationRetry,omitempty"`
	// AmbiguousWindow is how long to wait for the status of a send whose outcome is unknown before sending again.
	AmbiguousWindow time.Duration `yaml:"ambiguousWindow,omitempty"`
	// TypingIndicator marks a message read and shows "typing" before the AI is asked.
	TypingIndicator *bool `yaml:"typingIndicator,omitempty"`
	// ErrorPolicies override what Meta's error codes mean.
	ErrorPolicies map[int]ErrorPolicy `yaml:"errorPolicies,omitempty"`
	// FallbackText is sent when the AI's answer cannot be used.
	FallbackText string `yaml:"fallbackText,omitempty"`
	// FallbackTemplate is sent instead of an answer when the person has not written for 24 hours.
	FallbackTemplate FallbackTemplate `yaml:"fallbackTemplate,omitempty"`
	// HandoffDuration is how long the AI stays silent after a colleague answered or Bird handed the conversation over.
	HandoffDuration time.Duration `yaml:"handoffDuration,omitempty"`
	// Debounce is how long to wait for more of a person's quick successive texts, to put them as one question.
	Debounce time.Duration `yaml:"debounce,omitempty"`
}

// ErrorPolicy is the class and the scope of an error code, as in the failure package. An empty field keeps the table's.
type ErrorPolicy struct {
	Class string `yaml:"class,omitempty"`
	Scope string `yaml:"scope,omitempty"`
}

// FallbackTemplate names an approved template without parameters.
type FallbackTemplate struct {
	Name     string `yaml:"name,omitempty"`
	Language string `yaml:"language,omitempty"`
}

// Notifications tell a sink what happened, as CloudEvents over HTTP. Without a sink there are none.
type Notifications struct {
	SinkURL string        `yaml:"sinkURL,omitempty"`
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

// Retry is exponential backoff: BaseDelay · 2^n up to MaxDelay, with jitter, MaxRetries times after the first attempt.
type Retry struct {
	MaxRetries *int          `yaml:"maxRetries,omitempty"`
	BaseDelay  time.Duration `yaml:"baseDelay,omitempty"`
	MaxDelay   time.Duration `yaml:"maxDelay,omitempty"`
}

// Store names the inbox. Exactly one engine is configured.
type Store struct {
	Embedded      *EmbeddedStore   `yaml:"embedded,omitempty"`
	PostgreSQL    *PostgreSQLStore `yaml:"postgreSQL,omitempty"`
	RetentionDays int              `yaml:"retentionDays,omitempty"` // of the payloads of finished events
}

// EmbeddedStore is a SQLite file on a volume of the receiver's own.
type EmbeddedStore struct {
	Path string `yaml:"path"`
}

// PostgreSQLStore is a database that several receivers share. Its URL, and the CA of its certificate, are secrets: see
// the roles database-url and database-ca.
type PostgreSQLStore struct {
	MaxConnections int `yaml:"maxConnections,omitempty"` // of one receiver
}

// Tracing sends OpenTelemetry traces. Without an endpoint there are none.
type Tracing struct {
	EndpointURL string `yaml:"endpointURL,omitempty"` // of OTLP over HTTP, such as http://collector:4318
}

// Shutdown bounds the end of the process.
type Shutdown struct {
	DrainTimeout time.Duration `yaml:"drainTimeout,omitempty"` // for deliveries and conversations in hand
}

// Log governs the receiver's own log, JSON lines on standard error.
type Log struct {
	Level string `yaml:"level,omitempty"` // debug, info, warn or error
}

// WithDefaults returns the configuration with every absent key filled.
func (c Config) WithDefaults() Config {
	c.Listen.Webhook = cmp.Or(c.Listen.Webhook, ":8080")
	c.Listen.Admin = cmp.Or(c.Listen.Admin, ":9090")
	c.Listen.Console = cmp.Or(c.Listen.Console, "127.0.0.1:9091")
	c.Webhook.Path = cmp.Or(c.Webhook.Path, "/webhooks/whatsapp")
	c.Webhook.MaxBodyBytes = cmp.Or(c.Webhook.MaxBodyBytes, 4<<20)
	c.Webhook.MaxInFlightBytes = cmp.Or(c.Webhook.MaxInFlightBytes, 64<<20)
	c.Webhook.IngestTimeout = cmp.Or(c.Webhook.IngestTimeout, 5*time.Second)
	c.SecretsDir = cmp.Or(c.SecretsDir, "/var/run/secrets/whatsapp-webhook")
	c.CloudAPI.BaseURL = cmp.Or(c.CloudAPI.BaseURL, "https://graph.facebook.com")
	c.CloudAPI.Version = cmp.Or(c.CloudAPI.Version, "v26.0")
	c.CloudAPI.Timeout = cmp.Or(c.CloudAPI.Timeout, 15*time.Second)

	c.CloudAPI.MessagesPerSecond = cmp.Or(c.CloudAPI.MessagesPerSecond, 80)
	if m := c.Webhook.MutualTLS; m != nil {
		c.Webhook.MutualTLS = &MutualTLS{CommonName: cmp.Or(m.CommonName, "client.webhooks.fbclientcerts.com")}
	}

	if s := c.CloudAPI.Subscription; s != nil {
		filled := *s

		filled.CallbackScope = cmp.Or(s.CallbackScope, CallbackApp)
		if len(s.Fields) == 0 {
			filled.Fields = []string{"messages"}
		}

		c.CloudAPI.Subscription = &filled
	}

	c.Bird.AuthScheme = cmp.Or(c.Bird.AuthScheme, AuthAccessKey)
	c.Bird.Media.Mode = cmp.Or(c.Bird.Media.Mode, MediaProcess)
	c.Bird.Media.Transport = cmp.Or(c.Bird.Media.Transport, TransportAuto)
	c.Bird.CircuitBreaker.FailureThreshold = cmp.Or(c.Bird.CircuitBreaker.FailureThreshold, 10)
	c.Bird.CircuitBreaker.OpenDuration = cmp.Or(c.Bird.CircuitBreaker.OpenDuration, 30*time.Second)
	c.Media.SpoolDir = cmp.Or(c.Media.SpoolDir, "/tmp/whatsapp-webhook-media")

	c.Media.MaxSpoolBytes = cmp.Or(c.Media.MaxSpoolBytes, 512<<20)
	if c.Media.AllowedHosts == nil {
		c.Media.AllowedHosts = []string{".fbsbx.com", ".fbcdn.net", ".whatsapp.net"}
	}

	c.Media.DownloadTimeout = cmp.Or(c.Media.DownloadTimeout, 2*time.Minute)
	c.Processing.HandoffDuration = cmp.Or(c.Processing.HandoffDuration, 12*time.Hour)
	c.Notifications.Timeout = cmp.Or(c.Notifications.Timeout, 10*time.Second)
	c.Processing.Concurrency = cmp.Or(c.Processing.Concurrency, 256)
	c.Processing.Retry.MaxRetries = cmp.Or(c.Processing.Retry.MaxRetries, new(3))
	c.Processing.Retry.BaseDelay = cmp.Or(c.Processing.Retry.BaseDelay, time.Second)
	c.Processing.Retry.MaxDelay = cmp.Or(c.Processing.Retry.MaxDelay, time.Minute)
	c.Processing.Lease = cmp.Or(c.Processing.Lease, 30*time.Second)
	c.Processing.Poll = cmp.Or(c.Processing.Poll, 500*time.Millisecond)
	c.Processing.ConfigurationRetry = cmp.Or(c.Processing.ConfigurationRetry, 30*time.Second)
	c.Processing.AmbiguousWindow = cmp.Or(c.Processing.AmbiguousWindow, 30*time.Second)
	c.Processing.TypingIndicator = cmp.Or(c.Processing.TypingIndicator, new(true))

	c.Store.RetentionDays = cmp.Or(c.Store.RetentionDays, 30)
	if p := c.Store.PostgreSQL; p != nil {
		c.Store.PostgreSQL = &PostgreSQLStore{MaxConnections: cmp.Or(p.MaxConnections, 16)}
	} else if c.Store.Embedded == nil {
		c.Store.Embedded = &EmbeddedStore{Path: "/var/lib/whatsapp-webhook/inbox.db"}
	}

	c.Shutdown.DrainTimeout = cmp.Or(c.Shutdown.DrainTimeout, 25*time.Second)
	c.Log.Level = cmp.Or(c.Log.Level, "info")

	return c
}
