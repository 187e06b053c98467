// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	networkingv1 "k8s.io/api/networking/v1"
)

// NetworkPolicySpec bounds whom the receivers talk to. In: deliveries from webhookFrom, probes from the node, questions
// of the operator and of adminFrom. Out: DNS, the ports of Meta, Bird, the sink, the trace collector and the database.
// Kubernetes knows no host names in a NetworkPolicy, so those ports are open to any address.
type NetworkPolicySpec struct {
	// state switches it. It is enforced where the cluster's network does so.
	// +required
	State State `json:"state,omitempty"`

	// webhookFrom are who may deliver: the ingress controller, or the Gateway. Absent: anyone.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	WebhookFrom []networkingv1.NetworkPolicyPeer `json:"webhookFrom,omitempty"`

	// adminFrom are who may read metrics and status besides the operator: Prometheus, KEDA. Absent: nobody else.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=16
	AdminFrom []networkingv1.NetworkPolicyPeer `json:"adminFrom,omitempty"`

	// databasePort of the postgreSQL store. Absent: 5432.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	DatabasePort int32 `json:"databasePort,omitempty"`

	// egress are further rules for what the receivers may reach, such as a proxy.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=16
	Egress []networkingv1.NetworkPolicyEgressRule `json:"egress,omitempty"`
}
