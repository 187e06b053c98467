// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// HandoffSpec configures the desk: the software of the people who take conversations over, such as a shared inbox. The
// receiver sends it each handoff, and each message of the person until the conversation is given back. Files are sent as
// links, at the public host of the webhook. The desk answers by the messages API.
type HandoffSpec struct {
	// url is the URL of the desk. Each handoff and each message is one POST.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials, query or fragment, such as https://desk.example.com/whatsapp"
	URL string `json:"url,omitempty"`

	// keySecretRef refers to the key that is sent as Authorization: Bearer. If not set, no key is sent.
	// +optional
	KeySecretRef SecretKeyReference `json:"keySecretRef,omitzero"`

	// caSecretRef refers to CA certificates, as PEM, that calls to the desk trust in addition to those of the
	// system. A changed certificate takes effect without a restart. If not set, only those of the system are trusted.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitzero"`
}
