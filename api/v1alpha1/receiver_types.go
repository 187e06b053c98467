// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// ReceiverSpec shapes the receiver pods.
type ReceiverSpec struct {
	// image of the receiver. Absent: the one that belongs to the operator's release, so that upgrading the operator
	// rolls the receiver.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// imagePullPolicy is when the image is pulled. Absent: Kubernetes' default for its tag.
	// +optional
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets are Secrets with registry credentials.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// replicas is how many receiver pods run; 0 pauses the receiver, and Meta's deliveries fail until it runs again
	// (Meta repeats them for up to 7 days). The embedded store allows no more than 1. Absent: 1.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`

	// resources of the receiver container. Given, they replace the default as a whole.
	// Absent: requests of 50m CPU and 64Mi memory, a limit of 256Mi memory.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitzero"`

	// nodeSelector restricts the nodes that the pods run on.
	// +optional
	// +mapType=atomic
	// +kubebuilder:validation:MaxProperties=64
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations of the pods.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// affinity of the pods.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// podMetadata is added to the pods. What the operator sets itself wins.
	// +optional
	PodMetadata PodMetadata `json:"podMetadata,omitzero"`

	// logLevel is the least severe level that the receiver logs. Absent: Info.
	// +optional
	LogLevel LogLevel `json:"logLevel,omitempty"`
}

// PodMetadata is added to the receiver pods.
type PodMetadata struct {
	// labels of the pods.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`

	// annotations of the pods.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// LogLevel is a severity of the receiver's log.
//
// +k8s:enum
type LogLevel string

// The severities of the receiver's log.
const (
	LogLevelDebug LogLevel = "Debug"
	LogLevelInfo  LogLevel = "Info"
	LogLevelWarn  LogLevel = "Warn"
	LogLevelError LogLevel = "Error"
)
