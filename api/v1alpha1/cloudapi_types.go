// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// CloudAPISpec is the WhatsApp Business side: Meta's Cloud API, its numbers, tokens and secrets.
type CloudAPISpec struct {
	// baseURL of the Graph API. Absent: https://graph.facebook.com.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials, query or fragment, such as https://graph.facebook.com"
	BaseURL string `json:"baseURL,omitempty"`

	// version of the Graph API, such as v26.0. Absent: the version this release of the receiver was written for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=7
	// +kubebuilder:validation:XValidation:rule="self.matches('^v[0-9]{1,3}[.][0-9]{1,2}$')",message="must be a version of the Graph API, such as v26.0"
	Version string `json:"version,omitempty"`

	// phoneNumberIDs are the business phone number IDs (metadata.phone_number_id of a delivery, not the numbers
	// themselves) that are worked. Events of any other number are stored and counted but never answered.
	// Absent: every number of the app is worked.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:Pattern=`^[0-9]+$`
	PhoneNumberIDs []string `json:"phoneNumberIDs,omitempty"`

	// accessTokenSecretRef holds the access token for the Graph API: a System User token that does not expire, with
	// whatsapp_business_messaging and whatsapp_business_management.
	// +required
	AccessTokenSecretRef SecretKeyReference `json:"accessTokenSecretRef,omitzero"`

	// appSecretSecretRefs hold the app secrets that Meta signs deliveries with. A delivery is taken when its
	// signature fits any of them: to rotate, add the new secret, change it at Meta, remove the old one.
	// +required
	// +listType=map
	// +listMapKey=name
	// +listMapKey=key
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	AppSecretSecretRefs []SecretKeyReference `json:"appSecretSecretRefs,omitempty"`

	// verifyTokenSecretRef holds the verify token: any text, the same as in the webhook settings of the app at Meta.
	// +required
	VerifyTokenSecretRef SecretKeyReference `json:"verifyTokenSecretRef,omitzero"`

	// messagesPerSecond bounds the messages sent from one phone number. Meta allows 80, 20 for a number that is also
	// used in the WhatsApp Business app, and 1000 after an upgrade. Absent: 80.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MessagesPerSecond int32 `json:"messagesPerSecond,omitempty"`

	// subscription is kept at Meta as it is declared here: drift is repaired, and the Subscribed condition says what
	// is wrong. Absent: the webhook is registered by hand, in the app's settings at Meta.
	// +optional
	Subscription SubscriptionSpec `json:"subscription,omitzero"`

	// mutualTLS takes deliveries from Meta's client certificate alone. It has to be switched on for the app at Meta,
	// and TLS must reach the receiver unterminated, through a load balancer or an ingress whose annotations ask for TLS
	// passthrough. Absent: the signature alone proves that it is Meta who delivers.
	// +optional
	MutualTLS MutualTLSSpec `json:"mutualTLS,omitzero"`
}

// SubscriptionSpec says what Meta is to deliver, and where. The access token needs whatsapp_business_management for it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.callbackScope) || self.callbackScope != 'BusinessAccount' || has(self.businessAccountIDs)",message="callbackScope BusinessAccount needs businessAccountIDs to set the callback URL for"
type SubscriptionSpec struct {
	// appID is the number of the app at Meta.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[0-9]+$`
	AppID string `json:"appID,omitempty"`

	// businessAccountIDs are the WhatsApp Business Accounts that the app is subscribed to.
	// Absent: accounts are subscribed by hand.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:Pattern=`^[0-9]+$`
	BusinessAccountIDs []string `json:"businessAccountIDs,omitempty"`

	// fields are the webhook fields that are subscribed to. Fields that somebody else added stay. Absent: messages.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:Pattern=`^[a-z]+(_[a-z]+)*$`
	Fields []string `json:"fields,omitempty"`

	// callbackScope is what the callback URL is set for. App: the whole app. BusinessAccount and PhoneNumber: an
	// override for each of businessAccountIDs or phoneNumberIDs, so that several resources can share one app.
	// Absent: App.
	// +optional
	CallbackScope CallbackScope `json:"callbackScope,omitempty"`

	// callbackURL is the public URL that Meta calls. Absent: the one of ingress or gateway.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[^/?#@[:space:]]+(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$') && isURL(self)",message="must be an absolute https URL with a path of letters, digits, -, _, ~ and . only, and without credentials, query or fragment, such as https://hooks.example.com/webhooks/whatsapp"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https://[^/]+/health$')",message="must not have the path /health: the receiver answers health checks there"
	CallbackURL string `json:"callbackURL,omitempty"`
}

// CallbackScope is what the callback URL is set for at Meta.
//
// +k8s:enum
type CallbackScope string

// The scopes, of which the narrowest wins at Meta.
const (
	CallbackScopeApp             CallbackScope = "App"
	CallbackScopeBusinessAccount CallbackScope = "BusinessAccount"
	CallbackScopePhoneNumber     CallbackScope = "PhoneNumber"
)

// MutualTLSSpec is the receiver's own certificate, and how Meta's is known.
type MutualTLSSpec struct {
	// certificateSecretName is a Secret of type kubernetes.io/tls with the receiver's certificate and key. Meta takes
	// no self-signed one. A renewed certificate is used at once.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a Secret: lower case letters, digits, - and ."
	CertificateSecretName string `json:"certificateSecretName,omitempty"`

	// clientCASecretRef holds the certificate of the authority that signs Meta's client certificates, as PEM: Meta
	// publishes it as meta-outbound-api-ca.
	// +required
	ClientCASecretRef SecretKeyReference `json:"clientCASecretRef,omitzero"`

	// commonName of Meta's client certificate. Absent: client.webhooks.fbclientcerts.com.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	CommonName string `json:"commonName,omitempty"`
}
