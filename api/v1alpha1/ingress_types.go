// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
)

// IngressSpec exposes the webhook through an Ingress, for one path of one host.
//
// +kubebuilder:validation:XValidation:rule="!has(self.maxBodySize) || string(self.maxBodySize).matches('[eE][+-]?[0-9]{3}') || quantity(string(self.maxBodySize)).compareTo(quantity('1Mi')) >= 0",message="maxBodySize must be at least 1Mi, and has a unit, such as 4Mi: a number alone is in bytes"
// +kubebuilder:validation:XValidation:rule="!has(self.healthCheckPath) || !(self.healthCheckPath + '/').startsWith((has(self.path) ? self.path : '/webhooks/whatsapp') + '/')",message="healthCheckPath must not be path (defaults to /webhooks/whatsapp) or below it, which an Ingress publishes on OpenShift"
type IngressSpec struct {
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

	// className is the class of the Ingress. An Ingress keeps its class when className is removed, unless the annotation
	// kubernetes.io/ingress.class names one. Defaults to the cluster's default class at the creation of the Ingress.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName string `json:"className,omitempty"`

	// tlsSecretName is the name of the Secret with the certificate of the host. If not set, the ingress controller
	// decides about TLS.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a Secret: lower case letters, digits, - and ."
	TLSSecretName string `json:"tlsSecretName,omitempty"`

	// annotations are set on the Ingress, such as settings for its controller or for cert-manager.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`

	// maxBodySize is the maximum size of a request at the ingress controller. Meta's deliveries have up to 3 MB. The operator
	// sets the annotations of the nginx-based controllers, whose default is 1 MB, for every class. Other controllers need their
	// own setting. Defaults to 4Mi, the limit of the receiver.
	// +optional
	MaxBodySize *resource.Quantity `json:"maxBodySize,omitempty"`

	// healthCheckPath is the path that the load balancers of cloud providers check, on the port of the webhook. The receiver
	// answers there without a signature, and also at /. The operator writes it as the annotations of the load balancers of
	// AWS and Azure, if it is set. Defaults to /health.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+)$')",message="must be / or start with / and consist of segments of letters, digits, -, _, ~ and ., such as /health, without a trailing /"
	HealthCheckPath string `json:"healthCheckPath,omitempty"`
}
