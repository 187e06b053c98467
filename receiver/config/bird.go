// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import "time"

// Bird configures an AI that is asked by the Bird contract, or a flow of Bird or of another platform.
type Bird struct {
	Protocol       Protocol            `yaml:"protocol,omitempty"` // Contract or Flow
	BaseURL        string              `yaml:"baseURL,omitempty"`  // with Flow the URL that is called, as it is
	AuthScheme     AuthScheme          `yaml:"authScheme,omitempty"`
	EmptyAnswer    EmptyAnswer         `yaml:"emptyAnswer,omitempty"`
	Flow           Flow                `yaml:"flow,omitempty"` // with Flow only
	WorkspaceID    string              `yaml:"workspaceID,omitempty"`
	AIEmployeeID   string              `yaml:"aiEmployeeID,omitempty"`
	Endpoints      map[string]Endpoint `yaml:"endpoints,omitempty"` // by method name, such as process_text_message
	Media          BirdMedia           `yaml:"media,omitempty"`
	CircuitBreaker CircuitBreaker      `yaml:"circuitBreaker,omitempty"`
}

// Protocol is the protocol by which the AI is asked.
type Protocol string

// The protocols. OpenAI applies when [Config.OpenAI] is set; bird.protocol is one of the others.
const (
	ProtocolContract Protocol = "Contract" // one path for each method: docs/bird-contract.md
	ProtocolFlow     Protocol = "Flow"     // one URL for everything
	ProtocolOpenAI   Protocol = "OpenAI"   // Chat Completions
)

// EmptyAnswer selects the meaning of a successful response without a body, or with an empty text.
type EmptyAnswer string

// The meanings of an empty answer.
const (
	EmptyNoReply EmptyAnswer = "NoReply" // the person gets no answer
	EmptyLater   EmptyAnswer = "Later"   // the answer comes by the messages API
	EmptyFail    EmptyAnswer = "Fail"    // the answer cannot be used
)

// Flow configures the protocol Flow.
type Flow struct {
	// SignatureHeader, if set, is the header with the HMAC-SHA256 of the body. Calls wait while there is no flow-signing-key.
	SignatureHeader string        `yaml:"signatureHeader,omitempty"`
	MaxBodyBytes    int64         `yaml:"maxBodyBytes,omitempty"` // of one request; media that would exceed it are left out
	Timeout         time.Duration `yaml:"timeout,omitempty"`      // of one call
	Statuses        bool          `yaml:"statuses,omitempty"`     // whether statuses are sent, each as one run of the flow
}

// BirdMedia configures how photos, audio, videos and documents are sent to the AI.
type BirdMedia struct {
	Mode      MediaMode      `yaml:"mode,omitempty"`
	Transport MediaTransport `yaml:"transport,omitempty"`
}

// MediaMode selects the method that receives the media.
type MediaMode string

// The media modes. Process sends the media to the method of the message type. Analyze sends them to an analysis method, and its
// result to the AI as text.
const (
	MediaProcess MediaMode = "Process"
	MediaAnalyze MediaMode = "Analyze"
)

// MediaTransport selects how media are sent to the AI.
type MediaTransport string

// The media transports. Auto is base64 up to 4 MiB and multipart above; with Flow it is base64 as far as the body has room.
// URL is a link to the webhook port, which is valid for a short time.
const (
	TransportAuto      MediaTransport = "Auto"
	TransportBase64    MediaTransport = "Base64"
	TransportMultipart MediaTransport = "Multipart"
	TransportURL       MediaTransport = "URL"
)

// CircuitBreaker pauses calls while the AI keeps failing, so that an outage uses up no retries.
type CircuitBreaker struct {
	FailureThreshold int           `yaml:"failureThreshold,omitempty"` // consecutive failed calls that open the circuit
	OpenDuration     time.Duration `yaml:"openDuration,omitempty"`     // until one call probes the AI again
}

// NotifyStatus is the method that reports statuses to the AI.
const NotifyStatus = "notify_bird_status_change"

// Endpoint overrides the Bird contract for one method. A key that is not set keeps the contract's value.
type Endpoint struct {
	Path    string        `yaml:"path,omitempty"`
	Timeout time.Duration `yaml:"timeout,omitempty"`
	Enabled *bool         `yaml:"enabled,omitempty"`
}

// AuthScheme selects how a key is sent.
type AuthScheme string

// The authentication schemes.
const (
	AuthAccessKey AuthScheme = "AccessKey" // Authorization: AccessKey <key>
	AuthBearer    AuthScheme = "Bearer"    // Authorization: Bearer <key>
	AuthAPIKey    AuthScheme = "APIKey"    // X-API-Key: <key>; with OpenAI api-key: <key>, as Azure requires
	AuthNone      AuthScheme = "None"      // no key
)
