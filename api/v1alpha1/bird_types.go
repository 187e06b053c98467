// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// BirdSpec is the AI that answers: whatever serves the Bird contract at a base URL.
type BirdSpec struct {
	// baseURL that the path of each method is appended to.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials, query or fragment, such as https://bridge.example.com"
	BaseURL string `json:"baseURL,omitempty"`

	// authScheme is how the access key travels. AccessKey and Bearer: the Authorization header. APIKey: X-API-Key.
	// Absent: AccessKey.
	// +optional
	AuthScheme AuthScheme `json:"authScheme,omitempty"`

	// accessKeySecretRef holds the access key.
	// +required
	AccessKeySecretRef SecretKeyReference `json:"accessKeySecretRef,omitzero"`

	// workspaceID is sent with every call as workspace_id.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	WorkspaceID string `json:"workspaceID,omitempty"`

	// aiEmployeeID is sent with every call as ai_employee_id.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	AIEmployeeID string `json:"aiEmployeeID,omitempty"`

	// endpoints override path, timeout or use of single methods of the contract.
	// +optional
	// +listType=map
	// +listMapKey=method
	// +kubebuilder:validation:MaxItems=16
	Endpoints []BirdEndpoint `json:"endpoints,omitempty"`
}

// AuthScheme is how the Bird access key travels.
//
// +k8s:enum
type AuthScheme string

// The schemes of the Bird contract.
const (
	AuthSchemeAccessKey AuthScheme = "AccessKey"
	AuthSchemeBearer    AuthScheme = "Bearer"
	AuthSchemeAPIKey    AuthScheme = "APIKey"
)

// BirdEndpoint overrides what the Bird contract has for one method; an absent field keeps the contract's value.
type BirdEndpoint struct {
	// method of the contract.
	// +required
	Method BirdMethod `json:"method,omitempty"`

	// path appended to baseURL.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[^?#+[:space:]]*$')",message="must start with / and hold no spaces, +, query or fragment"
	Path string `json:"path,omitempty"`

	// timeoutSeconds bounds one call, the answer's body included.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// state says whether the method is called at all. Absent: what the contract says, which is Enabled for all but
	// ProcessOtherMessage.
	// +optional
	State State `json:"state,omitempty"`
}

// BirdMethod is a method of the Bird contract.
//
// +k8s:enum
type BirdMethod string

// The methods of the Bird contract.
const (
	ProcessTextMessage       BirdMethod = "ProcessTextMessage"
	ProcessImageMessage      BirdMethod = "ProcessImageMessage"
	ProcessAudioMessage      BirdMethod = "ProcessAudioMessage"
	ProcessVideoMessage      BirdMethod = "ProcessVideoMessage"
	ProcessDocumentMessage   BirdMethod = "ProcessDocumentMessage"
	ProcessLocationMessage   BirdMethod = "ProcessLocationMessage"
	ProcessContactsMessage   BirdMethod = "ProcessContactsMessage"
	ProcessButtonInteraction BirdMethod = "ProcessButtonInteraction"
	ProcessListInteraction   BirdMethod = "ProcessListInteraction"
	ProcessFlowResponse      BirdMethod = "ProcessFlowResponse"
	ProcessOtherMessage      BirdMethod = "ProcessOtherMessage"
	NotifyBirdStatusChange   BirdMethod = "NotifyBirdStatusChange"
	AnalyzeImage             BirdMethod = "AnalyzeImage"
	TranscribeAudio          BirdMethod = "TranscribeAudio"
	AnalyzeVideo             BirdMethod = "AnalyzeVideo"
	ParseDocument            BirdMethod = "ParseDocument"
)

// State switches a feature.
//
// +k8s:enum
type State string

// The states of a feature.
const (
	Enabled  State = "Enabled"
	Disabled State = "Disabled"
)
