// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// ReceiverSpec configures the receiver pods.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:AtMostOneOf=replicas;autoscaling
type ReceiverSpec struct {
	// image is the image of the receiver. Defaults to the image of the operator's release, so that an upgrade of the
	// operator rolls out the receiver.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// imagePullPolicy is the pull policy of the image. Defaults to Kubernetes' policy for its tag.
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

	// replicas is the number of receiver pods. 0 pauses the receiver: deliveries fail until it runs again, and Meta
	// redelivers for up to 7 days. The embedded store allows at most 1. Defaults to 1. If not set, with a database, a
	// replica count that others set on the Deployment is left in place.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`

	// autoscaling scales the number of receiver pods with the load. It requires store.postgreSQL. When it is enabled, the
	// current number of pods stays until the autoscaler changes it. If not set, replicas applies.
	// +optional
	Autoscaling AutoscalingSpec `json:"autoscaling,omitzero"`

	// podDisruptionBudget limits how many pods a node drain may evict at a time. If not set, there is no budget.
	// +optional
	PodDisruptionBudget PodDisruptionBudgetSpec `json:"podDisruptionBudget,omitzero"`

	// resources are the resource requirements of the receiver container. They replace the default entirely. Defaults to
	// requests of 50m CPU and 64Mi memory and a limit of 256Mi memory.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// scheduling selects the nodes for the pods.
	// +optional
	Scheduling SchedulingSpec `json:"scheduling,omitzero"`

	// podMetadata is added to the pods. Labels and annotations that the operator sets take precedence.
	// +optional
	PodMetadata PodMetadata `json:"podMetadata,omitzero"`

	// logLevel is the lowest severity that the receiver logs. Defaults to Info.
	// +optional
	LogLevel LogLevel `json:"logLevel,omitempty"`
}

// PodMetadata is added to the receiver pods.
//
// +kubebuilder:validation:MinProperties=1
type PodMetadata struct {
	// labels are added to the pods.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`

	// annotations are added to the pods.
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
