// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The condition types. Every condition is always present, except Reconciling and Stalled, which are present only while
// they are true: tools that follow the kstatus rules expect this.
const (
	// ConditionReady is the summary: the spec is applied and works, and a receiver accepts deliveries. It waits for Gateways
	// (Exposed), but not for the address of an Ingress, which some ingress controllers do not report. It does not wait for
	// Operational: an outage of the AI must not fail a rollout.
	ConditionReady = "Ready"
	// ConditionReconciling: the operator is still applying the spec, or waits for pods.
	ConditionReconciling = "Reconciling"
	// ConditionStalled: progress requires a person.
	ConditionStalled = "Stalled"
	// ConditionAvailable: a receiver pod accepts deliveries. During an update it may belong to the previous generation.
	ConditionAvailable = "Available"
	// ConditionSecretsAvailable: the receivers have a value for every referenced Secret, and Meta accepts the access
	// token. Unknown while no receiver answers.
	ConditionSecretsAvailable = "SecretsAvailable"
	// ConditionExposed: the Ingress or the load balancer of the Service has an address, or the Gateways accepted the HTTPRoute.
	ConditionExposed = "Exposed"
	// ConditionSubscribed: the subscription at Meta matches the spec. Unknown while no receiver answers.
	ConditionSubscribed = "Subscribed"
	// ConditionResponding: no messages go to another responder, to which Meta's conversation routing gave them. Unknown while
	// no receiver answers.
	ConditionResponding = "Responding"
	// ConditionOperational: no receiver reports a problem that an administrator has to fix, such as a refused key. Unknown
	// while no receiver answers.
	ConditionOperational = "Operational"
	// ConditionExtensionsAvailable: the cluster serves every optional API that the spec requires.
	ConditionExtensionsAvailable = "ExtensionsAvailable"
)

// The reasons of Ready, Reconciling and Stalled, in addition to those of the other conditions that Ready waits for.
const (
	// ReasonReady: everything is applied and the receiver is available.
	ReasonReady = "Ready"
	// ReasonProgressing: everything is applied; pods are being started or replaced.
	ReasonProgressing = "Progressing"
	// ReasonScaledToZero: the spec requests zero replicas.
	ReasonScaledToZero = "ScaledToZero"
	// ReasonSecretMissing: everything is applied; the receivers wait for a Secret. Also used for SecretsAvailable.
	ReasonSecretMissing = "SecretMissing"
	// ReasonSuspended means that spec.suspend is set, so that all objects stay as they are. Ready is true if the receiver
	// accepts deliveries.
	ReasonSuspended = "Suspended"
	// ReasonUnavailable: everything is applied and rolled out, but no pod is ready.
	ReasonUnavailable = "Unavailable"
	// ReasonNameConflict: a foreign object has the name of an object to create. It is left untouched.
	ReasonNameConflict = "NameConflict"
	// ReasonClaimMissing: the claim in store.embedded.existingClaim or store.embedded.backup.volume does not exist.
	ReasonClaimMissing = "ClaimMissing"
	// ReasonClaimTerminating: a claim is being deleted, which its pod delays. The pod is not replaced.
	ReasonClaimTerminating = "ClaimTerminating"
	// ReasonClaimInUse: another resource uses the claim. A volume has one writer.
	ReasonClaimInUse = "ClaimInUse"
	// ReasonAnotherOperator: another operator writes the same objects repeatedly. Each reverts the other's changes at most
	// every 5 minutes.
	ReasonAnotherOperator = "AnotherOperator"
	// ReasonAdmissionDenied: an admission webhook or a policy of the cluster denies an object. The operator retries.
	ReasonAdmissionDenied = "AdmissionDenied"
	// ReasonQuotaExceeded: an object exceeds a ResourceQuota of the namespace. The operator retries.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonObjectRejected: the API server rejects an object as invalid.
	ReasonObjectRejected = "ObjectRejected"
	// ReasonInvalidSpec: the spec cannot be rendered. Existing objects stay unchanged.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonApplyFailed: an object could not be written. The operator retries.
	ReasonApplyFailed = "ApplyFailed"
	// ReasonRolloutPaused: pods are to be replaced, but the rollout of the Deployment is paused.
	ReasonRolloutPaused = "RolloutPaused"
	// ReasonVolumeResizing: the volume of the store is being enlarged, and is still smaller than its claim requests.
	ReasonVolumeResizing = "VolumeResizing"
	// ReasonVolumeResizeFailed: the volume of the store could not be enlarged to what its claim requests.
	ReasonVolumeResizeFailed = "VolumeResizeFailed"
	// ReasonAutoscalerNotReady: the autoscaler that the spec requests does not scale.
	ReasonAutoscalerNotReady = "AutoscalerNotReady"
	// ReasonProgressDeadlineExceeded: pods did not become ready before the progress deadline of the Deployment.
	ReasonProgressDeadlineExceeded = "ProgressDeadlineExceeded"
)

// The reasons of Available, in addition to [ReasonProgressing], [ReasonScaledToZero] and [ReasonUnavailable].
const (
	// ReasonMinimumReplicasAvailable: enough pods are ready.
	ReasonMinimumReplicasAvailable = "MinimumReplicasAvailable"
)

// The reasons of SecretsAvailable, in addition to [ReasonSecretMissing].
const (
	// ReasonSecretsComplete: every value is present.
	ReasonSecretsComplete = "SecretsComplete"
	// ReasonTokenRefused: Meta refuses the access token.
	ReasonTokenRefused = "TokenRefused"
	// ReasonTokenExpiring: every value is present, and the access token expires within a week.
	ReasonTokenExpiring = "TokenExpiring"
	// ReasonNotReported: no receiver answers. Also used for Subscribed, Responding and Operational.
	ReasonNotReported = "NotReported"
)

// The reasons of Operational, in addition to [ReasonNotReported].
const (
	// ReasonOperational: no receiver reports a problem.
	ReasonOperational = "Operational"
	// ReasonProblemsReported: a receiver reports problems, which the message lists by operation.
	ReasonProblemsReported = "ProblemsReported"
)

// The reasons of Responding, in addition to [ReasonNotReported].
const (
	// ReasonNoOtherResponder: no message went to another responder lately.
	ReasonNoOtherResponder = "NoOtherResponder"
	// ReasonConversationsPassed: messages go to another responder, to which the receiver passes conversations.
	ReasonConversationsPassed = "ConversationsPassed"
	// ReasonOtherResponder: messages go to another responder.
	ReasonOtherResponder = "OtherResponder"
)

// The reasons of Subscribed, in addition to [ReasonNotReported].
const (
	// ReasonNotRequested: the spec does not request the feature. Also used for Exposed and ExtensionsAvailable.
	ReasonNotRequested = "NotRequested"
	// ReasonSubscriptionPending: the receiver has not compared the subscription with Meta yet.
	ReasonSubscriptionPending = "SubscriptionPending"
	// ReasonSubscriptionActive: the subscription at Meta matches the spec.
	ReasonSubscriptionActive = "SubscriptionActive"
	// ReasonSubscriptionFailed: Meta refuses the subscription, or cannot reach the callback URL.
	ReasonSubscriptionFailed = "SubscriptionFailed"
)

// The reasons of ExtensionsAvailable.
const (
	// ReasonExtensionsServed: the cluster serves every optional API that the spec requires.
	ReasonExtensionsServed = "ExtensionsServed"
	// ReasonExtensionMissing: the cluster does not serve an optional API that the spec requires, or the operator may not use
	// it. Also used for Exposed.
	ReasonExtensionMissing = "ExtensionMissing"
)

// The reasons of Exposed, in addition to [ReasonNotRequested] and [ReasonExtensionMissing].
const (
	// ReasonRoutePending: a Gateway has not decided on the HTTPRoute yet.
	ReasonRoutePending = "RoutePending"
	// ReasonRouteNotAccepted: a Gateway refuses the HTTPRoute.
	ReasonRouteNotAccepted = "RouteNotAccepted"
	// ReasonRouteAccepted: every parent Gateway accepted the HTTPRoute.
	ReasonRouteAccepted = "RouteAccepted"
	// ReasonAddressPending: the Ingress has no address yet.
	ReasonAddressPending = "AddressPending"
	// ReasonLoadBalancerPending: the load balancer of the Service has no address yet.
	ReasonLoadBalancerPending = "LoadBalancerPending"
	// ReasonAddressAssigned: the Ingress or the load balancer of the Service has an address.
	ReasonAddressAssigned = "AddressAssigned"
)
