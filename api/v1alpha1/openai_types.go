// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// OpenAISpec configures a model with the Chat Completions API of OpenAI, as OpenAI, Azure, Gemini, vLLM, Ollama, LiteLLM and
// OpenRouter serve it.
//
// +kubebuilder:validation:XValidation:rule="has(self.keySecretRef) != (has(self.authScheme) && self.authScheme == 'None')",message="keySecretRef is required, except with authScheme None, where it must not be set"
type OpenAISpec struct {
	// baseURL is the URL to which /chat/completions is appended. A query, such as the api-version of Azure, stays in place.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?([?][^#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials or fragment, such as https://api.openai.com/v1"
	BaseURL string `json:"baseURL,omitempty"`

	// model is the name of the model.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Model string `json:"model,omitempty"`

	// authScheme selects how the key is sent: Bearer in the Authorization header, APIKey in the header api-key, as Azure
	// requires. None sends no key. Defaults to Bearer.
	// +optional
	AuthScheme OpenAIAuthScheme `json:"authScheme,omitempty"`

	// keySecretRef refers to the key. If not set, authScheme must be None.
	// +optional
	KeySecretRef SecretKeyReference `json:"keySecretRef,omitzero"`

	// caSecretRef refers to CA certificates, as PEM, that calls to the model trust in addition to those of the
	// system. A changed certificate takes effect without a restart. If not set, only those of the system are trusted.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitzero"`

	// instructionsConfigMapRef refers to the instructions for the model: its role, its knowledge, its style. They have at most
	// 64 KiB. Messages wait while they are missing. If not set, the model gets only the receiver's own instructions.
	// +optional
	InstructionsConfigMapRef ConfigMapKeyReference `json:"instructionsConfigMapRef,omitzero"`

	// memory limits the earlier messages of a conversation that the model gets with each question.
	// +optional
	Memory MemorySpec `json:"memory,omitzero"`

	// transcriptionModel is the name of the model that transcribes voice messages, by /audio/transcriptions. If not set, the
	// model gets a placeholder for a voice message.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	TranscriptionModel string `json:"transcriptionModel,omitempty"`

	// maxOutputTokens limits the tokens of one answer. A reasoning model spends some of them on its reasoning. If not set, the
	// limit of the model applies.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxOutputTokens int32 `json:"maxOutputTokens,omitempty"`

	// timeoutSeconds limits one call, including the body of the response. Defaults to 60.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// images sends pictures to the model, which must accept them. Defaults to Enabled.
	// +optional
	Images State `json:"images,omitempty"`

	// documents sends PDF files to the model, which must accept them. Defaults to Enabled.
	// +optional
	Documents State `json:"documents,omitempty"`

	// tools lets the model hand a conversation off to people and offer choices as buttons, by tool calls. The model must
	// accept them. Defaults to Enabled.
	// +optional
	Tools State `json:"tools,omitempty"`

	// circuitBreaker pauses calls to the model while they keep failing, and likewise calls to Meta and transfers of files.
	// Messages that wait for it use up no retries.
	// +optional
	CircuitBreaker CircuitBreakerSpec `json:"circuitBreaker,omitzero"`
}

// OpenAIAuthScheme selects how the key of a model is sent.
//
// +k8s:enum
type OpenAIAuthScheme string

// The authentication schemes of a model.
const (
	OpenAIAuthSchemeBearer OpenAIAuthScheme = "Bearer"
	OpenAIAuthSchemeAPIKey OpenAIAuthScheme = "APIKey"
	OpenAIAuthSchemeNone   OpenAIAuthScheme = "None"
)

// MemorySpec limits the earlier messages of a conversation that the model gets with each question. Each limit applies, and
// the oldest messages are left out. They come from the receiver's own store, so store.retentionDays limits them too.
type MemorySpec struct {
	// turns is the number of earlier messages of the person, each with its answer. 0 disables the memory. Defaults to 20.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=200
	Turns *int32 `json:"turns,omitempty"`

	// hours is the maximum age of a message. Defaults to 24.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=720
	Hours int32 `json:"hours,omitempty"`

	// characters is the maximum length of all messages together. Defaults to 24000.
	// +optional
	// +kubebuilder:validation:Minimum=100
	// +kubebuilder:validation:Maximum=1000000
	Characters int32 `json:"characters,omitempty"`
}

// ConfigMapKeyReference refers to one key of a ConfigMap in the namespace of the resource. The ConfigMap may be created
// later. A changed value takes effect within two minutes, without a restart.
type ConfigMapKeyReference struct {
	// name is the name of the ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a ConfigMap: lower case letters, digits, - and ."
	Name string `json:"name,omitempty"`

	// key is the key in the ConfigMap's data.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="must be a key of a ConfigMap: letters, digits, -, _ and ."
	Key string `json:"key,omitempty"`
}
