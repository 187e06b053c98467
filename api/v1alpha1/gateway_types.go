// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// GatewaySpec publishes the webhook through a Gateway, with an HTTPRoute: that one path of that one host, and nothing
// else. It needs the Gateway API in the cluster. TLS is the Gateway's.
type GatewaySpec struct {
	// parentRefs are the Gateways to attach to.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	ParentRefs []GatewayReference `json:"parentRefs,omitempty"`

	// host is the public DNS name. Meta calls it with TLS and takes no self-signed certificate.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$') && !isIP(self)",message="must be a DNS name in lower case, such as hooks.example.com: no scheme, no port, no wildcard, no address"
	Host string `json:"host,omitempty"`

	// path of the webhook on that host. Absent: /webhooks/whatsapp.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$')",message="must start with / and hold segments of letters, digits, -, _, ~ and . only, such as /webhooks/whatsapp: no spaces, no +, no / at the end"
	// +kubebuilder:validation:XValidation:rule="self != '/health'",message="must not be /health: the receiver answers health checks there"
	Path string `json:"path,omitempty"`

	// annotations of the HTTPRoute.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// GatewayReference points to a Gateway, or to one listener of it.
type GatewayReference struct {
	// name of the Gateway.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// namespace of the Gateway, which has to allow routes from this one. Absent: the namespace of the resource.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// sectionName is one listener of the Gateway. Absent: every one that fits the host.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SectionName string `json:"sectionName,omitempty"`
}
