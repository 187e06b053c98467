// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// AutoscalingSpec is between which bounds, and by what, the number of receiver pods follows the load.
//
// +kubebuilder:validation:AtMostOneOf=cpu;pendingWork
// +kubebuilder:validation:XValidation:rule="(has(self.minReplicas) ? self.minReplicas : 1) <= self.maxReplicas",message="minReplicas (1 when absent) must not be more than maxReplicas"
type AutoscalingSpec struct {
	// minReplicas is the least number of pods. Absent: 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the greatest number of pods.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// cpu scales by CPU use, with a HorizontalPodAutoscaler. Absent, with no pendingWork either: by CPU use of 70 percent.
	// +optional
	CPU CPUTarget `json:"cpu,omitzero"`

	// pendingWork scales by the messages that wait to be answered, with a ScaledObject. It needs KEDA in the cluster.
	// Absent: see cpu.
	// +optional
	PendingWork PendingWorkTarget `json:"pendingWork,omitzero"`
}

// CPUTarget is the CPU use that pods are scaled to.
type CPUTarget struct {
	// targetUtilizationPercent is the average CPU use of a pod, in percent of what it requests.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	TargetUtilizationPercent int32 `json:"targetUtilizationPercent,omitempty"`
}

// PendingWorkTarget is the pending work that pods are scaled to.
type PendingWorkTarget struct {
	// targetPerReplica is how many pending events one pod is to have.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	TargetPerReplica int32 `json:"targetPerReplica,omitempty"`
}

// PodDisruptionBudgetSpec bounds how many pods a drain of nodes may take away at a time.
type PodDisruptionBudgetSpec struct {
	// maxUnavailable is how many pods may be missing. 0 lets no node be drained that a receiver runs on.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxUnavailable *int32 `json:"maxUnavailable,omitempty"`
}
