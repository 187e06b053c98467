// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	networkingv1 "k8s.io/api/networking/v1"
)

// NetworkPolicySpec restricts the network traffic of the receivers. Ingress: deliveries from webhookFrom, probes from the node,
// requests of the operator and of adminFrom, and requests of the cluster to the messages API. Egress: DNS, and the ports of
// Meta, the AI, the sink, the desk, the trace collector and the database. A NetworkPolicy has no host names, so these ports are
// open to every address.
type NetworkPolicySpec struct {
	// state enables or disables the NetworkPolicy. It takes effect only if the network plugin of the cluster enforces
	// network policies.
	// +required
	State State `json:"state,omitempty"`

	// webhookFrom are the peers that may deliver, and call a public messages API: the ingress controller, or the Gateway. If
	// not set, both are allowed from anywhere.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	WebhookFrom []networkingv1.NetworkPolicyPeer `json:"webhookFrom,omitempty"`

	// adminFrom are the peers that may read metrics and status in addition to the operator, such as Prometheus and KEDA.
	// An operator in the network of its nodes needs an ipBlock of them here. If not set, only the operator may.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=16
	AdminFrom []networkingv1.NetworkPolicyPeer `json:"adminFrom,omitempty"`

	// databasePort is the port of the postgreSQL store. Defaults to 5432.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	DatabasePort int32 `json:"databasePort,omitempty"`

	// egress are additional egress rules for the receivers, such as for a proxy, for linked files at another port than 443, and
	// for pods that listen on another port than their Service.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=16
	Egress []networkingv1.NetworkPolicyEgressRule `json:"egress,omitempty"`
}
