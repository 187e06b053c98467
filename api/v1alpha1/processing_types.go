// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ProcessingSpec tunes the processing of stored events.
type ProcessingSpec struct {
	// concurrency is the number of conversations processed at a time. Messages of one conversation are always processed
	// in order. Conversations mostly wait for the AI, so the number is far higher than the number of cores. Defaults to
	// 256.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Concurrency int32 `json:"concurrency,omitempty"`

	// retry configures the retries of a failed step before its event is dead-lettered.
	// +optional
	Retry RetrySpec `json:"retry,omitzero"`

	// typingIndicator marks a message as read and shows "typing" to the person before the AI is asked. Defaults to
	// Enabled.
	// +optional
	TypingIndicator State `json:"typingIndicator,omitempty"`

	// debounceSeconds is the time to wait for further texts of a person, which are then sent to the AI as one request. 0
	// disables the wait. Defaults to 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=60
	DebounceSeconds *int32 `json:"debounceSeconds,omitempty"`

	// format is the format of the AI's texts. Markdown is converted to WhatsApp's format. WhatsApp is sent unchanged.
	// Defaults to Markdown.
	// +optional
	Format Format `json:"format,omitempty"`

	// maxMessagesPerAnswer limits the WhatsApp messages of one answer, since Meta bills each of them. Defaults to 5.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	MaxMessagesPerAnswer int32 `json:"maxMessagesPerAnswer,omitempty"`

	// passThreadControl passes the conversation to Meta's other responder when the AI hands it off to people. It needs
	// Meta's conversation routing. Defaults to Disabled.
	// +optional
	PassThreadControl State `json:"passThreadControl,omitempty"`

	// answerWithinSeconds is the time that an AI has for an answer that it sends later, by the messages API. After it, the
	// person gets fallbackText, and a notice is sent. A later answer is still sent. Defaults to 120.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	AnswerWithinSeconds int32 `json:"answerWithinSeconds,omitempty"`

	// handoffSeconds is the time the AI stays silent in a conversation after a colleague answered or the AI handed it off
	// to people. Defaults to 43200 (12 hours).
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2592000
	HandoffSeconds int32 `json:"handoffSeconds,omitempty"`

	// fallbackText is sent to the person when the AI's answer cannot be used or does not come in time. If not set, nothing is sent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	FallbackText string `json:"fallbackText,omitempty"`

	// fallbackTemplate is sent instead of an answer when the person has not written for 24 hours, after which Meta
	// accepts only templates. If not set, the conversation is marked as waiting for a template, and a notice is sent.
	// +optional
	FallbackTemplate TemplateReference `json:"fallbackTemplate,omitzero"`

	// errorPolicies override how error codes of Meta are handled. If not set, every code is handled as Meta documents it.
	// +optional
	// +listType=map
	// +listMapKey=code
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=128
	ErrorPolicies []ErrorPolicy `json:"errorPolicies,omitempty"`
}

// RetrySpec configures exponential backoff with jitter. A Retry-After in a response takes precedence.
//
// +kubebuilder:validation:XValidation:rule="(has(self.maxDelaySeconds) ? self.maxDelaySeconds : 60) >= (has(self.baseDelaySeconds) ? self.baseDelaySeconds : 1)",message="maxDelaySeconds (defaults to 60) must not be less than baseDelaySeconds (defaults to 1)"
type RetrySpec struct {
	// maxRetries is the number of attempts after the first one. 0 disables retries. Defaults to 3.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=20
	MaxRetries *int32 `json:"maxRetries,omitempty"`

	// baseDelaySeconds is the delay before the first retry. It doubles with each further retry. Defaults to 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	BaseDelaySeconds int32 `json:"baseDelaySeconds,omitempty"`

	// maxDelaySeconds is the maximum delay between retries. Defaults to 60.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	MaxDelaySeconds int32 `json:"maxDelaySeconds,omitempty"`
}

// TemplateReference refers to an approved message template without parameters.
type TemplateReference struct {
	// name is the name of the template.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-z0-9_]+$`
	Name string `json:"name,omitempty"`

	// language is the language of the template, such as en_US.
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^[A-Za-z]+(_[A-Za-z]+)*$`
	Language string `json:"language,omitempty"`
}

// Format is a format of texts.
//
// +kubebuilder:validation:Enum=Markdown;WhatsApp
type Format string

// The formats.
const (
	FormatMarkdown Format = "Markdown"
	FormatWhatsApp Format = "WhatsApp"
)
