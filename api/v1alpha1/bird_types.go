// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// BirdSpec configures the AI: any server that implements the Bird contract.
type BirdSpec struct {
	// baseURL is the URL to which the path of each method is appended.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials, query or fragment, such as https://bridge.example.com"
	BaseURL string `json:"baseURL,omitempty"`

	// authScheme selects how the access key is sent: AccessKey and Bearer in the Authorization header, APIKey in the
	// X-API-Key header. Defaults to AccessKey.
	// +optional
	AuthScheme AuthScheme `json:"authScheme,omitempty"`

	// accessKeySecretRef refers to the access key.
	// +required
	AccessKeySecretRef SecretKeyReference `json:"accessKeySecretRef,omitzero"`

	// workspaceID is sent with every call as workspace_id. If not set, it is not sent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	WorkspaceID string `json:"workspaceID,omitempty"`

	// aiEmployeeID is sent with every call as ai_employee_id. If not set, it is not sent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	AIEmployeeID string `json:"aiEmployeeID,omitempty"`

	// endpoints override the path, timeout or state of single methods. If not set, every method follows the contract.
	// +optional
	// +listType=map
	// +listMapKey=method
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=20
	Endpoints []BirdEndpoint `json:"endpoints,omitempty"`

	// media configures how photos, audio, videos and documents are sent to Bird.
	// +optional
	Media BirdMediaSpec `json:"media,omitzero"`

	// circuitBreaker pauses calls while Bird keeps failing. Messages that wait for it use up no retries.
	// +optional
	CircuitBreaker CircuitBreakerSpec `json:"circuitBreaker,omitzero"`
}

// BirdMediaSpec configures how media are sent to Bird.
//
// +kubebuilder:validation:MinProperties=1
type BirdMediaSpec struct {
	// mode selects the method that receives the media. Process: the method of the message type, such as
	// ProcessImageMessage. Analyze: an analysis method, such as AnalyzeImage, whose result is then sent as text. Defaults
	// to Process.
	// +optional
	Mode MediaMode `json:"mode,omitempty"`

	// transport selects how media are sent. Base64: inside the JSON body. Multipart: streamed as a part next to the JSON.
	// Auto: Base64 up to 4 MiB, Multipart above. Defaults to Auto.
	// +optional
	Transport MediaTransport `json:"transport,omitempty"`
}

// MediaMode selects the method of the Bird contract that receives media.
//
// +k8s:enum
type MediaMode string

// The media modes.
const (
	MediaModeProcess MediaMode = "Process"
	MediaModeAnalyze MediaMode = "Analyze"
)

// MediaTransport selects how media are sent to Bird.
//
// +k8s:enum
type MediaTransport string

// The media transports.
const (
	MediaTransportAuto      MediaTransport = "Auto"
	MediaTransportBase64    MediaTransport = "Base64"
	MediaTransportMultipart MediaTransport = "Multipart"
)

// CircuitBreakerSpec configures when calls to Bird are paused, and for how long.
//
// +kubebuilder:validation:MinProperties=1
type CircuitBreakerSpec struct {
	// failureThreshold is the number of consecutive failed calls that opens the circuit. A rejected access key opens it
	// at once. Defaults to 10.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	FailureThreshold int32 `json:"failureThreshold,omitempty"`

	// openSeconds is the time the circuit stays open before one call probes Bird again. Defaults to 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	OpenSeconds int32 `json:"openSeconds,omitempty"`
}

// AuthScheme selects how the Bird access key is sent.
//
// +k8s:enum
type AuthScheme string

// The authentication schemes of the Bird contract.
const (
	AuthSchemeAccessKey AuthScheme = "AccessKey"
	AuthSchemeBearer    AuthScheme = "Bearer"
	AuthSchemeAPIKey    AuthScheme = "APIKey"
)

// BirdEndpoint overrides the settings of one method of the Bird contract.
type BirdEndpoint struct {
	// method is the method of the contract.
	// +required
	Method BirdMethod `json:"method,omitempty"`

	// path is appended to baseURL. Defaults to the path in the contract.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[^?#+[:space:]]*$')",message="must start with / and contain no spaces, +, query or fragment"
	Path string `json:"path,omitempty"`

	// timeoutSeconds limits one call, including the body of the response. Defaults to the timeout in the contract.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// state enables or disables the method. Defaults to Disabled for ProcessOtherMessage and to Enabled for every other
	// method.
	// +optional
	State State `json:"state,omitempty"`
}

// BirdMethod is a method of the Bird contract.
//
// +k8s:enum
type BirdMethod string

// The methods of the Bird contract.
const (
	ProcessTextMessage        BirdMethod = "ProcessTextMessage"
	ProcessImageMessage       BirdMethod = "ProcessImageMessage"
	ProcessAudioMessage       BirdMethod = "ProcessAudioMessage"
	ProcessVideoMessage       BirdMethod = "ProcessVideoMessage"
	ProcessDocumentMessage    BirdMethod = "ProcessDocumentMessage"
	ProcessLocationMessage    BirdMethod = "ProcessLocationMessage"
	ProcessContactsMessage    BirdMethod = "ProcessContactsMessage"
	ProcessButtonInteraction  BirdMethod = "ProcessButtonInteraction"
	ProcessListInteraction    BirdMethod = "ProcessListInteraction"
	ProcessFlowResponse       BirdMethod = "ProcessFlowResponse"
	ProcessMessageEdit        BirdMethod = "ProcessMessageEdit"
	ProcessMessageRevoke      BirdMethod = "ProcessMessageRevoke"
	ProcessOrder              BirdMethod = "ProcessOrder"
	ProcessUndeliveredMessage BirdMethod = "ProcessUndeliveredMessage"
	ProcessOtherMessage       BirdMethod = "ProcessOtherMessage"
	NotifyBirdStatusChange    BirdMethod = "NotifyBirdStatusChange"
	AnalyzeImage              BirdMethod = "AnalyzeImage"
	TranscribeAudio           BirdMethod = "TranscribeAudio"
	AnalyzeVideo              BirdMethod = "AnalyzeVideo"
	ParseDocument             BirdMethod = "ParseDocument"
)

// State enables or disables a feature.
//
// +k8s:enum
type State string

// The states of a feature.
const (
	Enabled  State = "Enabled"
	Disabled State = "Disabled"
)
