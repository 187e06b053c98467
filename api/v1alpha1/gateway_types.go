// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// GatewaySpec exposes the webhook through a Gateway, with an HTTPRoute for one path of one host. It requires the
// Gateway API in the cluster. The Gateway terminates TLS.
type GatewaySpec struct {
	// parentRefs are the Gateways to attach the route to.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	ParentRefs []GatewayReference `json:"parentRefs,omitempty"`

	// host is the public DNS name. Meta calls it over TLS and accepts no self-signed certificate.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$') && !self.matches('(^|[.])[0-9]+$')",message="must be a DNS name in lower case, such as hooks.example.com, without scheme, port or wildcard, and not an IP address"
	Host string `json:"host,omitempty"`

	// path is the path of the webhook on the host. Defaults to /webhooks/whatsapp.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$')",message="must start with / and consist of segments of letters, digits, -, _, ~ and ., such as /webhooks/whatsapp, without a trailing /"
	// +kubebuilder:validation:XValidation:rule="self != '/health'",message="must not be /health: the receiver answers health checks there"
	Path string `json:"path,omitempty"`

	// annotations are set on the HTTPRoute.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// GatewayReference refers to a Gateway, or to one of its listeners.
type GatewayReference struct {
	// name is the name of the Gateway.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// namespace is the namespace of the Gateway, which must allow routes from the namespace of the resource. Defaults to
	// the namespace of the resource.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// sectionName is the name of one listener of the Gateway. If not set, the route attaches to every listener that
	// matches the host.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SectionName string `json:"sectionName,omitempty"`
}
