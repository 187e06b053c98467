// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// CloudAPISpec configures the WhatsApp Business side: Meta's Cloud API, phone numbers, tokens and secrets.
type CloudAPISpec struct {
	// baseURL is the URL of the Graph API. Defaults to https://graph.facebook.com.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials, query or fragment, such as https://graph.facebook.com"
	BaseURL string `json:"baseURL,omitempty"`

	// caSecretRef refers to CA certificates, as PEM, that calls to Meta and its media hosts trust in addition to those of the
	// system. A changed certificate takes effect without a restart. If not set, only those of the system are trusted.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitzero"`

	// version is the version of the Graph API, such as v27.0. Defaults to the version this release of the receiver was
	// built for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=7
	// +kubebuilder:validation:XValidation:rule="self.matches('^v[0-9]{1,3}[.][0-9]{1,2}$')",message="must be a version of the Graph API, such as v27.0"
	Version string `json:"version,omitempty"`

	// phoneNumberIDs are the IDs of the business phone numbers to process: metadata.phone_number_id in a delivery, not
	// the phone numbers themselves. Events of any other number are quarantined: stored and counted, but never answered.
	// If not set, every number of the app is processed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:Pattern=`^[0-9]+$`
	PhoneNumberIDs []string `json:"phoneNumberIDs,omitempty"`

	// accessTokenSecretRef refers to the access token for the Graph API: a System User token that does not expire, with
	// the permissions whatsapp_business_messaging and whatsapp_business_management.
	// +required
	AccessTokenSecretRef SecretKeyReference `json:"accessTokenSecretRef,omitzero"`

	// appSecretSecretRefs refer to the app secrets with which Meta signs deliveries. A delivery is accepted if its
	// signature matches any of them. To rotate: add the new secret, change it at Meta, remove the old one.
	// +required
	// +listType=map
	// +listMapKey=name
	// +listMapKey=key
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	AppSecretSecretRefs []SecretKeyReference `json:"appSecretSecretRefs,omitempty"`

	// verifyTokenSecretRef refers to the verify token: any text, identical to the one in the webhook settings of the app
	// at Meta.
	// +required
	VerifyTokenSecretRef SecretKeyReference `json:"verifyTokenSecretRef,omitzero"`

	// messagesPerSecond limits the messages that each receiver sends from one phone number. Meta allows 80, or 20 for a
	// number that is also used in the WhatsApp Business app, or 1000 after an upgrade. Defaults to 80, or to 20 with
	// coexistence.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MessagesPerSecond int32 `json:"messagesPerSecond,omitempty"`

	// coexistence says whether the phone numbers are also used in the WhatsApp Business app. Enabled subscribes to
	// smb_message_echoes by default, so that the AI stays silent where a colleague answers. Defaults to Disabled.
	// +optional
	Coexistence State `json:"coexistence,omitempty"`

	// subscription is the webhook subscription to maintain at Meta. Drift is corrected, and the Subscribed condition
	// reports problems. If not set, register the webhook by hand in the app's settings at Meta.
	// +optional
	Subscription SubscriptionSpec `json:"subscription,omitzero"`

	// mutualTLS accepts deliveries only with Meta's client certificate. It must be enabled for the app at Meta, and TLS
	// must reach the receiver unterminated, through a load balancer or an Ingress whose annotations request TLS
	// passthrough. If not set, deliveries are authenticated by their signature alone.
	// +optional
	MutualTLS MutualTLSSpec `json:"mutualTLS,omitzero"`
}

// SubscriptionSpec configures what Meta delivers, and to which URL. The access token needs the permission
// whatsapp_business_management.
//
// +kubebuilder:validation:XValidation:rule="!has(self.callbackScope) || self.callbackScope != 'BusinessAccount' || has(self.businessAccountIDs)",message="callbackScope BusinessAccount requires businessAccountIDs"
type SubscriptionSpec struct {
	// appID is the ID of the app at Meta.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[0-9]+$`
	AppID string `json:"appID,omitempty"`

	// businessAccountIDs are the IDs of the WhatsApp Business Accounts to subscribe the app to. If not set, subscribe the
	// accounts by hand.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:Pattern=`^[0-9]+$`
	BusinessAccountIDs []string `json:"businessAccountIDs,omitempty"`

	// fields are the webhook fields to subscribe to. Fields that were added at Meta by others are left in place. Defaults
	// to messages, messaging_handovers and standby, and smb_message_echoes with coexistence.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:Pattern=`^[a-z]+(_[a-z]+)*$`
	Fields []string `json:"fields,omitempty"`

	// callbackScope is the scope of the callback URL at Meta. App: the entire app. BusinessAccount and PhoneNumber: an
	// override for each of businessAccountIDs or phoneNumberIDs, so that several resources can share one app. Defaults to
	// App.
	// +optional
	CallbackScope CallbackScope `json:"callbackScope,omitempty"`

	// callbackURL is the public URL that Meta calls. Defaults to the URL of ingress or gateway.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[^/?#@[:space:]]+(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$') && isURL(self)",message="must be an absolute https URL with a path of letters, digits, -, _, ~ and . only, and without credentials, query or fragment, such as https://hooks.example.com/webhooks/whatsapp"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https://[^/]+/health$')",message="must not have the path /health: the receiver answers health checks there"
	CallbackURL string `json:"callbackURL,omitempty"`
}

// CallbackScope is the scope of the callback URL at Meta.
//
// +k8s:enum
type CallbackScope string

// The callback scopes. At Meta, the narrowest one wins.
const (
	CallbackScopeApp             CallbackScope = "App"
	CallbackScopeBusinessAccount CallbackScope = "BusinessAccount"
	CallbackScopePhoneNumber     CallbackScope = "PhoneNumber"
)

// MutualTLSSpec configures the receiver's server certificate, and how Meta's client certificate is verified.
type MutualTLSSpec struct {
	// certificateSecretName is the name of a Secret of type kubernetes.io/tls with the receiver's certificate and key.
	// Meta accepts no self-signed certificate. A renewed certificate takes effect without a restart.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a Secret: lower case letters, digits, - and ."
	CertificateSecretName string `json:"certificateSecretName,omitempty"`

	// clientCASecretRef refers to the certificate of the authority that signs Meta's client certificates, as PEM. Meta
	// publishes it as meta-outbound-api-ca.
	// +required
	ClientCASecretRef SecretKeyReference `json:"clientCASecretRef,omitzero"`

	// commonName is the common name in Meta's client certificate. Defaults to client.webhooks.fbclientcerts.com.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	CommonName string `json:"commonName,omitempty"`
}
