// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The types of the conditions. All are always there but Reconciling and Stalled, which are only while they are true, as
// tools that wait on a resource by the kstatus rules expect.
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
	// ConditionSecretsAvailable: the receivers have a value for every Secret that the resource refers to, and Meta does
	// not refuse the access token. Unknown while no receiver could be asked.
	ConditionSecretsAvailable = "SecretsAvailable"
	// ConditionExposed: the Ingress has an address, or a Gateway has taken the HTTPRoute.
	ConditionExposed = "Exposed"
	// ConditionSubscribed: the webhook stands at Meta as it is declared. Unknown while no receiver could be asked.
	ConditionSubscribed = "Subscribed"
	// ConditionExtensionsAvailable: the cluster serves every optional API that the resource asks for.
	ConditionExtensionsAvailable = "ExtensionsAvailable"
)

// The reasons of Ready, Reconciling and Stalled.
const (
	// ReasonReady: everything is applied and the receiver is available.
	ReasonReady = "Ready"
	// ReasonProgressing: everything is applied; pods are being started or replaced.
	ReasonProgressing = "Progressing"
	// ReasonScaledToZero: zero replicas are asked for.
	ReasonScaledToZero = "ScaledToZero"
	// ReasonSecretMissing: everything is applied; the receivers wait for a Secret. Also of SecretsAvailable.
	ReasonSecretMissing = "SecretMissing"
	// ReasonUnavailable: everything is applied and rolled out, yet no pod is ready.
	ReasonUnavailable = "Unavailable"
	// ReasonNameConflict: an object that is not ours has the name of one to be made; it is left alone.
	ReasonNameConflict = "NameConflict"
	// ReasonObjectRejected: the API server calls an object to be made invalid.
	ReasonObjectRejected = "ObjectRejected"
	// ReasonInvalidSpec: nothing can be rendered from the spec; what is there stays as it is.
	ReasonInvalidSpec = "InvalidSpec"
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

// The reasons of SecretsAvailable; false is also told by [ReasonSecretMissing].
const (
	// ReasonSecretsComplete: no value is missing.
	ReasonSecretsComplete = "SecretsComplete"
	// ReasonTokenRefused: Meta refuses the access token.
	ReasonTokenRefused = "TokenRefused"
	// ReasonNotReported: no receiver could be asked. Also of Subscribed.
	ReasonNotReported = "NotReported"
)

// The reasons of Subscribed; Unknown is also told by [ReasonNotReported].
const (
	// ReasonNotRequested: the resource does not ask for it. Also of Exposed and ExtensionsAvailable.
	ReasonNotRequested = "NotRequested"
	// ReasonSubscriptionPending: Meta was not asked yet.
	ReasonSubscriptionPending = "SubscriptionPending"
	// ReasonSubscriptionActive: Meta delivers as declared.
	ReasonSubscriptionActive = "SubscriptionActive"
	// ReasonSubscriptionFailed: Meta refuses the declaration, or cannot reach the callback URL.
	ReasonSubscriptionFailed = "SubscriptionFailed"
)

// The reasons of ExtensionsAvailable.
const (
	// ReasonExtensionsServed: the cluster serves every optional API that is asked for.
	ReasonExtensionsServed = "ExtensionsServed"
	// ReasonExtensionMissing: the cluster does not serve an optional API that is asked for. Also of Exposed.
	ReasonExtensionMissing = "ExtensionMissing"
)

// The reasons of Exposed; false is also told by [ReasonNotRequested] and [ReasonExtensionMissing].
const (
	// ReasonRoutePending: no Gateway has taken the HTTPRoute yet.
	ReasonRoutePending = "RoutePending"
	// ReasonRouteAccepted: every Gateway asked for has taken the HTTPRoute.
	ReasonRouteAccepted = "RouteAccepted"
	// ReasonAddressPending: the Ingress has no address yet.
	ReasonAddressPending = "AddressPending"
	// ReasonAddressAssigned: the Ingress has an address.
	ReasonAddressAssigned = "AddressAssigned"
)
