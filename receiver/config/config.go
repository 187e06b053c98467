// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package config is the receiver's configuration: one YAML file and a folder of secrets, both reloaded while the receiver
// runs. The operator renders the file from the same structs, so both sides always agree on the format.
package config

import "time"

// Config is the content of the file passed to receiver --config. [Config.WithDefaults] fills keys that are not set.
type Config struct {
	UnknownKeys   UnknownKeys   `yaml:"unknownKeys,omitempty"`
	Resource      Resource      `yaml:"resource,omitempty"`
	Listen        Listen        `yaml:"listen,omitempty"`
	Webhook       Webhook       `yaml:"webhook,omitempty"`
	SecretsDir    string        `yaml:"secretsDir,omitempty"` // one subfolder for each role, see Secrets
	CloudAPI      CloudAPI      `yaml:"cloudAPI,omitempty"`
	Bird          Bird          `yaml:"bird,omitempty"`
	OpenAI        *OpenAI       `yaml:"openAI,omitempty"`      // instead of Bird
	MessagesAPI   *MessagesAPI  `yaml:"messagesAPI,omitempty"` // without it, nothing listens on listen.messages
	Handoff       Handoff       `yaml:"handoff,omitempty"`
	Media         Media         `yaml:"media,omitempty"`
	Processing    Processing    `yaml:"processing,omitempty"`
	Notifications Notifications `yaml:"notifications,omitempty"`
	Store         Store         `yaml:"store,omitempty"`
	Tracing       Tracing       `yaml:"tracing,omitempty"`
	Shutdown      Shutdown      `yaml:"shutdown,omitempty"`
	Log           Log           `yaml:"log,omitempty"`

	// Ignored are the keys of the file that this receiver does not know.
	Ignored []string `yaml:"-"`
}

// UnknownKeys says how the receiver treats keys that it does not know.
type UnknownKeys string

// The values of unknownKeys.
const (
	// UnknownKeysRefuse rejects the file. It is the default, for files that people write.
	UnknownKeysRefuse UnknownKeys = "Refuse"
	// UnknownKeysIgnore leaves them out and reports them as a problem. The operator sets it, so that a receiver whose image
	// is older than the operator starts with the settings that it knows.
	UnknownKeysIgnore UnknownKeys = "Ignore"
)

// Resource is the WhatsAppWebhook that the receiver serves. The addresses and titles of its console have the name, so that a
// page of one receiver never shows or changes what another one has.
type Resource struct {
	Namespace string `yaml:"namespace,omitempty"`
	Name      string `yaml:"name,omitempty"`
}

// Listen configures the host:port addresses to listen on. Port 0 selects a free port.
type Listen struct {
	Webhook string `yaml:"webhook,omitempty"` // called by Meta
	Admin   string `yaml:"admin,omitempty"`   // probes, metrics and status; must not be public
	Console string `yaml:"console,omitempty"` // dead letters; loopback only, reachable with kubectl port-forward
	// Messages is the address of the messages API, which the AI and people call. It is used with messagesAPI only.
	Messages string `yaml:"messages,omitempty"`
}

// MediaPath is the path of the webhook port below which linked media are served.
const MediaPath = "/media/"

// MessagesPath is the path below which the messages API is served.
const MessagesPath = "/v1/"

// Webhook configures the webhook and its limits, for one delivery and for all deliveries in flight.
type Webhook struct {
	Path string `yaml:"path,omitempty"`
	// HealthPath is the path that load balancers check, on the webhook port and on that of the messages API. It needs no
	// signature and no key. They may also check "/".
	HealthPath       string        `yaml:"healthPath,omitempty"`
	MaxBodyBytes     int64         `yaml:"maxBodyBytes,omitempty"`     // of one delivery; above it: 413
	MaxInFlightBytes int64         `yaml:"maxInFlightBytes,omitempty"` // of all bodies in memory; above it: 503
	IngestTimeout    time.Duration `yaml:"ingestTimeout,omitempty"`    // until a delivery is durable; after it: 503
	// PublicURL is the public scheme and host of the webhook port, such as https://hooks.example.com. Links to media start
	// with it.
	PublicURL string `yaml:"publicURL,omitempty"`
	// MutualTLS, if set, serves the webhook over TLS and accepts deliveries only with Meta's client certificate.
	MutualTLS *MutualTLS `yaml:"mutualTLS,omitempty"`
}

// MutualTLS configures how Meta's client certificate is verified. The certificates themselves are secrets: see the roles
// server-certificate, server-key and client-ca.
type MutualTLS struct {
	CommonName string `yaml:"commonName,omitempty"` // in the client certificate
}

// CloudAPI configures Meta's Graph API and our business phone numbers.
type CloudAPI struct {
	BaseURL string `yaml:"baseURL,omitempty"`
	Version string `yaml:"version,omitempty"` // of the Graph API, such as v27.0
	// PhoneNumberIDs, if set, quarantines events of any other number: they are stored and counted, but never processed.
	PhoneNumberIDs []string      `yaml:"phoneNumberIDs,omitempty"`
	Timeout        time.Duration `yaml:"timeout,omitempty"` // of one call
	// MessagesPerSecond limits the sends of one phone number. Meta's limit is 80, or 20 for a coexistence number.
	MessagesPerSecond int `yaml:"messagesPerSecond,omitempty"`
	// Coexistence means that phone numbers are also used in the WhatsApp Business app.
	Coexistence bool `yaml:"coexistence,omitempty"`
	// Subscription, if set, is maintained at Meta.
	Subscription *Subscription `yaml:"subscription,omitempty"`
}

// Subscription configures what Meta delivers, and to which URL.
type Subscription struct {
	AppID              string        `yaml:"appID"`
	CallbackURL        string        `yaml:"callbackURL"` // public, https, at most 200 characters
	BusinessAccountIDs []string      `yaml:"businessAccountIDs,omitempty"`
	Fields             []string      `yaml:"fields,omitempty"` // webhook fields, such as messages
	CallbackScope      CallbackScope `yaml:"callbackScope,omitempty"`
}

// CallbackScope is the scope of the callback URL at Meta, where the narrowest scope wins.
type CallbackScope string

// The callback scopes. With an override, an existing callback URL of the app stays unchanged.
const (
	CallbackApp             CallbackScope = "App"
	CallbackBusinessAccount CallbackScope = "BusinessAccount" // an override for each of businessAccountIDs
	CallbackPhoneNumber     CallbackScope = "PhoneNumber"     // an override for each of phoneNumberIDs
)

// Media limits the download of media that people send.
type Media struct {
	SpoolDir        string        `yaml:"spoolDir,omitempty"`      // emptied at start
	MaxSpoolBytes   int64         `yaml:"maxSpoolBytes,omitempty"` // of all files in it
	AllowedHosts    []string      `yaml:"allowedHosts,omitempty"`  // of media URLs; a leading dot includes subdomains
	DownloadTimeout time.Duration `yaml:"downloadTimeout,omitempty"`
}

// Processing configures the engine.
type Processing struct {
	Concurrency int           `yaml:"concurrency,omitempty"` // conversations processed at a time
	Retry       Retry         `yaml:"retry,omitempty"`
	Lease       time.Duration `yaml:"lease,omitempty"` // of a claimed conversation, without renewal
	Poll        time.Duration `yaml:"poll,omitempty"`  // how often the engine looks for due work without being woken
	// ConfigurationRetry is the delay after a refused token or a wrong address. It uses up no retry.
	ConfigurationRetry time.Duration `yaml:"configurationRetry,omitempty"`
	// AmbiguousWindow is how long to wait for the status of a send with unknown outcome before sending again.
	AmbiguousWindow time.Duration `yaml:"ambiguousWindow,omitempty"`
	// TypingIndicator marks a message as read and shows "typing" before the AI is asked.
	TypingIndicator *bool `yaml:"typingIndicator,omitempty"`
	// ErrorPolicies override how Meta's error codes are handled.
	ErrorPolicies map[int]ErrorPolicy `yaml:"errorPolicies,omitempty"`
	// AnswerWithin is how long an AI that answers later has for its answer. After it, FallbackText is sent.
	AnswerWithin time.Duration `yaml:"answerWithin,omitempty"`
	// FallbackText is sent when the AI's answer cannot be used, or does not come in time.
	FallbackText string `yaml:"fallbackText,omitempty"`
	// FallbackTemplate is sent instead of an answer when the person has not written for 24 hours.
	FallbackTemplate FallbackTemplate `yaml:"fallbackTemplate,omitempty"`
	// HandoffDuration is how long the AI stays silent after a colleague answered or the AI handed the conversation off to
	// people.
	HandoffDuration time.Duration `yaml:"handoffDuration,omitempty"`
	// Debounce is how long to wait for further texts of a person, which are then sent to the AI as one request.
	Debounce time.Duration `yaml:"debounce,omitempty"`
	// Format is the format of the AI's texts.
	Format Format `yaml:"format,omitempty"`
	// MaxMessagesPerAnswer limits the WhatsApp messages of one answer. Meta bills each of them.
	MaxMessagesPerAnswer int `yaml:"maxMessagesPerAnswer,omitempty"`
	// PassThreadControl passes the conversation to Meta's other responder when the AI hands it off to people.
	PassThreadControl bool `yaml:"passThreadControl,omitempty"`
}

// Format is a format of texts.
type Format string

// The formats.
const (
	FormatMarkdown Format = "Markdown" // converted to WhatsApp's format
	FormatWhatsApp Format = "WhatsApp" // sent unchanged
)

// ErrorPolicy overrides the class and the scope of an error code, with the values of the failure package. An empty field
// keeps the built-in value.
type ErrorPolicy struct {
	Class string `yaml:"class,omitempty"`
	Scope string `yaml:"scope,omitempty"`
}

// FallbackTemplate refers to an approved template without parameters.
type FallbackTemplate struct {
	Name     string `yaml:"name,omitempty"`
	Language string `yaml:"language,omitempty"`
}

// Notifications sends notices to a sink, as CloudEvents over HTTP. Without a sink, no notices are sent.
type Notifications struct {
	SinkURL string        `yaml:"sinkURL,omitempty"`
	Timeout time.Duration `yaml:"timeout,omitempty"`
	Signed  bool          `yaml:"signed,omitempty"` // notices wait while there is no sink-signing-key
}

// MessagesAPI configures the HTTP API by which the AI sends messages and hands conversations off, and by which the desk sends
// messages.
type MessagesAPI struct {
	Roles        []MessagesRole `yaml:"roles,omitempty"`        // of the callers; the keys of each are required
	MaxBodyBytes int64          `yaml:"maxBodyBytes,omitempty"` // of one request; above it: 413
}

// MessagesRole is a role of a caller of the messages API. Its keys are secrets.
type MessagesRole string

// The roles of callers.
const (
	MessagesAssistant MessagesRole = "Assistant" // the AI: see the role messages-assistant-key
	MessagesDesk      MessagesRole = "Desk"      // the desk: see the role messages-desk-key
)

// Handoff configures the desk. Without a URL, only a notice announces the messages of a person during a takeover.
type Handoff struct {
	URL        string        `yaml:"url,omitempty"`
	AuthScheme AuthScheme    `yaml:"authScheme,omitempty"` // Bearer or None
	Timeout    time.Duration `yaml:"timeout,omitempty"`    // of one call
}

// Retry configures exponential backoff: up to MaxRetries retries with a delay of BaseDelay · 2^n, at most MaxDelay, with
// jitter.
type Retry struct {
	MaxRetries *int          `yaml:"maxRetries,omitempty"`
	BaseDelay  time.Duration `yaml:"baseDelay,omitempty"`
	MaxDelay   time.Duration `yaml:"maxDelay,omitempty"`
}

// Store configures where events are stored. Exactly one of Embedded and PostgreSQL is set.
type Store struct {
	Embedded       *EmbeddedStore   `yaml:"embedded,omitempty"`
	PostgreSQL     *PostgreSQLStore `yaml:"postgreSQL,omitempty"`
	RetentionDays  int              `yaml:"retentionDays,omitempty"`  // of the payloads of finished events
	DeadLetterDays int              `yaml:"deadLetterDays,omitempty"` // of dead letters and quarantined events
	Encrypted      bool             `yaml:"encrypted,omitempty"`      // events are refused while there is no store-key
}

// EmbeddedStore configures a SQLite file on the receiver's own volume.
type EmbeddedStore struct {
	Path   string  `yaml:"path"`
	Backup *Backup `yaml:"backup,omitempty"` // without it, no copies are made
}

// PostgreSQLStore configures a database that several receivers share. Its URL and its CA certificate are secrets: see the
// roles database-url and database-ca.
type PostgreSQLStore struct {
	MaxConnections int `yaml:"maxConnections,omitempty"` // of one receiver
}

// Tracing exports OpenTelemetry traces. Without an endpoint, no traces are exported.
type Tracing struct {
	EndpointURL  string `yaml:"endpointURL,omitempty"`  // of OTLP over HTTP, such as http://collector:4318
	LinkTemplate string `yaml:"linkTemplate,omitempty"` // the URL of a trace for people, with TraceIDPlace once
}

// Shutdown configures the shutdown of the process.
type Shutdown struct {
	DrainTimeout time.Duration `yaml:"drainTimeout,omitempty"` // for deliveries and conversations in progress
}

// Log configures the receiver's log: JSON lines on standard error.
type Log struct {
	Level string `yaml:"level,omitempty"` // debug, info, warn or error
}
