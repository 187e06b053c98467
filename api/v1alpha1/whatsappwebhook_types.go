// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WhatsAppWebhook puts WhatsApp Business phone numbers behind an AI. The operator runs a receiver that accepts Meta's
// webhook deliveries, stores every event before it acknowledges it, asks the AI and sends the answer back to the
// person.
//
// Deleting the resource deletes every object the operator created for it, including the volume with the stored events unless
// store.embedded.whenDeleted is Retain.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=whatsappwebhooks,scope=Namespaced,shortName=waw,categories=all
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.receiver.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Replicas",type=string,JSONPath=`.status.receivers`
// +kubebuilder:printcolumn:name="Pending",type=integer,JSONPath=`.status.pending`
// +kubebuilder:printcolumn:name="Dead",type=integer,JSONPath=`.status.deadLetters`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Operational",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Operational")].status`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type WhatsAppWebhook struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard metadata of a Kubernetes object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the desired state.
	// +required
	Spec WhatsAppWebhookSpec `json:"spec,omitzero"`

	// status is the observed state.
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
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

// WhatsAppWebhookSpec is the desired state of a WhatsAppWebhook.
//
// +kubebuilder:validation:ExactlyOneOf=bird;openAI
// +kubebuilder:validation:AtMostOneOf=ingress;gateway
// +kubebuilder:validation:XValidation:rule="(has(self.store) && has(self.store.postgreSQL)) || !has(self.receiver) || !has(self.receiver.replicas) || self.receiver.replicas <= 1",message="receiver.replicas must be 0 or 1 with the embedded store, which allows one writer; store.postgreSQL allows more"
// +kubebuilder:validation:XValidation:rule="(has(self.store) && has(self.store.postgreSQL)) || !has(self.receiver) || !has(self.receiver.autoscaling)",message="receiver.autoscaling requires store.postgreSQL: the embedded store allows one writer"
// +kubebuilder:validation:XValidation:rule="!has(self.cloudAPI.subscription) || has(self.cloudAPI.subscription.callbackURL) || has(self.ingress) || has(self.gateway)",message="cloudAPI.subscription requires a callback URL: set ingress, gateway or cloudAPI.subscription.callbackURL"
// +kubebuilder:validation:XValidation:rule="!has(self.cloudAPI.subscription) || !has(self.cloudAPI.subscription.callbackScope) || self.cloudAPI.subscription.callbackScope != 'PhoneNumber' || has(self.cloudAPI.phoneNumberIDs)",message="cloudAPI.subscription.callbackScope PhoneNumber requires cloudAPI.phoneNumberIDs"
// +kubebuilder:validation:XValidation:rule="!has(self.cloudAPI.mutualTLS) || !has(self.gateway)",message="cloudAPI.mutualTLS cannot be combined with gateway: an HTTPRoute terminates TLS before the receiver. Use an Ingress whose annotations request TLS passthrough, or expose the Service yourself"
// +kubebuilder:validation:XValidation:rule="!has(self.messagesAPI) || !has(self.messagesAPI.exposure) || self.messagesAPI.exposure != 'Public' || has(self.ingress) || has(self.gateway)",message="messagesAPI.exposure Public requires ingress or gateway"
// +kubebuilder:validation:XValidation:rule="!has(self.messagesAPI) || !has(self.messagesAPI.exposure) || self.messagesAPI.exposure != 'Public' || !has(self.cloudAPI.mutualTLS)",message="messagesAPI.exposure Public cannot be combined with cloudAPI.mutualTLS: an Ingress that passes TLS through sends every path to the webhook"
// +kubebuilder:validation:XValidation:rule="!has(self.bird) || !has(self.bird.media) || !has(self.bird.media.transport) || self.bird.media.transport != 'URL' || has(self.ingress) || has(self.gateway) || (has(self.cloudAPI.subscription) && has(self.cloudAPI.subscription.callbackURL))",message="bird.media.transport URL requires a public host: set ingress, gateway or cloudAPI.subscription.callbackURL"
type WhatsAppWebhookSpec struct {
	// suspend stops the operator for this resource. Its objects stay as they are, the receivers keep running, and the status
	// says Suspended. If not set, the operator reconciles the resource.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// commonMetadata is added to every object that the operator creates for the resource, including pods. Labels and
	// annotations that the operator sets, and those of more specific fields, take precedence.
	// Labels of the domain whatsapp.wawebhook.dev have no effect, here and in more specific fields.
	// +optional
	CommonMetadata Metadata `json:"commonMetadata,omitzero"`

	// cloudAPI configures the WhatsApp Business side: Meta's Cloud API, phone numbers, tokens and secrets.
	// +required
	CloudAPI CloudAPISpec `json:"cloudAPI,omitzero"`

	// bird configures an AI that implements the Bird contract, or a flow of Bird or of another platform. Exactly one of bird
	// and openAI is set. If not set, openAI applies.
	// +optional
	Bird BirdSpec `json:"bird,omitzero"`

	// openAI configures a model that the receiver calls directly, without a bridge. Exactly one of bird and openAI is set. If
	// not set, bird applies.
	// +optional
	OpenAI OpenAISpec `json:"openAI,omitzero"`

	// messagesAPI lets the AI and people send messages by HTTP. If not set, the receiver does not serve it.
	// +optional
	MessagesAPI MessagesAPISpec `json:"messagesAPI,omitzero"`

	// handoff configures the desk: the software of the people who take conversations over. If not set, the messages of these
	// conversations are stored, and announced to notifications.sinkURL.
	// +optional
	Handoff HandoffSpec `json:"handoff,omitzero"`

	// notifications send notices to a sink. If not set, no notices are sent.
	// +optional
	Notifications NotificationsSpec `json:"notifications,omitzero"`

	// processing tunes the processing of stored events.
	// +optional
	Processing ProcessingSpec `json:"processing,omitzero"`

	// store configures where events are stored before they are acknowledged to Meta. Defaults to an embedded store of
	// 10Gi.
	// +optional
	Store StoreSpec `json:"store,omitzero"`

	// receiver configures the receiver pods.
	// +optional
	Receiver ReceiverSpec `json:"receiver,omitzero"`

	// service configures the Service that receives Meta's deliveries.
	// +optional
	Service ServiceSpec `json:"service,omitzero"`

	// ingress exposes the webhook with an Ingress. If neither ingress nor gateway is set, the operator creates only the
	// Service, and exposing it is up to you.
	// +optional
	Ingress IngressSpec `json:"ingress,omitzero"`

	// gateway exposes the webhook with an HTTPRoute. If not set, ingress applies.
	// +optional
	Gateway GatewaySpec `json:"gateway,omitzero"`

	// monitoring configures metrics, alerts, dashboards and traces. If not set, the receivers serve metrics, and nothing
	// scrapes them.
	// +optional
	Monitoring MonitoringSpec `json:"monitoring,omitzero"`

	// networkPolicy restricts the network traffic of the receivers. If not set, there is no NetworkPolicy.
	// +optional
	NetworkPolicy NetworkPolicySpec `json:"networkPolicy,omitzero"`
}

// Metadata are labels and annotations that are added to objects.
type Metadata struct {
	// labels are the labels to add.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`

	// annotations are the annotations to add.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// WhatsAppWebhookStatus is the observed state of a WhatsAppWebhook.
type WhatsAppWebhookStatus struct {
	// conditions are Ready (the summary), Available, SecretsAvailable, Exposed, Subscribed, Responding, Operational and
	// ExtensionsAvailable, and, only while true, Reconciling and Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the resource that this status describes. It is -1 before the operator has
	// seen the resource: without it, tools that follow kstatus would take a new resource for ready.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// url is the callback URL to register with Meta. It is always https, because Meta calls no other scheme. It is empty
	// if the spec does not define it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`

	// replicas is the number of receiver pods.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// readyReplicas is the number of receiver pods that accept deliveries.
	// +optional
	ReadyReplicas *int32 `json:"readyReplicas,omitempty"`

	// receivers is the number of receiver pods that accept deliveries, and the desired number, such as 1/2. It is for kubectl
	// get, whose columns show one field each.
	// +optional
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=21
	Receivers string `json:"receivers,omitempty"`

	// pending is the number of messages that wait to be answered, as reported by the receivers. A small change is written
	// within six minutes.
	// +optional
	Pending *int64 `json:"pending,omitempty"`

	// deadLetters is the number of dead letters that wait for a decision, as reported by the receivers. The first and the
	// last one are written at once, other small changes within six minutes.
	// +optional
	DeadLetters *int64 `json:"deadLetters,omitempty"`

	// selector selects the receiver pods, in the syntax of kubectl get pods --selector.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Selector string `json:"selector,omitempty"`
}
