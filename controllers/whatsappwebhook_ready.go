// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// besideReady maps every reason of Ready to the condition that is true with it: Reconciling if the resource becomes ready
// without a person, Stalled if a person has to act. The operator retries stalled resources too, because the cluster may change.
var besideReady = map[string]string{
	v1alpha1.ReasonReady:        "",
	v1alpha1.ReasonScaledToZero: "",
	v1alpha1.ReasonUnavailable:  "",
	v1alpha1.ReasonSuspended:    "",

	v1alpha1.ReasonProgressing:         v1alpha1.ConditionReconciling,
	v1alpha1.ReasonSecretMissing:       v1alpha1.ConditionReconciling,
	v1alpha1.ReasonApplyFailed:         v1alpha1.ConditionReconciling,
	v1alpha1.ReasonExtensionMissing:    v1alpha1.ConditionReconciling,
	v1alpha1.ReasonRoutePending:        v1alpha1.ConditionReconciling,
	v1alpha1.ReasonAutoscalerNotReady:  v1alpha1.ConditionReconciling,
	v1alpha1.ReasonVolumeResizing:      v1alpha1.ConditionReconciling,
	v1alpha1.ReasonLoadBalancerPending: v1alpha1.ConditionReconciling,
	// At the first installation Meta cannot reach the address before its name and its certificate exist. The receiver
	// repeats the subscription.
	v1alpha1.ReasonSubscriptionPending: v1alpha1.ConditionReconciling,
	v1alpha1.ReasonSubscriptionFailed:  v1alpha1.ConditionReconciling,

	v1alpha1.ReasonNameConflict:             v1alpha1.ConditionStalled,
	v1alpha1.ReasonClaimInUse:               v1alpha1.ConditionStalled,
	v1alpha1.ReasonClaimMissing:             v1alpha1.ConditionStalled,
	v1alpha1.ReasonClaimTerminating:         v1alpha1.ConditionStalled,
	v1alpha1.ReasonAnotherOperator:          v1alpha1.ConditionStalled,
	v1alpha1.ReasonAdmissionDenied:          v1alpha1.ConditionStalled,
	v1alpha1.ReasonQuotaExceeded:            v1alpha1.ConditionStalled,
	v1alpha1.ReasonObjectRejected:           v1alpha1.ConditionStalled,
	v1alpha1.ReasonInvalidSpec:              v1alpha1.ConditionStalled,
	v1alpha1.ReasonRolloutPaused:            v1alpha1.ConditionStalled,
	v1alpha1.ReasonProgressDeadlineExceeded: v1alpha1.ConditionStalled,
	v1alpha1.ReasonTokenRefused:             v1alpha1.ConditionStalled,
	v1alpha1.ReasonRouteNotAccepted:         v1alpha1.ConditionStalled,
	v1alpha1.ReasonVolumeResizeFailed:       v1alpha1.ConditionStalled,
}

// findings are the verdicts on the parts of a resource.
type findings struct {
	rollout    rollout
	exposed    verdict
	extensions verdict
	volume     verdict
	autoscaler verdict
	secrets    verdict
	subscribed verdict
	responding verdict
	operation  verdict
}

// keepReported replaces the verdicts on what receivers report by the previous ones. After a restart the operator would
// otherwise change these conditions twice.
func (f *findings) keepReported(before []metav1.Condition) {
	f.secrets = kept(before, v1alpha1.ConditionSecretsAvailable, f.secrets)
	f.subscribed = kept(before, v1alpha1.ConditionSubscribed, f.subscribed)
	f.responding = kept(before, v1alpha1.ConditionResponding, f.responding)
	f.operation = kept(before, v1alpha1.ConditionOperational, f.operation)
}

// ready returns the verdict of Ready: the first cause for which the resource is not as its spec asks for.
func (f *findings) ready(failed failures) verdict {
	for _, reason := range failureReasons {
		if message, ok := failed.messages(reason); ok {
			return no(reason, "%s", message)
		}
	}

	if pods := f.waiting(); pods.reason != v1alpha1.ReasonReady {
		return pods
	}

	for _, part := range []verdict{f.secrets, f.extensions, f.exposed, f.volume, f.autoscaler, f.subscribed} {
		if besideReady[part.reason] != "" {
			return no(part.reason, "%s", part.message)
		}
	}

	return f.rollout.verdict
}

// heldBack adds to the verdict of Ready why the objects stay as they are.
func (o *observation) heldBack(ready verdict) verdict {
	if o.upgrade != "" {
		ready.message += "; " + o.upgrade
	}

	if o.suspended {
		ready.reason = v1alpha1.ReasonSuspended
		ready.message = "reconciliation is suspended, and all objects stay as they are; " + ready.message
	}

	return ready
}

// waiting returns the verdict on the pods. Missing Secrets keep pods unready, but only where nothing else is known to.
func (f *findings) waiting() verdict {
	ended := f.rollout.reason == v1alpha1.ReasonReady || f.rollout.reason == v1alpha1.ReasonScaledToZero
	if f.secrets.reason == v1alpha1.ReasonSecretMissing && !ended && !f.rollout.explained {
		return f.secrets
	}

	return f.rollout.verdict
}
