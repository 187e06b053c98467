// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// BirdSpec configures an AI that implements the Bird contract, or a flow of Bird or of another platform.
//
// +kubebuilder:validation:XValidation:rule="(has(self.protocol) && self.protocol == 'Flow') || !has(self.baseURL) || !self.baseURL.contains('?')",message="baseURL must have no query, except with protocol Flow",fieldPath=".baseURL"
// +kubebuilder:validation:XValidation:rule="has(self.accessKeySecretRef) != (has(self.authScheme) && self.authScheme == 'None')",message="accessKeySecretRef is required, except with authScheme None, where it must not be set"
// +kubebuilder:validation:XValidation:rule="!has(self.authScheme) || self.authScheme != 'None' || (has(self.protocol) && self.protocol == 'Flow')",message="authScheme None requires protocol Flow"
// +kubebuilder:validation:XValidation:rule="!has(self.flow) || !(has(self.flow.signingKeySecretRef) || has(self.flow.signatureHeader) || has(self.flow.maxBodyBytes) || has(self.flow.timeoutSeconds) || has(self.flow.statuses)) || (has(self.protocol) && self.protocol == 'Flow')",message="flow requires protocol Flow"
// +kubebuilder:validation:XValidation:rule="!has(self.protocol) || self.protocol != 'Flow' || !(has(self.endpoints) || has(self.workspaceID) || has(self.aiEmployeeID) || (has(self.media) && has(self.media.mode)))",message="endpoints, workspaceID, aiEmployeeID and media.mode require protocol Contract: a flow has one URL"
// +kubebuilder:validation:XValidation:rule="!has(self.protocol) || self.protocol != 'Flow' || !has(self.media) || !has(self.media.transport) || self.media.transport != 'Multipart'",message="media.transport Multipart requires protocol Contract: a flow reads JSON"
type BirdSpec struct {
	// protocol selects how the AI is asked. Contract: each type of message by a method of the Bird contract, at a path of
	// its own. Flow: everything at one URL, such as the HTTP endpoint trigger of a Bird Flow, or a webhook of n8n, Make or
	// Zapier. Defaults to Contract.
	// +optional
	Protocol BirdProtocol `json:"protocol,omitempty"`

	// baseURL is the URL to which the path of each method is appended. With protocol Flow it is the URL of the flow, which
	// is called as it is, and may have a query.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?([?][^#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials or fragment, such as https://bridge.example.com"
	BaseURL string `json:"baseURL,omitempty"`

	// authScheme selects how the access key is sent: AccessKey and Bearer in the Authorization header, APIKey in the
	// X-API-Key header. None sends no key, and is for flows. Defaults to AccessKey, and with protocol Flow to Bearer.
	// +optional
	AuthScheme AuthScheme `json:"authScheme,omitempty"`

	// accessKeySecretRef refers to the access key. If not set, authScheme must be None.
	// +optional
	AccessKeySecretRef SecretKeyReference `json:"accessKeySecretRef,omitzero"`

	// caSecretRef refers to CA certificates, as PEM, that calls to the AI trust in addition to those of the
	// system. A changed certificate takes effect without a restart. If not set, only those of the system are trusted.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitzero"`

	// emptyAnswer is the meaning of a successful response without a body, or with an empty text. NoReply: the person gets no
	// answer. Later: the answer follows by the messages API within processing.answerWithinSeconds. Fail: the answer cannot be
	// used. Defaults to NoReply, and with protocol Flow to Later.
	// +optional
	EmptyAnswer EmptyAnswer `json:"emptyAnswer,omitempty"`

	// flow configures the calls of protocol Flow.
	// +optional
	Flow FlowSpec `json:"flow,omitzero"`

	// workspaceID is sent with every call of the contract as workspace_id. If not set, it is not sent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	WorkspaceID string `json:"workspaceID,omitempty"`

	// aiEmployeeID is sent with every call of the contract as ai_employee_id. If not set, it is not sent.
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

	// media configures how photos, audio, videos and documents are sent to the AI.
	// +optional
	Media BirdMediaSpec `json:"media,omitzero"`

	// circuitBreaker pauses calls to the AI while they keep failing, and likewise calls to Meta and transfers of files. Messages
	// that wait for it use up no retries.
	// +optional
	CircuitBreaker CircuitBreakerSpec `json:"circuitBreaker,omitzero"`
}

// BirdProtocol selects how the AI is asked.
//
// +k8s:enum
type BirdProtocol string

// The protocols.
const (
	BirdProtocolContract BirdProtocol = "Contract"
	BirdProtocolFlow     BirdProtocol = "Flow"
)

// EmptyAnswer is the meaning of a successful response without a body, or with an empty text.
//
// +k8s:enum
type EmptyAnswer string

// The meanings of an empty answer.
const (
	EmptyAnswerNoReply EmptyAnswer = "NoReply"
	EmptyAnswerLater   EmptyAnswer = "Later"
	EmptyAnswerFail    EmptyAnswer = "Fail"
)

// FlowSpec configures the calls of protocol Flow.
//
// +kubebuilder:validation:XValidation:rule="!has(self.signatureHeader) || has(self.signingKeySecretRef)",message="signatureHeader requires signingKeySecretRef"
type FlowSpec struct {
	// signingKeySecretRef refers to the key with which each request is signed: sha256= and the HMAC-SHA256 of the body, in
	// the header signatureHeader. If not set, requests are not signed.
	// +optional
	SigningKeySecretRef SecretKeyReference `json:"signingKeySecretRef,omitzero"`

	// signatureHeader is the name of the header with the signature. Defaults to X-Signature.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_-]+$') && !(self.lowerAscii() in ['accept', 'authorization', 'connection', 'content-length', 'content-type', 'host', 'idempotency-key', 'transfer-encoding', 'user-agent', 'x-api-key'])",message="must be the name of a header that the receiver does not set itself, such as X-Signature"
	SignatureHeader string `json:"signatureHeader,omitempty"`

	// maxBodyBytes is the maximum size of a request. Media that would exceed it are left out, or sent as a link with
	// media.transport URL. Defaults to 190000, since a Bird Flow accepts 200 KB.
	// +optional
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=67108864
	MaxBodyBytes int32 `json:"maxBodyBytes,omitempty"`

	// timeoutSeconds limits one call, including the body of the response. Defaults to 60.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// statuses reports each status of a message to the flow, such as sent, delivered, read and failed, each as one run of it.
	// Defaults to Disabled.
	// +optional
	Statuses State `json:"statuses,omitempty"`
}

// BirdMediaSpec configures how media are sent to the AI.
type BirdMediaSpec struct {
	// mode selects the method that receives the media. Process: the method of the message type, such as
	// ProcessImageMessage. Analyze: an analysis method, such as AnalyzeImage, whose result is then sent as text. Defaults
	// to Process.
	// +optional
	Mode MediaMode `json:"mode,omitempty"`

	// transport selects how media are sent. Base64: inside the JSON body. Multipart: streamed as a part next to the JSON.
	// URL: a link that is valid for 15 minutes, at the public host of the webhook; without ingress and gateway,
	// publish its path /media/ too. Auto: Base64 up to 4 MiB, Multipart above; with protocol Flow
	// Base64 up to flow.maxBodyBytes. Defaults to Auto.
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

// MediaTransport selects how media are sent to the AI.
//
// +k8s:enum
type MediaTransport string

// The media transports.
const (
	MediaTransportAuto      MediaTransport = "Auto"
	MediaTransportBase64    MediaTransport = "Base64"
	MediaTransportMultipart MediaTransport = "Multipart"
	MediaTransportURL       MediaTransport = "URL"
)

// CircuitBreakerSpec configures when calls to the AI are paused, and for how long.
type CircuitBreakerSpec struct {
	// failureThreshold is the number of consecutive failed calls, of at least two messages, that opens the circuit. A rejected
	// access key opens it at once. Defaults to 10.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	FailureThreshold int32 `json:"failureThreshold,omitempty"`

	// openSeconds is the time the circuit stays open before one call probes the other side again. Defaults to 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	OpenSeconds int32 `json:"openSeconds,omitempty"`
}

// AuthScheme selects how the access key of BirdSpec is sent.
//
// +k8s:enum
type AuthScheme string

// The authentication schemes of BirdSpec.
const (
	AuthSchemeAccessKey AuthScheme = "AccessKey"
	AuthSchemeBearer    AuthScheme = "Bearer"
	AuthSchemeAPIKey    AuthScheme = "APIKey"
	AuthSchemeNone      AuthScheme = "None"
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
