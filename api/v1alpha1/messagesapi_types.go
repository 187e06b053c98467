// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// MessagesAPISpec enables the messages API: HTTP requests by which the AI sends later, further or unasked messages, and by
// which the desk sends messages and gives conversations back. It has its own Service.
type MessagesAPISpec struct {
	// keys are the keys of the callers. A request is accepted with any of them. To rotate a key: add the new one, change the
	// caller, remove the old one.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:XValidation:rule="self.all(k, !has(k.secretRef) || self.exists_one(other, has(other.secretRef) && other.secretRef == k.secretRef))",message="must each refer to a different key of a Secret"
	Keys []MessagesAPIKey `json:"keys,omitempty"`

	// exposure selects who can reach the messages API. Cluster: pods of the cluster, at its Service. Public: the internet
	// too, at the path /v1/ of the host of ingress or gateway. Defaults to Cluster.
	// +optional
	Exposure Exposure `json:"exposure,omitempty"`
}

// MessagesAPIKey is the key of a caller.
type MessagesAPIKey struct {
	// secretRef refers to the key, which the caller sends as Authorization: Bearer, or with which it signs its requests by the
	// Standard Webhooks scheme.
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`

	// role is the role of the caller. Assistant: the AI, which may send messages unless people have the conversation, and hand
	// it off. Desk: the desk, which may send messages at any time and give the conversation back.
	// Defaults to Assistant.
	// +optional
	Role MessagesAPIRole `json:"role,omitempty"`
}

// MessagesAPIRole is the role of a caller of the messages API.
//
// +k8s:enum
type MessagesAPIRole string

// The roles of callers.
const (
	MessagesAPIRoleAssistant MessagesAPIRole = "Assistant"
	MessagesAPIRoleDesk      MessagesAPIRole = "Desk"
)

// Exposure selects who can reach the messages API.
//
// +k8s:enum
type Exposure string

// The exposures.
const (
	ExposureCluster Exposure = "Cluster"
	ExposurePublic  Exposure = "Public"
)
