// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ProcessingSpec tunes how stored events are worked.
//
// +kubebuilder:validation:MinProperties=1
type ProcessingSpec struct {
	// concurrency is how many conversations are worked at a time; within one, messages are always worked in order.
	// A conversation that waits for the AI costs little, so this is more than cores. Absent: 256.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Concurrency int32 `json:"concurrency,omitempty"`

	// retry is how often, and how far apart, a failed step is tried again before its event becomes a dead letter.
	// +optional
	Retry RetrySpec `json:"retry,omitzero"`

	// typingIndicator marks a message read and shows "typing" to the person before the AI is asked. Absent: Enabled.
	// +optional
	TypingIndicator State `json:"typingIndicator,omitempty"`

	// debounceSeconds is how long to wait for more of a person's quick successive texts, to put them to the AI as one
	// question. 0: not at all. Absent: 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=60
	DebounceSeconds *int32 `json:"debounceSeconds,omitempty"`

	// handoffSeconds is how long the AI stays silent in a conversation after a colleague answered, or Bird handed it
	// over to people. Absent: 43200, half a day.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2592000
	HandoffSeconds int32 `json:"handoffSeconds,omitempty"`

	// fallbackText is sent to the person when the AI's answer cannot be used. Absent: nothing is sent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	FallbackText string `json:"fallbackText,omitempty"`

	// fallbackTemplate is sent instead of an answer when the person has not written for 24 hours, after which Meta
	// takes templates only. Absent: the conversation is marked as one that needs a template, and the sink is told.
	// +optional
	FallbackTemplate TemplateReference `json:"fallbackTemplate,omitzero"`

	// errorPolicies override what error codes of Meta mean. Absent: Meta's documentation is followed.
	// +optional
	// +listType=map
	// +listMapKey=code
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=128
	ErrorPolicies []ErrorPolicy `json:"errorPolicies,omitempty"`
}

// RetrySpec is exponential backoff with jitter. A Retry-After that the other side sends wins over it.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="(has(self.maxDelaySeconds) ? self.maxDelaySeconds : 60) >= (has(self.baseDelaySeconds) ? self.baseDelaySeconds : 1)",message="maxDelaySeconds (60 when absent) must not be less than baseDelaySeconds (1 when absent)"
type RetrySpec struct {
	// maxRetries is how many attempts follow the first one. 0: none. Absent: 3.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=20
	MaxRetries *int32 `json:"maxRetries,omitempty"`

	// baseDelaySeconds is the wait before the first retry; each further one waits twice as long. Absent: 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	BaseDelaySeconds int32 `json:"baseDelaySeconds,omitempty"`

	// maxDelaySeconds bounds the wait. Absent: 60.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	MaxDelaySeconds int32 `json:"maxDelaySeconds,omitempty"`
}

// TemplateReference names an approved message template that has no parameters.
type TemplateReference struct {
	// name of the template.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-z0-9_]+$`
	Name string `json:"name,omitempty"`

	// language of the template, such as en_US.
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^[A-Za-z]+(_[A-Za-z]+)*$`
	Language string `json:"language,omitempty"`
}
