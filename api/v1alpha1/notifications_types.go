// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// NotificationsSpec tells a sink what happened, as CloudEvents 1.0 over HTTP: messages that came in, dead letters, failed
// and read messages, conversations that need a template, reported errors, and what Meta says of accounts and templates.
type NotificationsSpec struct {
	// sinkURL gets the events, each as one POST.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials, query or fragment, such as https://events.example.com/whatsapp"
	SinkURL string `json:"sinkURL,omitempty"`

	// signingKeySecretRef holds the key that the events are signed with, by the Standard Webhooks scheme.
	// Absent: they are not signed.
	// +optional
	SigningKeySecretRef SecretKeyReference `json:"signingKeySecretRef,omitzero"`
}
