// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// AutoscalingSpec scales the number of receiver pods with the load, within bounds.
//
// +kubebuilder:validation:AtMostOneOf=cpu;pendingWork
// +kubebuilder:validation:XValidation:rule="(has(self.minReplicas) ? self.minReplicas : 1) <= self.maxReplicas",message="minReplicas (defaults to 1) must not exceed maxReplicas"
type AutoscalingSpec struct {
	// minReplicas is the smallest number of pods. Defaults to 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the largest number of pods.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// cpu scales by CPU utilization, with a HorizontalPodAutoscaler. Defaults to a target of 70 percent unless
	// pendingWork is set.
	// +optional
	CPU CPUTarget `json:"cpu,omitzero"`

	// pendingWork scales by the number of pending messages, with a ScaledObject. It requires KEDA in the cluster. If not
	// set, cpu applies.
	// +optional
	PendingWork PendingWorkTarget `json:"pendingWork,omitzero"`
}

// CPUTarget is the CPU utilization that the autoscaler aims at.
type CPUTarget struct {
	// targetUtilizationPercent is the average CPU utilization of a pod, in percent of its CPU request.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	TargetUtilizationPercent int32 `json:"targetUtilizationPercent,omitempty"`
}

// PendingWorkTarget is the backlog per pod that the autoscaler aims at.
type PendingWorkTarget struct {
	// targetPerReplica is the number of pending messages per pod.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	TargetPerReplica int32 `json:"targetPerReplica,omitempty"`
}

// PodDisruptionBudgetSpec limits how many pods a node drain may evict at a time.
type PodDisruptionBudgetSpec struct {
	// maxUnavailable is the number of pods that may be unavailable during a drain. With 0, no node that runs a receiver
	// can be drained.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxUnavailable *int32 `json:"maxUnavailable,omitempty"`
}
