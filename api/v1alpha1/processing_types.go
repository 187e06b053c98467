// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ProcessingSpec tunes how stored events are worked.
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
}

// RetrySpec is exponential backoff with jitter. A Retry-After that the other side sends wins over it.
//
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
