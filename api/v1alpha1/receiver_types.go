// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// ReceiverSpec shapes the receiver pods.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:AtMostOneOf=replicas;autoscaling
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
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(s, s.name != '')",message="must each have a name"
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// replicas is how many receiver pods run; 0 pauses the receiver, and Meta's deliveries fail until it runs again
	// (Meta repeats them for up to 7 days). The embedded store allows no more than 1. Absent: 1, and with a database
	// what the Deployment is scaled to by others is left alone.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`

	// autoscaling lets the load decide how many receiver pods run. It needs a database. When it is switched on, the
	// pods there are stay until the autoscaler says otherwise. Absent: replicas says how many.
	// +optional
	Autoscaling AutoscalingSpec `json:"autoscaling,omitzero"`

	// podDisruptionBudget bounds how many pods a drain of nodes may take away at a time. Absent: there is none.
	// +optional
	PodDisruptionBudget PodDisruptionBudgetSpec `json:"podDisruptionBudget,omitzero"`

	// resources of the receiver container. Given, they replace the default as a whole.
	// Absent: requests of 50m CPU and 64Mi memory, a limit of 256Mi memory.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// scheduling says which nodes the pods run on.
	// +optional
	Scheduling SchedulingSpec `json:"scheduling,omitzero"`

	// podMetadata is added to the pods. What the operator sets itself wins.
	// +optional
	PodMetadata PodMetadata `json:"podMetadata,omitzero"`

	// logLevel is the least severe level that the receiver logs. Absent: Info.
	// +optional
	LogLevel LogLevel `json:"logLevel,omitempty"`
}

// PodMetadata is added to the receiver pods.
//
// +kubebuilder:validation:MinProperties=1
type PodMetadata struct {
	// labels of the pods.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`

	// annotations of the pods.
	// +optional
	// +kubebuilder:validation:MinProperties=0
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
