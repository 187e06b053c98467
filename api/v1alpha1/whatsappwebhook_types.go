// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WhatsAppWebhook puts WhatsApp Business phone numbers behind an AI: the operator runs a receiver that answers Meta's
// webhook deliveries, stores every event before it acknowledges it, asks the AI and sends its answer back to the person.
//
// Deleting the resource deletes everything the operator made for it, the volume with the stored events included.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=whatsappwebhooks,scope=Namespaced,shortName=waw,categories=all
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.receiver.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.status.replicas`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type WhatsAppWebhook struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what is wanted.
	// +required
	Spec WhatsAppWebhookSpec `json:"spec,omitzero"`

	// status is what the operator last saw.
	// +optional
	Status WhatsAppWebhookStatus `json:"status,omitzero"`
}

// WhatsAppWebhookList is a list of WhatsAppWebhooks.
//
// +kubebuilder:object:root=true
type WhatsAppWebhookList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []WhatsAppWebhook `json:"items"`
}

// WhatsAppWebhookSpec is what is wanted of a WhatsAppWebhook.
//
// The rules on the store sit here and not on its fields, because a rule on a field is not asked when the field's parent
// is taken away. The size an absent one is compared as is the default the operator gives it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.receiver) || !has(self.receiver.replicas) || self.receiver.replicas <= 1",message="receiver.replicas must be 0 or 1 with the embedded store: its file has one writer"
// +kubebuilder:validation:XValidation:rule="(has(self.store) && has(self.store.embedded) && has(self.store.embedded.storageClassName) ? self.store.embedded.storageClassName : '(default)') == (has(oldSelf.store) && has(oldSelf.store.embedded) && has(oldSelf.store.embedded.storageClassName) ? oldSelf.store.embedded.storageClassName : '(default)')",message="store.embedded.storageClassName cannot change: a volume keeps its class; make a new resource instead"
// +kubebuilder:validation:XValidation:rule="quantity(has(self.store) && has(self.store.embedded) && has(self.store.embedded.size) ? string(self.store.embedded.size) : '10Gi').compareTo(quantity(has(oldSelf.store) && has(oldSelf.store.embedded) && has(oldSelf.store.embedded.size) ? string(oldSelf.store.embedded.size) : '10Gi')) >= 0",message="store.embedded.size cannot shrink (10Gi when absent): volumes only grow"
type WhatsAppWebhookSpec struct {
	// cloudAPI is the WhatsApp Business side: Meta's Cloud API, its numbers, tokens and secrets.
	// +required
	CloudAPI CloudAPISpec `json:"cloudAPI,omitzero"`

	// bird is the AI that answers.
	// +required
	Bird BirdSpec `json:"bird,omitzero"`

	// processing tunes how stored events are worked.
	// +optional
	Processing ProcessingSpec `json:"processing,omitzero"`

	// store is where events are kept before they are acknowledged to Meta. Absent: an embedded store of 10Gi.
	// +optional
	Store StoreSpec `json:"store,omitzero"`

	// receiver shapes the pods.
	// +optional
	Receiver ReceiverSpec `json:"receiver,omitzero"`

	// ingress publishes the webhook. Absent: only the Service is made, and publishing it is up to you.
	// +optional
	Ingress IngressSpec `json:"ingress,omitzero"`
}

// WhatsAppWebhookStatus is what the operator last saw.
type WhatsAppWebhookStatus struct {
	// conditions are Ready (the summary), Available and Exposed, and Reconciling and Stalled while they are true.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the resource that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// url is the callback URL to register with Meta. It is https whatever ends TLS here, because Meta calls no other.
	// Absent without an ingress.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`

	// replicas is how many receiver pods exist.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// readyReplicas is how many receiver pods accept deliveries.
	// +optional
	ReadyReplicas *int32 `json:"readyReplicas,omitempty"`

	// selector finds the receiver pods, in the form that kubectl get pods --selector takes.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Selector string `json:"selector,omitempty"`
}
