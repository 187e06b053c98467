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
// +kubebuilder:printcolumn:name="Pending",type=integer,JSONPath=`.status.pending`
// +kubebuilder:printcolumn:name="Dead",type=integer,JSONPath=`.status.deadLetters`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type WhatsAppWebhook struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the name and all else that Kubernetes keeps of any object.
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
// +kubebuilder:validation:AtMostOneOf=ingress;gateway
// +kubebuilder:validation:XValidation:rule="(has(self.store) && has(self.store.postgreSQL)) || !has(self.receiver) || !has(self.receiver.replicas) || self.receiver.replicas <= 1",message="receiver.replicas must be 0 or 1 with the embedded store, whose file has one writer; store.postgreSQL allows more"
// +kubebuilder:validation:XValidation:rule="(has(self.store) && has(self.store.postgreSQL)) || !has(self.receiver) || !has(self.receiver.autoscaling)",message="receiver.autoscaling needs store.postgreSQL: the file of the embedded store has one writer"
// +kubebuilder:validation:XValidation:rule="(has(self.store) && has(self.store.postgreSQL)) || (has(oldSelf.store) && has(oldSelf.store.postgreSQL)) || (has(self.store) && has(self.store.embedded) && has(self.store.embedded.storageClassName) ? self.store.embedded.storageClassName : '(default)') == (has(oldSelf.store) && has(oldSelf.store.embedded) && has(oldSelf.store.embedded.storageClassName) ? oldSelf.store.embedded.storageClassName : '(default)')",message="store.embedded.storageClassName cannot change: a volume keeps its class; make a new resource instead"
// +kubebuilder:validation:XValidation:rule="(has(self.store) && has(self.store.postgreSQL)) || (has(oldSelf.store) && has(oldSelf.store.postgreSQL)) || quantity(has(self.store) && has(self.store.embedded) && has(self.store.embedded.size) ? string(self.store.embedded.size) : '10Gi').compareTo(quantity(has(oldSelf.store) && has(oldSelf.store.embedded) && has(oldSelf.store.embedded.size) ? string(oldSelf.store.embedded.size) : '10Gi')) >= 0",message="store.embedded.size cannot shrink (10Gi when absent): volumes only grow"
// +kubebuilder:validation:XValidation:rule="!has(self.cloudAPI.subscription) || has(self.cloudAPI.subscription.callbackURL) || has(self.ingress) || has(self.gateway)",message="cloudAPI.subscription needs a callback URL: set ingress, gateway or cloudAPI.subscription.callbackURL"
// +kubebuilder:validation:XValidation:rule="!has(self.cloudAPI.subscription) || !has(self.cloudAPI.subscription.callbackScope) || self.cloudAPI.subscription.callbackScope != 'PhoneNumber' || has(self.cloudAPI.phoneNumberIDs)",message="cloudAPI.subscription.callbackScope PhoneNumber needs cloudAPI.phoneNumberIDs to set the callback URL for"
// +kubebuilder:validation:XValidation:rule="!has(self.cloudAPI.mutualTLS) || !has(self.gateway)",message="cloudAPI.mutualTLS does not go with gateway: an HTTPRoute ends TLS before the receiver. Use an ingress whose annotations ask for TLS passthrough, or publish the Service yourself"
type WhatsAppWebhookSpec struct {
	// cloudAPI is the WhatsApp Business side: Meta's Cloud API, its numbers, tokens and secrets.
	// +required
	CloudAPI CloudAPISpec `json:"cloudAPI,omitzero"`

	// bird is the AI that answers.
	// +required
	Bird BirdSpec `json:"bird,omitzero"`

	// notifications tell a sink what happened. Absent: nobody is told.
	// +optional
	Notifications NotificationsSpec `json:"notifications,omitzero"`

	// processing tunes how stored events are worked.
	// +optional
	Processing ProcessingSpec `json:"processing,omitzero"`

	// store is where events are kept before they are acknowledged to Meta. Absent: an embedded store of 10Gi.
	// +optional
	Store StoreSpec `json:"store,omitzero"`

	// receiver shapes the pods.
	// +optional
	Receiver ReceiverSpec `json:"receiver,omitzero"`

	// ingress publishes the webhook with an Ingress. Absent, with no gateway either: only the Service is made, and
	// publishing it is up to you.
	// +optional
	Ingress IngressSpec `json:"ingress,omitzero"`

	// gateway publishes the webhook with an HTTPRoute. Absent: see ingress.
	// +optional
	Gateway GatewaySpec `json:"gateway,omitzero"`

	// monitoring says who watches the receivers. Absent: metrics are served, and nobody is told of them.
	// +optional
	Monitoring MonitoringSpec `json:"monitoring,omitzero"`

	// networkPolicy bounds whom the receivers talk to. Absent: there is none.
	// +optional
	NetworkPolicy NetworkPolicySpec `json:"networkPolicy,omitzero"`
}

// WhatsAppWebhookStatus is what the operator last saw.
//
// +kubebuilder:validation:MinProperties=1
type WhatsAppWebhookStatus struct {
	// conditions are Ready (the summary), Available, SecretsAvailable, Exposed, Subscribed and ExtensionsAvailable, and
	// Reconciling and Stalled while they are true.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the resource that this status speaks of.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// url is the callback URL to register with Meta. It is https whatever ends TLS here, because Meta calls no other.
	// Absent where nothing in the resource says it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`

	// replicas is how many receiver pods exist.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// readyReplicas is how many receiver pods accept deliveries.
	// +optional
	ReadyReplicas *int32 `json:"readyReplicas,omitempty"`

	// pending is how many events wait to be worked, as the receivers last said.
	// +optional
	Pending *int64 `json:"pending,omitempty"`

	// deadLetters is how many events failed for good and wait for a person, as the receivers last said.
	// +optional
	DeadLetters *int64 `json:"deadLetters,omitempty"`

	// selector finds the receiver pods, in the form that kubectl get pods --selector takes.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Selector string `json:"selector,omitempty"`
}
