// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// IngressSpec publishes the webhook through an Ingress: that one path of that one host, and nothing else.
type IngressSpec struct {
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

	// className of the Ingress. Absent: the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName string `json:"className,omitempty"`

	// tlsSecretName is the Secret with the certificate of the host. Absent: TLS is left to the ingress controller.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a Secret: lower case letters, digits, - and ."
	TLSSecretName string `json:"tlsSecretName,omitempty"`

	// annotations of the Ingress, such as those for its controller or for cert-manager.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}
