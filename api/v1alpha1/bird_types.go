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

	// workspaceID is sent with every call as workspace_id. Absent: it is not sent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	WorkspaceID string `json:"workspaceID,omitempty"`

	// aiEmployeeID is sent with every call as ai_employee_id. Absent: it is not sent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	AIEmployeeID string `json:"aiEmployeeID,omitempty"`

	// endpoints override path, timeout or use of single methods of the contract. Absent: what the contract says.
	// +optional
	// +listType=map
	// +listMapKey=method
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=16
	Endpoints []BirdEndpoint `json:"endpoints,omitempty"`

	// media is what Bird is told of a photo, a recording, a film or a document.
	// +optional
	Media BirdMediaSpec `json:"media,omitzero"`

	// circuitBreaker stops asking a Bird that fails call after call. What waits meanwhile spends no attempts.
	// +optional
	CircuitBreaker CircuitBreakerSpec `json:"circuitBreaker,omitzero"`
}

// BirdMediaSpec is what Bird is told of media, and how the media travels.
//
// +kubebuilder:validation:MinProperties=1
type BirdMediaSpec struct {
	// mode says which method gets the media. Process: the message's own, such as ProcessImageMessage. Analyze: an
	// analysis method, such as AnalyzeImage, and its result goes on as text. Absent: Process.
	// +optional
	Mode MediaMode `json:"mode,omitempty"`

	// transport is how media travels. Base64: inside the JSON of the call. Multipart: as a stream beside it.
	// Auto: base64 up to 4 MiB, multipart above. Absent: Auto.
	// +optional
	Transport MediaTransport `json:"transport,omitempty"`
}

// MediaMode says which method of the Bird contract gets media.
//
// +k8s:enum
type MediaMode string

// The modes of media.
const (
	MediaModeProcess MediaMode = "Process"
	MediaModeAnalyze MediaMode = "Analyze"
)

// MediaTransport is how media travels to Bird.
//
// +k8s:enum
type MediaTransport string

// The transports of media.
const (
	MediaTransportAuto      MediaTransport = "Auto"
	MediaTransportBase64    MediaTransport = "Base64"
	MediaTransportMultipart MediaTransport = "Multipart"
)

// CircuitBreakerSpec is when Bird is left alone, and for how long.
//
// +kubebuilder:validation:MinProperties=1
type CircuitBreakerSpec struct {
	// failureThreshold is how many calls in a row have to fail. A refused access key is enough by itself. Absent: 10.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	FailureThreshold int32 `json:"failureThreshold,omitempty"`

	// openSeconds is how long Bird is left alone before one call tries again. Absent: 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	OpenSeconds int32 `json:"openSeconds,omitempty"`
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

	// path appended to baseURL. Absent: what the contract says.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[^?#+[:space:]]*$')",message="must start with / and hold no spaces, +, query or fragment"
	Path string `json:"path,omitempty"`

	// timeoutSeconds bounds one call, the answer's body included. Absent: what the contract says.
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
