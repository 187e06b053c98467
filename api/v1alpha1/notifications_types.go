// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// NotificationsSpec sends notices to a sink, as CloudEvents 1.0 over HTTP: received messages, dead letters, failed and
// read messages, conversations that need a template, reported errors, and account and template events of Meta.
type NotificationsSpec struct {
	// sinkURL is the URL of the sink. Each notice is one POST.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials, query or fragment, such as https://events.example.com/whatsapp"
	SinkURL string `json:"sinkURL,omitempty"`

	// signingKeySecretRef refers to the key with which notices are signed, by the Standard Webhooks scheme. If not set,
	// notices are not signed.
	// +optional
	SigningKeySecretRef SecretKeyReference `json:"signingKeySecretRef,omitzero"`

	// caSecretRef refers to CA certificates, as PEM, that calls to the sink trust in addition to those of the
	// system. A changed certificate takes effect without a restart. If not set, only those of the system are trusted.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitzero"`
}
