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
	// +kubebuilder:validation:MaxLength=8
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
}
