// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The types of the conditions. Ready, Available and Exposed are always there; Reconciling and Stalled only while they
// are true, as tools that wait on a resource by the kstatus rules expect.
const (
	// ConditionReady sums up: what the resource asks for is applied, and a receiver takes deliveries. It does not wait
	// for Exposed, because not every ingress controller reports an address.
	ConditionReady = "Ready"
	// ConditionReconciling: the operator is still at work, or waits for pods.
	ConditionReconciling = "Reconciling"
	// ConditionStalled: a person has to act.
	ConditionStalled = "Stalled"
	// ConditionAvailable: a receiver pod takes deliveries. During an update it may be one of the former generation.
	ConditionAvailable = "Available"
	// ConditionExposed: the ingress controller has given the Ingress an address.
	ConditionExposed = "Exposed"
)

// The reasons of Ready, Reconciling and Stalled.
const (
	// ReasonReady: everything is applied and the receiver is available.
	ReasonReady = "Ready"
	// ReasonProgressing: everything is applied; pods are being started or replaced.
	ReasonProgressing = "Progressing"
	// ReasonScaledToZero: zero replicas are asked for.
	ReasonScaledToZero = "ScaledToZero"
	// ReasonUnavailable: everything is applied and rolled out, yet no pod is ready.
	ReasonUnavailable = "Unavailable"
	// ReasonNameConflict: an object that is not ours has the name of one to be made; it is left alone.
	ReasonNameConflict = "NameConflict"
	// ReasonRefused: the API server calls an object to be made invalid.
	ReasonRefused = "Refused"
	// ReasonApplyFailed: an object could not be written; this is tried again.
	ReasonApplyFailed = "ApplyFailed"
	// ReasonProgressDeadlineExceeded: pods did not become ready in the time a Deployment gives them.
	ReasonProgressDeadlineExceeded = "ProgressDeadlineExceeded"
)

// The reasons of Available; false is also told by [ReasonProgressing], [ReasonScaledToZero] and [ReasonUnavailable].
const (
	// ReasonMinimumReplicasAvailable: enough pods are ready.
	ReasonMinimumReplicasAvailable = "MinimumReplicasAvailable"
)

// The reasons of Exposed.
const (
	// ReasonNotRequested: the resource has no ingress.
	ReasonNotRequested = "NotRequested"
	// ReasonAddressPending: the Ingress has no address yet.
	ReasonAddressPending = "AddressPending"
	// ReasonAddressAssigned: the Ingress has an address.
	ReasonAddressAssigned = "AddressAssigned"
)
